/* SPDX-License-Identifier: BSD-3-Clause */

/* The packed ring format (virtio 1.2, 2.8): what the device writes. */
#include "guest_packed_private.h"

#include "guest.h"

/** What was found where a used descriptor may be. */
enum found {
	FOUND_NOTHING,
	FOUND_UNKNOWN,		/**< A used descriptor with an id that the device does not have. */
	FOUND_CHAIN,
};

/**
 * IN_ORDER lets the device write one used descriptor for a batch, with the id of its last chain,
 * in place of the batch's first descriptor; it skips all others (virtio 1.2, 2.8.12). Chains
 * before the last one count as used completely.
 */
static enum found next_of_batch(const struct guest_queue *queue,
				struct guest_packed_cursor *cursor, struct guest_used *used)
{
	uint16_t id = queue->order[cursor->turn];
	bool last = id == cursor->batch_last;

	used->head = id;
	used->length = last ? cursor->batch_length : queue->chains[id].capacity;
	if (last)
		cursor->batch_last = GUEST_NO_HEAD;
	cursor->place = guest_packed_after(queue, cursor->place, queue->chains[id].descriptors);
	cursor->turn = guest_packed_next_turn(queue, cursor->turn);
	return FOUND_CHAIN;
}

/** Look at one used descriptor, and step over its chain. */
static inline enum found step(const struct guest_queue *queue,
			      struct guest_packed_cursor *cursor, struct guest_used *used)
{
	const struct vring_packed_desc *at =
		&queue->ring.packed.descriptors[cursor->place.slot];
	uint16_t flags, id;
	bool available, is_used;

	if (cursor->batch_last != GUEST_NO_HEAD)
		return next_of_batch(queue, cursor, used);
	/* virtio 1.2, 2.8.22: what the device wrote before the flags is visible after them. */
	flags = __atomic_load_n(&at->flags, __ATOMIC_ACQUIRE);
	available = flags & GUEST_PACKED_AVAIL;
	is_used = flags & GUEST_PACKED_USED;
	if (available != is_used || is_used != cursor->place.wrap)
		return FOUND_NOTHING;
	id = __atomic_load_n(&at->id, __ATOMIC_RELAXED);
	/* virtio 1.2, 2.8.5: without WRITE, the length means nothing. */
	used->length = flags & VRING_DESC_F_WRITE ? at->len : 0;
	if (id >= queue->size || !queue->chains[id].in_flight) {
		cursor->place = guest_packed_after(queue, cursor->place, 1);
		return FOUND_UNKNOWN;
	}
	if (queue->in_order) {
		cursor->batch_last = id;
		cursor->batch_length = used->length;
		return next_of_batch(queue, cursor, used);
	}
	used->head = id;
	cursor->place = guest_packed_after(queue, cursor->place, queue->chains[id].descriptors);
	cursor->turn = guest_packed_next_turn(queue, cursor->turn);
	return FOUND_CHAIN;
}

bool guest_packed_next_used(struct guest_queue *queue, struct guest_used *used)
{
	enum found found = FOUND_UNKNOWN;

	for (uint32_t i = 0; i < queue->size && found == FOUND_UNKNOWN; i++) {
		found = step(queue, &queue->ring.packed.used, used);
		if (found != FOUND_UNKNOWN)
			break;
		if (queue->ghosts > 0) {
			queue->ghosts--;
			queue->free_count++;
		} else {
			queue->stats.bad_id++;
		}
	}
	return found == FOUND_CHAIN;
}

/** Walk over everything used without taking it. @return chains, unknown ones included. */
static uint32_t look_ahead(const struct guest_queue *queue, struct guest_packed_cursor *cursor)
{
	struct guest_used used;
	uint32_t count = 0;

	while (count < queue->size && step(queue, cursor, &used) != FOUND_NOTHING)
		count++;
	return count;
}

uint32_t guest_packed_waiting(const struct guest_queue *queue)
{
	struct guest_packed_cursor cursor = queue->ring.packed.used;

	return look_ahead(queue, &cursor);
}

bool guest_packed_peek(const struct guest_queue *queue, uint32_t number,
		       struct guest_used *used)
{
	struct guest_packed_cursor cursor = queue->ring.packed.used;
	enum found found = FOUND_CHAIN;

	for (uint32_t i = 0; i <= number && found != FOUND_NOTHING; i++)
		found = step(queue, &cursor, used);
	return found != FOUND_NOTHING;
}

uint32_t guest_packed_next_base(const struct guest_queue *queue)
{
	struct guest_packed_cursor cursor = queue->ring.packed.used;

	look_ahead(queue, &cursor);
	return guest_packed_base(cursor.place, cursor.place);
}

void guest_packed_release(struct guest_queue *queue, uint16_t head)
{
	queue->free_count += queue->chains[head].descriptors;
	guest_packed_give_id(queue, head);
}

/** Benchmarks: add a chain as it was added first, wherever that was. */
static inline void add_again(struct guest_queue *queue, uint16_t id)
{
	struct guest_packed *packed = &queue->ring.packed;
	const struct guest_chain *chain = &queue->chains[id];
	struct guest_packed_place to = packed->avail, from = { .slot = chain->home };

	for (uint32_t i = 0; i < chain->descriptors; i++) {
		guest_packed_write(packed, to, &packed->shadow[from.slot], i == 0);
		to = guest_packed_after(queue, to, 1);
		from = guest_packed_after(queue, from, 1);
	}
	queue->order[packed->turn] = id;
	packed->turn = guest_packed_next_turn(queue, packed->turn);
	guest_packed_step_over(queue, chain->descriptors);
}

uint32_t guest_packed_recycle(struct guest_queue *queue, uint32_t limit)
{
	struct guest_used used;
	uint32_t count = 0;

	while (count < limit && step(queue, &queue->ring.packed.used, &used) == FOUND_CHAIN) {
		add_again(queue, used.head);
		count++;
	}
	return count;
}

uint16_t guest_packed_used_head(const struct guest_queue *queue, uint32_t ago)
{
	uint32_t back = 1 + ago % queue->size, turn = queue->ring.packed.turn;

	return queue->order[turn >= back ? turn - back : turn + queue->size - back];
}
