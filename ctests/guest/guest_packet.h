/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Test packets that know who they are, and the check that they arrived unchanged and in order.
 *
 * A frame is an Ethernet header (local experimental EtherType 0x88b5), a stamp, and noise that
 * depends on sender, queue and sequence number. The stamp holds those three, the length, and a
 * hash of all other bytes behind the addresses. Addresses are outside of it, so that a backend
 * may swap them. Frames too short for a stamp (14 to 45 bytes) carry it in the two addresses,
 * in a form that survives swapping.
 */
#ifndef GUEST_PACKET_H
#define GUEST_PACKET_H

#include <stdbool.h>
#include <stdint.h>

/** The shortest frame: an Ethernet header. */
#define GUEST_PACKET_MIN 14

/** Frames from here on carry their stamp behind the Ethernet header. */
#define GUEST_PACKET_STAMPED 46

/** Who sent a packet, and which one it is. */
struct guest_stamp {
	uint16_t sender;	/**< Which guest (8 bits in short frames). */
	uint16_t queue;		/**< Which queue pair (8 bits in short frames). */
	uint64_t sequence;	/**< Counts up per sender and queue (48 bits in short frames). */
};

/** A fast, seeded, statistically sound random number generator. */
struct guest_random {
	uint64_t state;
};

/** Next 64 random bits. */
uint64_t guest_random_next(struct guest_random *random);

/** A random number in [low, high]. */
uint32_t guest_random_range(struct guest_random *random, uint32_t low, uint32_t high);

/** 64-bit hash of any bytes; not cryptographic. */
uint64_t guest_hash(const void *bytes, uint32_t size, uint64_t seed);

/** Write a frame of @p size bytes (at least GUEST_PACKET_MIN). @return its hash. */
uint64_t guest_packet_fill(uint8_t *frame, uint32_t size, const struct guest_stamp *stamp);

/**
 * Check a frame, whatever its addresses became.
 * @param hash hash of everything behind the addresses, as guest_packet_fill() returned it.
 * @param swapped whether source and destination address were exchanged.
 * @return 0; -EBADMSG when it was changed; -ENOMSG when it is none of ours.
 */
int guest_packet_check(const uint8_t *frame, uint32_t size, struct guest_stamp *stamp,
		       uint64_t *hash, bool *swapped);

/** Sequence numbers that a flow remembers, to tell a late packet from one that came twice. */
#define GUEST_ORDER_WINDOW 65536

/** Where the packet of a flow stands. */
enum guest_order_verdict {
	GUEST_ORDER_OK,		/**< Behind all others so far. */
	GUEST_ORDER_LATE,	/**< Overtaken by others. */
	GUEST_ORDER_TWICE,	/**< Seen before. */
};

/** What arrived of one flow. */
struct guest_order {
	uint64_t next;		/**< One more than the highest sequence number seen. */
	uint64_t seen[GUEST_ORDER_WINDOW / 64];
};

/** Note the arrival of a packet. */
enum guest_order_verdict guest_order_note(struct guest_order *order, uint64_t sequence);

#endif
