/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * What both sides of the packed ring need. Private to guest_packed*.c.
 */
#ifndef GUEST_PACKED_PRIVATE_H
#define GUEST_PACKED_PRIVATE_H

#include "guest_packed.h"

/** The position behind one in guest_queue.order. */
static inline uint32_t guest_packed_next_turn(const struct guest_queue *queue, uint32_t turn)
{
	return turn + 1 == queue->size ? 0 : turn + 1;
}

/** AVAIL and USED of an available descriptor (virtio 1.2, 2.8.1). */
static inline uint16_t guest_packed_available(bool wrap)
{
	return wrap ? GUEST_PACKED_AVAIL : GUEST_PACKED_USED;
}

/** Write a descriptor; the flags of a head wait for publish(). */
static inline void guest_packed_write(struct guest_packed *packed,
				      struct guest_packed_place place,
				      const struct vring_packed_desc *from, bool is_head)
{
	struct vring_packed_desc *to = &packed->descriptors[place.slot];
	uint16_t flags = from->flags | guest_packed_available(place.wrap);

	to->addr = from->addr;
	to->len = from->len;
	to->id = from->id;
	if (is_head)
		packed->held[place.slot] = flags;
	else
		__atomic_store_n(&to->flags, flags, __ATOMIC_RELAXED);
}

/** What was put becomes a chain of so many descriptors. */
static inline void guest_packed_step_over(struct guest_queue *queue, uint32_t count)
{
	struct guest_packed *packed = &queue->ring.packed;

	packed->span[packed->avail.slot] = (uint16_t)count;
	packed->avail = guest_packed_after(queue, packed->avail, count);
	queue->next_avail++;
}

/** A place as it is written in event suppression structures and in SET_VRING_BASE. */
static inline uint16_t guest_packed_off_wrap(struct guest_packed_place place)
{
	return (uint16_t)(place.slot | place.wrap << VRING_PACKED_EVENT_F_WRAP_CTR);
}

/* guest_packed_used.c: these parts of struct guest_ring_ops. */
bool guest_packed_next_used(struct guest_queue *queue, struct guest_used *used);
void guest_packed_release(struct guest_queue *queue, uint16_t head);
uint32_t guest_packed_waiting(const struct guest_queue *queue);
bool guest_packed_peek(const struct guest_queue *queue, uint32_t number,
		       struct guest_used *used);
uint32_t guest_packed_next_base(const struct guest_queue *queue);
uint32_t guest_packed_recycle(struct guest_queue *queue, uint32_t limit);
uint16_t guest_packed_used_head(const struct guest_queue *queue, uint32_t ago);

#endif
