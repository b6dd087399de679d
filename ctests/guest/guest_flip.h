/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A second thread that changes what the guest wrote while the backend reads it.
 *
 * Each flip puts a hostile value into one field, waits a few dozen cycles, and puts the old one
 * back unless the driver has written meanwhile. Most packets stay good, so the backend gets far
 * enough to read a field twice; one that does may see two values.
 *
 * The driver keeps running meanwhile, by the caller's hand. It does not read what is flipped,
 * except for the ids and the AVAIL and USED bits of packed rings.
 * A backend that follows a flipped index or ring entry uses chains that it was never given: the
 * driver counts these (bad_id, bad_index) and goes on, but for clean counts afterwards the ring
 * must be stopped and reset (guest_stop(), guest_reset(), guest_start()).
 */
#ifndef GUEST_FLIP_H
#define GUEST_FLIP_H

#include "guest.h"

/** Which fields; any sum of these. */
enum guest_flip_field {
	GUEST_FLIP_ADDR = 1 << 0,	/**< A descriptor's address. */
	GUEST_FLIP_LENGTH = 1 << 1,	/**< A descriptor's length. */
	GUEST_FLIP_FLAGS = 1 << 2,	/**< A descriptor's flags. */
	GUEST_FLIP_NEXT = 1 << 3,	/**< A descriptor's next (packed: id). */
	GUEST_FLIP_TABLE = 1 << 4,	/**< Any of these inside of indirect tables. */
	GUEST_FLIP_HEADER = 1 << 5,	/**< A virtio-net header. */
	GUEST_FLIP_AVAILABLE = 1 << 6,	/**< An entry of the available ring (packed: id). */
	GUEST_FLIP_INDEX = 1 << 7,	/**< The available index (packed: AVAIL and USED). */
	GUEST_FLIP_EVENT = 1 << 8,	/**< What the driver says of notifications. */
	GUEST_FLIP_ALL = (1 << 9) - 1,
	/** No field: half of the flips are where the device is about to read. */
	GUEST_FLIP_AIMED = 1 << 9,
};

/** Kinds of fields. */
#define GUEST_FLIP_FIELDS 9

struct guest_flip;

/**
 * Start to flip fields of all queues.
 * @param fields sum of enum guest_flip_field.
 * @param seed which values, where.
 * @return 0 or a negative errno.
 */
int guest_flip_start(struct guest *guest, unsigned int fields, uint64_t seed,
		     struct guest_flip **flip);

/** Stop, and free. @return how many fields were flipped. */
uint64_t guest_flip_stop(struct guest_flip *flip);

/** The same, with how many of each kind; they are added to @p counts. */
uint64_t guest_flip_finish(struct guest_flip *flip, uint64_t counts[GUEST_FLIP_FIELDS]);

/**
 * Flip one field once, in the caller's thread: the building block, for lock-step tests.
 * @return which kind, as the number of its bit.
 */
unsigned int guest_flip_once(struct guest *guest, unsigned int fields, uint64_t random);

#endif
