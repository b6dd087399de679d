/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_draft.h"

#include <errno.h>
#include <string.h>

#include "guest_packed.h"
#include "guest_split.h"

void guest_draft_add(struct guest_draft *draft, uint64_t addr, uint32_t length, uint16_t flags)
{
	struct guest_draft_entry *entry = &draft->entries[draft->count];

	if (draft->count == GUEST_DRAFT_MAX)
		return;
	if (draft->count > 0) {
		entry[-1].flags |= VRING_DESC_F_NEXT;
		entry[-1].next = draft->count;
	}
	entry->addr = addr;
	entry->length = length;
	entry->flags = flags;
	entry->next = 0;
	draft->count++;
}

int guest_draft_add_buffer(struct guest_draft *draft, const void *data, uint32_t length)
{
	struct guest_slots *slots = &draft->queue->slots;
	struct guest_slot *slot;
	uint32_t index;

	if (length > slots->buffer_size)
		return -EINVAL;
	index = guest_slots_take(slots);
	if (index == GUEST_NO_SLOT)
		return -ENOBUFS;
	slot = &slots->slots[index];
	slot->length = length;
	if (draft->slots == GUEST_NO_SLOT)
		draft->slots = index;
	else
		slots->slots[draft->last_slot].next = index;
	draft->last_slot = index;
	if (data)
		memcpy(slot->host, data, length);
	else
		memset(slot->host, 0, length);
	guest_draft_add(draft, slot->gpa, length, draft->direction);
	return 0;
}

void guest_draft_into_table(struct guest_draft *draft)
{
	draft->indirect = true;
	draft->table_flags = VRING_DESC_F_INDIRECT;
	draft->table_size = draft->count * (uint32_t)sizeof(struct vring_desc);
}

/** Split: the draft's descriptors, in ring descriptors of their own. */
static int offer_direct(struct guest_draft *draft)
{
	struct guest_queue *queue = draft->queue;
	uint16_t taken[GUEST_DRAFT_MAX];

	if (draft->count > queue->size)
		return -EINVAL;
	if (draft->count > queue->free_count || !guest_split_has_room(queue))
		return -ENOSPC;
	for (uint32_t i = 0; i < draft->count; i++)
		taken[i] = guest_split_take(queue);
	for (uint32_t i = 0; i < draft->count; i++) {
		const struct guest_draft_entry *entry = &draft->entries[i];
		uint16_t next = entry->next < draft->count ? taken[entry->next] :
							     (uint16_t)entry->next;

		guest_split_set_descriptor(queue, taken[i], entry->addr, entry->length,
					   entry->flags, next);
	}
	guest_split_offer(queue, taken, draft->count);
	return taken[0];
}

/** Split: the draft's descriptors in the head's table; a second one for INDIRECT with NEXT. */
static int offer_table(struct guest_draft *draft)
{
	struct guest_queue *queue = draft->queue;
	uint32_t needed = draft->table_flags & VRING_DESC_F_NEXT ? 2 : 1;
	uint16_t taken[2] = { GUEST_NO_HEAD, 0 };
	uint64_t gpa = 0;

	if (draft->count > queue->table_entries || needed > queue->size)
		return -EINVAL;
	if (needed > queue->free_count || !guest_split_has_room(queue))
		return -ENOSPC;
	for (uint32_t i = 0; i < needed; i++)
		taken[i] = guest_split_take(queue);
	for (uint32_t i = 0; i < draft->count; i++) {
		const struct guest_draft_entry *entry = &draft->entries[i];
		struct vring_desc *to = guest_split_table(queue, taken[0], i, i ? NULL : &gpa);

		to->addr = entry->addr;
		to->len = entry->length;
		to->flags = entry->flags;
		to->next = (uint16_t)entry->next;
	}
	guest_split_set_descriptor(queue, taken[0], draft->table_addr ? draft->table_addr : gpa,
				   draft->table_size, draft->table_flags, taken[1]);
	if (needed == 2)
		guest_split_set_descriptor(queue, taken[1], draft->entries[0].addr,
					   draft->entries[0].length, draft->direction, 0);
	guest_split_offer(queue, taken, needed);
	return taken[0];
}

/** Packed: the same two. A chain is what lies side by side, so there is no other next. */
static int offer_packed_direct(struct guest_draft *draft)
{
	struct guest_queue *queue = draft->queue;
	uint16_t id;

	if (draft->count > queue->size)
		return -EINVAL;
	if (!guest_packed_has_room(queue, draft->count))
		return -ENOSPC;
	id = guest_packed_take_id(queue);
	for (uint32_t i = 0; i < draft->count; i++)
		guest_packed_put(queue, i, draft->entries[i].addr, draft->entries[i].length,
				 draft->entries[i].flags,
				 draft->foreign_ids && i + 1 < draft->count ? 0xffff : id);
	guest_packed_offer(queue, id, draft->count);
	return id;
}

static int offer_packed_table(struct guest_draft *draft)
{
	struct guest_queue *queue = draft->queue;
	uint32_t needed = draft->table_flags & VRING_DESC_F_NEXT ? 2 : 1;
	uint64_t gpa = 0;
	uint16_t id;

	if (draft->count > queue->table_entries || needed > queue->size)
		return -EINVAL;
	if (!guest_packed_has_room(queue, needed))
		return -ENOSPC;
	id = guest_packed_take_id(queue);
	for (uint32_t i = 0; i < draft->count; i++) {
		const struct guest_draft_entry *entry = &draft->entries[i];
		struct vring_packed_desc *to = guest_packed_table(queue, id, i, i ? NULL : &gpa);

		to->addr = entry->addr;
		to->len = entry->length;
		to->id = 0;
		/* NEXT is nothing that a packed table has. */
		to->flags = entry->flags & (uint16_t)~VRING_DESC_F_NEXT;
	}
	guest_packed_put(queue, 0, draft->table_addr ? draft->table_addr : gpa,
			 draft->table_size, draft->table_flags, id);
	if (needed == 2)
		guest_packed_put(queue, 1, draft->entries[0].addr, draft->entries[0].length,
				 draft->direction, id);
	guest_packed_offer(queue, id, needed);
	return id;
}

static int offer(struct guest_draft *draft)
{
	if (guest_is_packed(draft->queue))
		return draft->indirect ? offer_packed_table(draft) : offer_packed_direct(draft);
	return draft->indirect ? offer_table(draft) : offer_direct(draft);
}

int guest_draft_offer(struct guest_draft *draft)
{
	int head;

	if (draft->count == 0)
		return -EINVAL;
	if (draft->open)
		draft->entries[draft->count - 1].flags |= VRING_DESC_F_NEXT;
	head = offer(draft);
	if (head < 0)
		return head;
	draft->queue->chains[head].first_slot = draft->slots;
	draft->queue->chains[head].capacity = draft->elsewhere;
	/* What an honest backend could write; lies of the draft are cut to it. */
	for (uint32_t i = draft->slots; draft->direction && i != GUEST_NO_SLOT;
	     i = draft->queue->slots.slots[i].next)
		draft->queue->chains[head].capacity += draft->queue->slots.slots[i].length;
	draft->slots = GUEST_NO_SLOT;
	return head;
}
