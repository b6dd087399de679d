/* SPDX-License-Identifier: BSD-3-Clause */

/* The packed ring format (virtio 1.2, 2.8): what the driver writes. */
#include "guest_packed_private.h"

#include <errno.h>

#include "guest.h"

uint16_t guest_packed_take_id(struct guest_queue *queue)
{
	uint16_t id = queue->free_head;

	if (queue->ring.packed.free_ids == 0)
		return GUEST_NO_HEAD;
	queue->free_head = queue->link[id];
	queue->ring.packed.free_ids--;
	return id;
}

/* First in, first out: ids go round in order when the device uses chains in order. */
void guest_packed_give_id(struct guest_queue *queue, uint16_t id)
{
	if (queue->ring.packed.free_ids == 0)
		queue->free_head = id;
	else
		queue->link[queue->free_tail] = id;
	queue->free_tail = id;
	queue->ring.packed.free_ids++;
}

void guest_packed_put(struct guest_queue *queue, uint32_t offset, uint64_t addr,
		      uint32_t length, uint16_t flags, uint16_t id)
{
	struct guest_packed *packed = &queue->ring.packed;
	struct guest_packed_place place = guest_packed_after(queue, packed->avail, offset);
	struct vring_packed_desc *shadow = &packed->shadow[place.slot];

	shadow->addr = addr;
	shadow->len = length;
	shadow->id = id;
	shadow->flags = flags;
	guest_packed_write(packed, place, shadow, offset == 0);
}

void guest_packed_offer(struct guest_queue *queue, uint16_t id, uint32_t count)
{
	struct guest_packed *packed = &queue->ring.packed;
	struct guest_chain *chain = &queue->chains[id];

	chain->first_slot = GUEST_NO_SLOT;
	chain->capacity = 0;
	chain->descriptors = (uint16_t)count;
	chain->home = packed->avail.slot;
	chain->serial = queue->next_serial++;
	chain->in_flight = true;
	queue->order[packed->turn] = id;
	packed->turn = guest_packed_next_turn(queue, packed->turn);
	queue->free_count -= count;
	queue->in_flight++;
	queue->stats.added++;
	guest_packed_step_over(queue, count);
}

void guest_packed_offer_ghost(struct guest_queue *queue)
{
	queue->ghosts++;
	queue->free_count--;
	guest_packed_step_over(queue, 1);
}

struct vring_packed_desc *guest_packed_table(struct guest_queue *queue, uint16_t id,
					     uint32_t entry, uint64_t *gpa)
{
	uint64_t index = (uint64_t)id * queue->table_entries + entry;

	if (id >= queue->size || entry >= queue->table_entries)
		return NULL;
	if (gpa)
		*gpa = queue->tables.gpa + index * sizeof(struct vring_packed_desc);
	return (struct vring_packed_desc *)queue->tables.host + index;
}

/** Write the chain into the id's indirect table (virtio 1.2, 2.8.7) and point to it. */
static int add_indirect(struct guest_queue *queue, const struct guest_piece *pieces,
			uint32_t count)
{
	uint64_t gpa = 0;
	uint16_t id;

	if (count == 0 || count > queue->table_entries || count > queue->size)
		return -EINVAL;
	if (!guest_packed_has_room(queue, 1))
		return -ENOSPC;
	id = guest_packed_take_id(queue);
	for (uint32_t i = 0; i < count; i++) {
		struct vring_packed_desc *entry =
			guest_packed_table(queue, id, i, i ? NULL : &gpa);

		entry->addr = pieces[i].addr;
		entry->len = pieces[i].length;
		entry->id = 0;
		/* The only flag with a meaning in a table; entries follow each other. */
		entry->flags = pieces[i].write ? VRING_DESC_F_WRITE : 0;
	}
	guest_packed_put(queue, 0, gpa, count * (uint32_t)sizeof(struct vring_packed_desc),
			 VRING_DESC_F_INDIRECT, id);
	guest_packed_offer(queue, id, 1);
	return id;
}

static int packed_add(struct guest_queue *queue, const struct guest_piece *pieces,
		      uint32_t count, bool indirect)
{
	uint16_t id;

	if (indirect)
		return add_indirect(queue, pieces, count);
	if (count == 0 || count > queue->size)
		return -EINVAL;
	if (!guest_packed_has_room(queue, count))
		return -ENOSPC;
	id = guest_packed_take_id(queue);
	for (uint32_t i = 0; i < count; i++) {
		uint16_t flags = (uint16_t)((pieces[i].write ? VRING_DESC_F_WRITE : 0) |
					    (i + 1 == count ? 0 : VRING_DESC_F_NEXT));

		/* virtio 1.2, 2.8.6: only the last id counts; devices may read any of them. */
		guest_packed_put(queue, i, pieces[i].addr, pieces[i].length, flags, id);
	}
	guest_packed_offer(queue, id, count);
	return id;
}

/** Write the flags of one head that was held back. @return the place behind its chain. */
static inline struct guest_packed_place show_one(struct guest_queue *queue,
						 struct guest_packed_place place)
{
	struct guest_packed *packed = &queue->ring.packed;

	/* virtio 1.2, 2.8.22: everything of the chain is visible before the head's flags. */
	__atomic_store_n(&packed->descriptors[place.slot].flags, packed->held[place.slot],
			 __ATOMIC_RELEASE);
	packed->unkicked += packed->span[place.slot];
	return guest_packed_after(queue, place, packed->span[place.slot]);
}

/** Show some chains: the first one last, so that the device sees all of them or none. */
static void show(struct guest_queue *queue, uint32_t count)
{
	struct guest_packed *packed = &queue->ring.packed;
	struct guest_packed_place first = packed->publish, place;

	if (count == 0)
		return;
	place = guest_packed_after(queue, first, packed->span[first.slot]);
	for (uint32_t i = 1; i < count; i++)
		place = show_one(queue, place);
	show_one(queue, first);
	packed->publish = place;
	queue->published = (uint16_t)(queue->published + count);
}

static void packed_publish(struct guest_queue *queue)
{
	show(queue, (uint16_t)(queue->next_avail - queue->published));
}

static uint32_t packed_expose(struct guest_queue *queue, uint32_t limit)
{
	uint32_t count = (uint16_t)(queue->next_avail - queue->published);

	if (count > limit)
		count = limit;
	show(queue, count);
	return count;
}

static bool packed_wants_kick(struct guest_queue *queue)
{
	struct guest_packed *packed = &queue->ring.packed;
	uint32_t count = packed->unkicked < queue->size ? packed->unkicked : queue->size;
	uint16_t flags, event, after = packed->publish.slot;

	packed->unkicked = 0;
	/* virtio 1.2, 2.8.21.3.1: the flags are visible before the suppression is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = __atomic_load_n(&packed->device->flags, __ATOMIC_ACQUIRE) & 3;
	event = __atomic_load_n(&packed->device->off_wrap, __ATOMIC_RELAXED);
	if (count == 0 || flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !queue->event_index)
		return true;
	/* An event of the lap before lies so many descriptors behind this lap's first one. */
	if (event >> VRING_PACKED_EVENT_F_WRAP_CTR != packed->publish.wrap)
		event = (uint16_t)((event & 0x7fff) - queue->size);
	else
		event &= 0x7fff;
	return vring_need_event(event, after, (uint16_t)(after - count));
}

void guest_packed_want_call_at(struct guest_queue *queue, struct guest_packed_place place)
{
	struct vring_packed_desc_event *driver = queue->ring.packed.driver;

	__atomic_store_n(&driver->off_wrap, guest_packed_off_wrap(place), __ATOMIC_RELAXED);
	__atomic_store_n(&driver->flags, VRING_PACKED_EVENT_FLAG_DESC, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void packed_want_calls(struct guest_queue *queue, bool want)
{
	struct guest_packed *packed = &queue->ring.packed;

	if (want && queue->event_index) {
		guest_packed_want_call_at(queue, packed->used.place);
		return;
	}
	__atomic_store_n(&packed->driver->flags,
			 want ? VRING_PACKED_EVENT_FLAG_ENABLE : VRING_PACKED_EVENT_FLAG_DISABLE,
			 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

uint32_t guest_packed_base(struct guest_packed_place avail, struct guest_packed_place used)
{
	return guest_packed_off_wrap(avail) | (uint32_t)guest_packed_off_wrap(used) << 16;
}

void guest_packed_take_back_ghost(struct guest_queue *queue)
{
	struct guest_packed *packed = &queue->ring.packed;

	packed->avail = guest_packed_after(queue, packed->avail, queue->size - 1);
	packed->avail.wrap = !packed->avail.wrap;
	packed->publish = packed->avail;
	/* As the lap before left it: used. */
	packed->descriptors[packed->avail.slot].flags =
		packed->avail.wrap ? 0 : GUEST_PACKED_AVAIL | GUEST_PACKED_USED;
	queue->next_avail--;
	queue->published--;
	queue->ghosts--;
	queue->free_count++;
}

void guest_packed_begin_at(struct guest_queue *queue, uint16_t slot, bool wrap)
{
	struct guest_packed *packed = &queue->ring.packed;

	packed->avail.slot = slot;
	packed->avail.wrap = wrap;
	packed->publish = packed->used.place = packed->avail;
	/* What the slots say must not look available or used in this lap. */
	for (uint32_t i = 0; i < queue->size; i++) {
		bool lap = i < slot ? !wrap : wrap;

		packed->descriptors[i].flags =
			lap ? 0 : GUEST_PACKED_AVAIL | GUEST_PACKED_USED;
	}
	queue->base = guest_packed_base(packed->avail, packed->avail);
}

static void packed_reset(struct guest_queue *queue)
{
	struct guest_packed *packed = &queue->ring.packed;

	packed->descriptors = (struct vring_packed_desc *)queue->areas[0].host;
	packed->driver = (struct vring_packed_desc_event *)queue->areas[1].host;
	packed->device = (struct vring_packed_desc_event *)queue->areas[2].host;
	packed->unkicked = 0;
	packed->turn = packed->used.turn = 0;
	packed->used.batch_last = GUEST_NO_HEAD;
	packed->free_ids = queue->size;
	guest_packed_begin_at(queue, 0, true);
}

const struct guest_ring_ops guest_packed_ops = {
	.name = "packed",
	.reset = packed_reset,
	.add = packed_add,
	.publish = packed_publish,
	.wants_kick = packed_wants_kick,
	.next_used = guest_packed_next_used,
	.release = guest_packed_release,
	.want_calls = packed_want_calls,
	.waiting = guest_packed_waiting,
	.peek = guest_packed_peek,
	.base = guest_packed_next_base,
	.recycle = guest_packed_recycle,
	.expose = packed_expose,
	.used_head = guest_packed_used_head,
};
