/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * vhost-switch: what its parts share.
 *
 * Threads. The *plane* is the one thread that moves packets. The library calls back on threads of
 * its own, and the main thread reads figures. All of them take the plane's lock, so everything
 * below belongs to whoever holds it; the plane lets go of it after a round when someone waits.
 */
#ifndef VHOST_SWITCH_H
#define VHOST_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <rte_vhost_async.h>
#include <rtevhostswift.h>
#include <rtevhostswift_dma.h>

/** Sockets on the command line, at most. */
#define SWITCH_SOCKETS 16
/** Virtqueue pairs of a guest, at most; as many as the library offers. */
#define SWITCH_PAIRS 128
/** Packets that one call moves, at most. */
#define SWITCH_BURST 32
/** Packets that wait for room in one virtqueue, at most; a power of two. */
#define SWITCH_BACKLOG 512

/** What becomes of packets. */
enum switch_mode {
	MODE_SWITCH,	/**< To the guest that has the destination address, or to all others. */
	MODE_ECHO,	/**< Back to the sender, addresses swapped, without a loss. */
	MODE_SINK,	/**< Counted and freed. */
};

/** The command line. */
struct switch_options {
	const char *sockets[SWITCH_SOCKETS];
	unsigned int socket_count;
	enum switch_mode mode;
	bool async;		/**< Channels of the software DMA engine on every queue. */
	uint32_t threshold;	/**< Pieces of at least so many bytes go to the engine. */
	uint32_t retries;	/**< Failed attempts before waiting packets are dropped. */
	unsigned int seconds;	/**< Running time; 0: until a signal. */
	unsigned int pool;	/**< Mbufs. */
	unsigned int mbuf_size;	/**< Bytes of data of an mbuf. */
	uint64_t flags;		/**< Further RTE_VHOST_USER_* flags for the sockets. */
	uint64_t refused;	/**< Virtio features that guests may not have. */
	bool offloads, verify, quiet;
};

/** Why packets were dropped. */
enum switch_drop {
	DROP_RUNT,	/**< Shorter than an Ethernet header. */
	DROP_NOWHERE,	/**< No other guest to send it to. */
	DROP_OWN,	/**< The destination is the sender's own side. */
	DROP_FULL,	/**< Too many packets wait already. */
	DROP_STUCK,	/**< The guest made no room for too long. */
	DROP_GONE,	/**< The guest left, or disabled the queue. */
	DROP_REASONS,
};

/** What --verify finds in one direction. */
struct switch_hashes {
	uint64_t sum;		/**< Of the packets' hashes; the order does not matter. */
	uint64_t changed;	/**< Test packets that are not as their sender made them. */
	uint64_t hellos;	/**< Test packets sent before a test; not in the sum. */
};

/** Everything that is counted. */
struct switch_totals {
	uint64_t rx_packets, rx_bytes;	/**< From guests. */
	uint64_t tx_packets, tx_bytes;	/**< To guests, copied and announced. */
	uint64_t drops[DROP_REASONS];
	uint64_t stranded;		/**< In flight, lost with their queue; 0 expected. */
	uint64_t cpu_bytes, engine_bytes;
	uint64_t malformed;		/**< Chains that the library refused. */
	struct switch_hashes rx, tx;	/**< Only with --verify. */
};

/** A virtqueue. */
struct switch_queue {
	uint16_t id;
	bool enabled;		/**< The guest said so. */
	bool open;		/**< Polled: enabled, and the device runs. */
	bool async;		/**< Has a channel. */
	uint32_t in_flight;	/**< Packets that the library has. */
	struct rtevhostswift_vring_stats seen;	/**< The counters when last read. */
};

/** A pair of virtqueues. */
struct switch_pair {
	struct switch_queue in, out;	/**< From the guest (odd), to the guest (even). */
	struct rte_mbuf *waiting[SWITCH_BACKLOG];	/**< A ring. */
	uint32_t first, count;		/**< Of waiting: they wait for room in out. */
	uint32_t failures;		/**< Attempts without progress. */
};

/** A guest. */
struct switch_port {
	int vid;
	bool running;
	uint16_t pair_count;		/**< Elements of pairs that may be there. */
	struct switch_pair *pairs[SWITCH_PAIRS];
	struct switch_port *next;
};

/** The whole program. */
struct switch_state {
	struct switch_options options;
	struct rte_mempool *pool;
	struct rtevhostswift_dma *engine;
	struct switch_port *ports;
	struct switch_totals totals;
	bool draining;			/**< Take no more packets. */
};

/** The one there is. */
extern struct switch_state vhost_switch;

/** Take the plane's lock, ahead of the plane. */
void plane_pause(void);
/** Give it back. */
void plane_resume(void);
/** Start the plane. @return 0 or an errno. */
int plane_start(void);
/** End it. */
void plane_stop(void);

/** Do with packets of a guest what the mode says; they are handed over. */
void plane_deliver(struct switch_port *port, uint16_t pair, struct rte_mbuf **packets,
	uint16_t count);
/** Drop packets. */
void plane_drop(struct rte_mbuf **packets, uint32_t count, enum switch_drop reason);
/** Send what waits for a pair's guest, as far as there is room. @return packets sent. */
uint32_t plane_flush(const struct switch_port *port, struct switch_pair *pair);
/** Drop all that waits for a queue. */
void plane_drop_waiting(struct switch_pair *pair, enum switch_drop reason);
/** Forget the addresses behind a port that goes away. */
void plane_forget(const struct switch_port *port);

/** The callbacks. */
extern const struct vhost_device_ops switch_callbacks;
/** Add what the library counted since the last time; under the lock. */
void port_read_all_counters(void);
/** Packets that wait for room; under the lock. */
uint64_t port_count_waiting(void);
/** Packets that the library has; under the lock. */
uint64_t port_count_in_flight(void);
/** Free all ports, after the sockets are unregistered. */
void port_free_all(void);

/** Note a packet. */
void verify_packet(struct switch_hashes *hashes, const struct rte_mbuf *packet);

#endif
