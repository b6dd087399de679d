/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The destination of a live migration: a copy of a guest's memory that is made of dirty pages
 * alone, as a hypervisor makes it. What the backend wrote is known from the dirty log; what the
 * guest wrote itself, from its own mapping, which is write-protected between two rounds.
 */
#ifndef GUEST_SNAPSHOT_H
#define GUEST_SNAPSHOT_H

#include "guest.h"
#include "guest_log.h"

/** A destination. There is one at a time. */
struct guest_snapshot {
	struct guest *guest;
	uint8_t *pages[GUEST_MAX_REGIONS];	/**< The copy, by region. */
	uint8_t *written[GUEST_MAX_REGIONS];	/**< Pages that the guest wrote, a byte each. */
	uint64_t copied;			/**< Pages copied so far. */
};

/** Copy all of a guest's memory and begin to watch it. @return 0 or a negative errno. */
int guest_snapshot_begin(struct guest_snapshot *snapshot, struct guest *guest);

/** One round: copy the pages that either side wrote since the last one. Clears the log. */
void guest_snapshot_round(struct guest_snapshot *snapshot, struct guest_log *log);

/** Pages that differ from the guest's; the address of the first one in @p gpa. */
uint64_t guest_snapshot_differs(const struct guest_snapshot *snapshot, uint64_t *gpa);

/** Stop watching and free the copy; safe on a zeroed object. */
void guest_snapshot_end(struct guest_snapshot *snapshot);

#endif
