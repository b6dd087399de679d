/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A packed ring descriptor by descriptor, with whatever content.
 *
 *     id = guest_packed_take_id(queue);
 *     guest_packed_put(queue, 0, addr, length, VRING_DESC_F_NEXT, id);   // the head
 *     guest_packed_put(queue, 1, addr, length, 0, id);
 *     guest_packed_offer(queue, id, 2);
 *     guest_submit(queue);                                  // writes the head's flags
 *
 * The driver proper keeps its state outside of guest memory, as in guest_split.h.
 */
#ifndef GUEST_PACKED_H
#define GUEST_PACKED_H

#include "guest_queue.h"

/** The bits that tell available from used, as masks. */
#define GUEST_PACKED_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define GUEST_PACKED_USED (1u << VRING_PACKED_DESC_F_USED)

/** Take a free buffer id. @return it, or GUEST_NO_HEAD. */
uint16_t guest_packed_take_id(struct guest_queue *queue);

/** Give back an id that was taken and never offered. */
void guest_packed_give_id(struct guest_queue *queue, uint16_t id);

/**
 * Write the descriptor @p offset places behind the next free one. AVAIL and USED are added to
 * the flags; those of the head (offset 0) are held back until published.
 */
void guest_packed_put(struct guest_queue *queue, uint32_t offset, uint64_t addr,
		      uint32_t length, uint16_t flags, uint16_t id);

/** Book the @p count descriptors put last as chain @p id (not yet published). */
void guest_packed_offer(struct guest_queue *queue, uint16_t id, uint32_t count);

/** Book the one descriptor put last as nobody's: its id is not that of a free chain. */
void guest_packed_offer_ghost(struct guest_queue *queue);

/** Make the ghost that was offered and published last unavailable again. */
void guest_packed_take_back_ghost(struct guest_queue *queue);

/** Whether the ring can take another chain of @p count descriptors. */
static inline bool guest_packed_has_room(const struct guest_queue *queue, uint32_t count)
{
	return queue->free_count >= count && queue->ring.packed.free_ids > 0;
}

/** The entry of an id's indirect table, or NULL beyond it or when there are no tables. */
struct vring_packed_desc *guest_packed_table(struct guest_queue *queue, uint16_t id,
					     uint32_t entry, uint64_t *gpa);

/** The place @p count descriptors on. */
static inline struct guest_packed_place
guest_packed_after(const struct guest_queue *queue, struct guest_packed_place place, uint32_t count)
{
	uint32_t slot = place.slot + count;
	bool next_lap = slot >= queue->size;

	/* virtio 1.2, 2.8.1: the counter flips after the last descriptor of the ring. */
	return (struct guest_packed_place){
		.slot = (uint16_t)(next_lap ? slot - queue->size : slot),
		.wrap = place.wrap != next_lap,
	};
}

/**
 * Begin at a place of the caller's choice in place of slot 0 of the first lap: call it after
 * guest_create() or guest_reset(). SET_VRING_BASE will say so.
 */
void guest_packed_begin_at(struct guest_queue *queue, uint16_t slot, bool wrap);

/** What SET_VRING_BASE says of these two places (vhost-user, "Vring state description"). */
uint32_t guest_packed_base(struct guest_packed_place avail, struct guest_packed_place used);

/** Ask for a call when the device uses the descriptor at a place (needs EVENT_IDX). */
void guest_packed_want_call_at(struct guest_queue *queue, struct guest_packed_place place);

#endif
