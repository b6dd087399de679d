/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_split.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "guest.h"

/** Position in the ring of a free-running 16-bit index; split rings are powers of two. */
static inline uint16_t slot_of(const struct guest_queue *queue, uint16_t index)
{
	return index & (uint16_t)(queue->size - 1);
}

uint16_t guest_split_take(struct guest_queue *queue)
{
	uint16_t index = queue->free_head;

	if (queue->free_count == 0)
		return GUEST_NO_HEAD;
	queue->free_head = queue->link[index];
	queue->free_count--;
	return index;
}

/*
 * The free list is first in, first out. When chains come back in the order in which they were
 * made available, descriptors are therefore taken in ring order, as IN_ORDER demands
 * (virtio 1.2, 2.7.5 and 2.7.5.2).
 */
void guest_split_give(struct guest_queue *queue, uint16_t descriptor)
{
	if (queue->free_count == 0)
		queue->free_head = descriptor;
	else
		queue->link[queue->free_tail] = descriptor;
	queue->free_tail = descriptor;
	queue->free_count++;
}

void guest_split_set_descriptor(struct guest_queue *queue, uint16_t index, uint64_t addr,
				uint32_t length, uint16_t flags, uint16_t next)
{
	struct vring_desc *descriptor = &queue->ring.split.descriptors[slot_of(queue, index)];

	descriptor->addr = addr;
	descriptor->len = length;
	descriptor->flags = flags;
	descriptor->next = next;
}

struct vring_desc *guest_split_table(struct guest_queue *queue, uint16_t head, uint32_t entry,
				     uint64_t *gpa)
{
	uint64_t index = (uint64_t)head * queue->table_entries + entry;

	if (head >= queue->size || entry >= queue->table_entries)
		return NULL;
	if (gpa)
		*gpa = queue->tables.gpa + index * sizeof(struct vring_desc);
	return (struct vring_desc *)queue->tables.host + index;
}

void guest_split_set_available(struct guest_queue *queue, uint16_t position, uint16_t head)
{
	queue->ring.split.available->ring[slot_of(queue, position)] = head;
}

void guest_split_set_available_index(struct guest_queue *queue, uint16_t index)
{
	/* virtio 1.2, 2.7.13.3: descriptors and ring entries are visible before the index. */
	__atomic_store_n(&queue->ring.split.available->idx, index, __ATOMIC_RELEASE);
}

uint16_t guest_split_used_index(const struct guest_queue *queue)
{
	/* virtio 1.2, 2.7.14: what the device wrote before the index is visible after it. */
	return __atomic_load_n(&queue->ring.split.used->idx, __ATOMIC_ACQUIRE);
}

void guest_split_offer(struct guest_queue *queue, const uint16_t *taken, uint32_t count)
{
	uint16_t head = taken[0];
	struct guest_chain *chain = &queue->chains[head];

	for (uint32_t i = 0; i + 1 < count; i++)
		queue->link[taken[i]] = taken[i + 1];
	chain->first_slot = GUEST_NO_SLOT;
	chain->capacity = 0;
	chain->descriptors = (uint16_t)count;
	chain->serial = queue->next_serial++;
	chain->in_flight = true;
	queue->order[chain->serial % queue->size] = head;
	queue->in_flight++;
	queue->stats.added++;
	guest_split_set_available(queue, queue->next_avail++, head);
}

int guest_split_offer_ghost(struct guest_queue *queue, uint16_t head)
{
	if (!guest_split_has_room(queue))
		return -ENOSPC;
	queue->ghosts++;
	guest_split_set_available(queue, queue->next_avail++, head);
	return 0;
}

static uint16_t flags_of(const struct guest_piece *piece, bool last)
{
	return (uint16_t)((piece->write ? VRING_DESC_F_WRITE : 0) |
			  (last ? 0 : VRING_DESC_F_NEXT));
}

/** Write the chain into the head's indirect table (virtio 1.2, 2.7.5.3) and point to it. */
static int add_indirect(struct guest_queue *queue, const struct guest_piece *pieces,
			uint32_t count)
{
	struct vring_desc *table;
	uint64_t table_gpa = 0;
	uint16_t head;

	/* virtio 1.2, 2.7.5.3.1: no chain is longer than the queue, even outside of the ring. */
	if (count == 0 || count > queue->table_entries || count > queue->size)
		return -EINVAL;
	if (!guest_split_has_room(queue))
		return -ENOSPC;
	head = guest_split_take(queue);
	table = guest_split_table(queue, head, 0, &table_gpa);
	if (!table)
		return -ENOSPC;
	for (uint32_t i = 0; i < count; i++) {
		bool last = i + 1 == count;

		table[i].addr = pieces[i].addr;
		table[i].len = pieces[i].length;
		table[i].flags = flags_of(&pieces[i], last);
		table[i].next = last ? 0 : (uint16_t)(i + 1);
	}
	guest_split_set_descriptor(queue, head, table_gpa,
				   count * (uint32_t)sizeof(struct vring_desc),
				   VRING_DESC_F_INDIRECT, 0);
	guest_split_offer(queue, &head, 1);
	return head;
}

static int split_add(struct guest_queue *queue, const struct guest_piece *pieces,
		     uint32_t count, bool indirect)
{
	uint16_t taken[GUEST_MAX_PIECES];

	if (indirect)
		return add_indirect(queue, pieces, count);
	if (count == 0 || count > queue->size || count > GUEST_MAX_PIECES)
		return -EINVAL;
	if (count > queue->free_count || !guest_split_has_room(queue))
		return -ENOSPC;
	for (uint32_t i = 0; i < count; i++)
		taken[i] = guest_split_take(queue);
	for (uint32_t i = 0; i < count; i++) {
		bool last = i + 1 == count;

		guest_split_set_descriptor(queue, taken[i], pieces[i].addr, pieces[i].length,
					   flags_of(&pieces[i], last), last ? 0 : taken[i + 1]);
	}
	guest_split_offer(queue, taken, count);
	return taken[0];
}

static void split_publish(struct guest_queue *queue)
{
	guest_split_set_available_index(queue, queue->next_avail);
	queue->published = queue->next_avail;
}

static bool split_wants_kick(struct guest_queue *queue)
{
	uint16_t before = queue->kicked, after = queue->published;

	queue->kicked = after;
	/* virtio 1.2, 2.7.13.4.1: the index is visible before the suppression is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (queue->event_index) {
		uint16_t event = __atomic_load_n(queue->ring.split.avail_event, __ATOMIC_RELAXED);

		return vring_need_event(event, after, before);
	}
	return after != before &&
	       !(__atomic_load_n(&queue->ring.split.used->flags, __ATOMIC_RELAXED) &
		 VRING_USED_F_NO_NOTIFY);
}

/** Whether the device can have this chain; ids of unknown chains are counted. */
static bool known_head(struct guest_queue *queue, uint32_t id)
{
	if (id < queue->size && queue->chains[id].in_flight)
		return true;
	if (queue->ghosts > 0)
		queue->ghosts--;
	else
		queue->stats.bad_id++;
	return false;
}

/**
 * IN_ORDER lets the device write one used entry for a batch, with the id of its last chain, and
 * skip the entries of the others (virtio 1.2, 2.7.9). Their lengths are not known.
 */
static bool next_in_order(struct guest_queue *queue, const struct vring_used_elem *entry,
			  struct guest_used *used)
{
	if (queue->batch_last == GUEST_NO_HEAD) {
		uint32_t id = __atomic_load_n(&entry->id, __ATOMIC_RELAXED);

		if (!known_head(queue, id)) {
			queue->next_used++;
			return false;
		}
		queue->batch_last = (uint16_t)id;
		queue->batch_length = entry->len;
	}
	used->head = queue->order[queue->used_serial % queue->size];
	used->length = used->head == queue->batch_last ? queue->batch_length : 0;
	if (used->head == queue->batch_last)
		queue->batch_last = GUEST_NO_HEAD;
	return true;
}

/**
 * How many used entries wait. A device that claims more than it was given is counted, and
 * followed to where it is: after a flip of the available index it was not its fault.
 */
static uint16_t split_pending(struct guest_queue *queue)
{
	uint16_t index = guest_split_used_index(queue);
	uint16_t pending = (uint16_t)(index - queue->next_used);

	if (pending <= queue->in_flight + queue->ghosts)
		return pending;
	queue->stats.bad_index++;
	if (pending > queue->size) {
		pending = (uint16_t)queue->size;
		queue->next_used = (uint16_t)(index - pending);
	}
	return pending;
}

static bool split_next_used(struct guest_queue *queue, struct guest_used *used)
{
	for (uint16_t left = split_pending(queue); left > 0; left--) {
		const struct vring_used_elem *entry =
			&queue->ring.split.used->ring[slot_of(queue, queue->next_used)];
		uint32_t id;

		if (queue->in_order) {
			if (!next_in_order(queue, entry, used))
				continue;
			queue->next_used++;
			return true;
		}
		queue->next_used++;
		id = __atomic_load_n(&entry->id, __ATOMIC_RELAXED);
		if (!known_head(queue, id))
			continue;
		used->head = (uint16_t)id;
		used->length = entry->len;
		return true;
	}
	return false;
}

static void split_release(struct guest_queue *queue, uint16_t head)
{
	uint32_t count = queue->chains[head].descriptors;
	uint16_t descriptor = head;

	while (count-- > 0) {
		uint16_t next = queue->link[descriptor];

		guest_split_give(queue, descriptor);
		descriptor = next;
	}
}

/*
 * Benchmarks only: the ids are trusted, and nothing is counted. Everything about a chain except
 * for its entry in the available ring stays as it was.
 */
static uint32_t split_recycle(struct guest_queue *queue, uint32_t limit)
{
	struct vring_used_elem *used = queue->ring.split.used->ring;
	uint16_t *available = queue->ring.split.available->ring;
	uint32_t mask = queue->size - 1;
	uint32_t count = (uint16_t)(guest_split_used_index(queue) - queue->next_used);

	if (count > limit)
		count = limit;
	for (uint32_t i = 0; i < count; i++)
		available[(queue->next_avail + i) & mask] =
			(uint16_t)used[(queue->next_used + i) & mask].id;
	queue->next_avail = (uint16_t)(queue->next_avail + count);
	queue->next_used = (uint16_t)(queue->next_used + count);
	return count;
}

static uint32_t split_expose(struct guest_queue *queue, uint32_t limit)
{
	uint32_t count = (uint16_t)(queue->next_avail - queue->published);

	if (count > limit)
		count = limit;
	queue->published = (uint16_t)(queue->published + count);
	guest_split_set_available_index(queue, queue->published);
	return count;
}

static uint16_t split_used_head(const struct guest_queue *queue, uint32_t ago)
{
	uint16_t position = slot_of(queue, (uint16_t)(queue->next_used - 1 - ago));

	return (uint16_t)queue->ring.split.used->ring[position].id;
}

static void split_want_calls(struct guest_queue *queue, bool want)
{
	struct guest_split *split = &queue->ring.split;

	/* virtio 1.2, 2.7.7.1: with EVENT_IDX the flags stay 0 and used_event decides. */
	if (queue->event_index)
		__atomic_store_n(split->used_event,
				 (uint16_t)(queue->next_used - (want ? 0 : 1)),
				 __ATOMIC_RELAXED);
	else
		__atomic_store_n(&split->available->flags,
				 want ? 0 : VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint32_t split_waiting(const struct guest_queue *queue)
{
	return (uint16_t)(guest_split_used_index(queue) - queue->next_used);
}

static bool split_peek(const struct guest_queue *queue, uint32_t number,
		       struct guest_used *used)
{
	uint16_t position = slot_of(queue, (uint16_t)(queue->next_used + number));
	const struct vring_used_elem *entry = &queue->ring.split.used->ring[position];

	if (number >= split_waiting(queue))
		return false;
	used->head = (uint16_t)entry->id;
	used->length = entry->len;
	return true;
}

static uint32_t split_base(const struct guest_queue *queue)
{
	return guest_split_used_index(queue);
}

static void split_reset(struct guest_queue *queue)
{
	struct guest_split *split = &queue->ring.split;

	split->descriptors = (struct vring_desc *)queue->areas[0].host;
	split->available = (struct vring_avail *)queue->areas[1].host;
	split->used = (struct vring_used *)queue->areas[2].host;
	split->used_event = (uint16_t *)(queue->areas[1].host + 4) + queue->size;
	split->avail_event = (uint16_t *)(queue->areas[2].host + 4 +
					  queue->size * sizeof(struct vring_used_elem));
}

const struct guest_ring_ops guest_split_ops = {
	.name = "split",
	.reset = split_reset,
	.add = split_add,
	.publish = split_publish,
	.wants_kick = split_wants_kick,
	.next_used = split_next_used,
	.release = split_release,
	.want_calls = split_want_calls,
	.waiting = split_waiting,
	.peek = split_peek,
	.base = split_base,
	.recycle = split_recycle,
	.expose = split_expose,
	.used_head = split_used_head,
};
