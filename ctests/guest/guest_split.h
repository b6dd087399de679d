/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A split ring field by field, in whatever order and with whatever content.
 *
 * The driver proper keeps its state outside of guest memory, so nothing written here confuses
 * it: a descriptor taken with guest_split_take() is out of its hands until given back, or until
 * the device uses the chain declared with guest_split_offer().
 */
#ifndef GUEST_SPLIT_H
#define GUEST_SPLIT_H

#include "guest_queue.h"

/** Take a free descriptor. @return its index, or GUEST_NO_HEAD. */
uint16_t guest_split_take(struct guest_queue *queue);

/** Give back a descriptor that was taken and never offered. */
void guest_split_give(struct guest_queue *queue, uint16_t descriptor);

/** Write one descriptor; @p index is taken modulo the ring size. */
void guest_split_set_descriptor(struct guest_queue *queue, uint16_t index, uint64_t addr,
				uint32_t length, uint16_t flags, uint16_t next);

/** The entry of the head's indirect table, or NULL beyond it or when there are no tables. */
struct vring_desc *guest_split_table(struct guest_queue *queue, uint16_t head, uint32_t entry,
				     uint64_t *gpa);

/**
 * Append descriptors that were taken to the available ring as one chain with the first as its
 * head (not yet published). What they say is the caller's business.
 */
void guest_split_offer(struct guest_queue *queue, const uint16_t *taken, uint32_t count);

/** Whether the available ring can take one more entry; ghosts take room without descriptors. */
static inline bool guest_split_has_room(const struct guest_queue *queue)
{
	return queue->in_flight + queue->ghosts < queue->size;
}

/** Append any number to the available ring, as if it were a head. @return 0 or -ENOSPC. */
int guest_split_offer_ghost(struct guest_queue *queue, uint16_t head);

/** Overwrite entry @p position (modulo ring size) of the available ring. */
void guest_split_set_available(struct guest_queue *queue, uint16_t position, uint16_t head);

/** Overwrite the available index, without touching the driver's own count. */
void guest_split_set_available_index(struct guest_queue *queue, uint16_t index);

/** The used index, as the device last wrote it. */
uint16_t guest_split_used_index(const struct guest_queue *queue);

#endif
