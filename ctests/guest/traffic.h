/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * guest-traffic: a guest that sends packets to a backend and, if that echoes them, checks every
 * one that comes back.
 */
#ifndef GUEST_TRAFFIC_H
#define GUEST_TRAFFIC_H

#include "guest.h"
#include "guest_packet.h"

/** How transmit packets are cut. */
enum traffic_shape {
	TRAFFIC_MIXED,		/**< All of the others, at random. */
	TRAFFIC_DIRECT,		/**< As few descriptors as possible. */
	TRAFFIC_CHAINED,	/**< Chains of 2 to 18 descriptors. */
	TRAFFIC_INDIRECT,	/**< The same chains, in indirect tables. */
};

/** The command line. */
struct traffic_options {
	struct guest_config guest;
	enum traffic_shape shape;
	enum traffic_shape rx_shape;	/**< Of receive chains; TRAFFIC_MIXED is direct here. */
	uint64_t packets;	/**< In all queues together; 0: no limit. */
	double seconds;		/**< 0: no limit. */
	uint32_t size_min, size_max;
	uint32_t window;	/**< Most outstanding packets per queue. */
	uint16_t sender;	/**< Distinguishes guests behind one switch. */
	uint64_t seed;
	bool echo;		/**< Expect every packet back. */
	bool reconnect;		/**< Go on with the next backend when one hangs up. */
	bool live;		/**< Figures on standard error, every second. */
};

/** What was counted; sums over queues can be added up. */
struct traffic_counts {
	uint64_t sent, received;	/**< Packets; received ones are ours and unchanged. */
	uint64_t bytes;			/**< Frame bytes sent. */
	uint64_t reordered, changed, twice, foreign;
	uint64_t tx_hash, rx_hash;	/**< Sums of the packets' hashes. */
};

/** Packets whose sizes a flow remembers: as many as a ring can hold. */
#define TRAFFIC_SIZES GUEST_MAX_RING

/** One queue pair. */
struct traffic_flow {
	const struct traffic_options *options;
	struct guest_queue *tx, *rx;
	struct guest_random random;
	struct guest_order order;
	struct traffic_counts counts;
	uint16_t number;		/**< Queue pair. */
	uint32_t outstanding;		/**< Packets not yet back. */
	uint32_t buffers;		/**< Receive chains that they will take. */
	uint16_t sizes[TRAFFIC_SIZES];	/**< Of the packets sent last, by sequence number. */
	uint64_t at_risk;		/**< Packets that backends had when they hung up. */
	uint32_t next_size;		/**< Of the packet to be sent next; 0: not drawn. */
	uint8_t *frame;			/**< Room for one packet. */
	bool greeted;			/**< A hello came back. */
};

/** Read the command line. @return 0, 1 when help was asked for, or -EINVAL with a message. */
int traffic_parse(int argc, char **argv, struct traffic_options *options);

/** Prepare a flow. */
void traffic_flow_init(struct traffic_flow *flow, struct guest *guest, uint16_t number,
		       const struct traffic_options *options, uint8_t *frame);

/**
 * Send a packet that does not count. A backend may drop what arrives before its own ports are
 * up, so traffic starts when a hello has come back.
 */
int traffic_hello(struct traffic_flow *flow);

/** Send up to @p limit packets. @return how many, or a negative errno. */
int traffic_send(struct traffic_flow *flow, uint32_t limit);

/**
 * Receive what is there and give the buffers back. @p flows is indexed by the queue number in a
 * packet: a switch may deliver it on another queue than it was sent on.
 * @return packets received, or a negative errno.
 */
int traffic_receive(struct traffic_flow *flow, struct traffic_flow *flows, uint32_t flow_count);

/** The backend hung up with what it had taken; what is in the ring goes to the next one. */
void traffic_flow_resume(struct traffic_flow *flow);

#endif
