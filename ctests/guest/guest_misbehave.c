/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_misbehave.h"

#include <errno.h>
#include <string.h>

#include "guest_bad.h"
#include "guest_packed.h"
#include "guest_split.h"

#define FAR_AWAY (1ULL << 32)
#define INDEX_FAR 32768

int guest_bad_good(struct guest_bad_request *request, uint32_t from, uint32_t length)
{
	return guest_draft_add_buffer(&request->draft, request->packet + from, length);
}

int guest_bad_header_piece(struct guest_bad_request *request)
{
	return guest_bad_good(request, 0, request->draft.queue->header_size);
}

int guest_bad_rest(struct guest_bad_request *request, uint32_t from)
{
	return guest_bad_good(request, from,
			      request->draft.queue->header_size + request->size - from);
}

int guest_bad_packet(struct guest_bad_request *request)
{
	int ret = guest_bad_header_piece(request);

	return ret ? ret : guest_bad_rest(request, request->draft.queue->header_size);
}

uint64_t guest_bad_unmapped(const struct guest_bad_request *request)
{
	const struct guest_memory *memory = &request->draft.queue->guest->memory;
	uint64_t end = 0;

	for (unsigned int i = 0; i < memory->count; i++) {
		uint64_t here = memory->regions[i].gpa + memory->regions[i].size;

		end = here > end ? here : end;
	}
	return end + FAR_AWAY;
}

uint64_t guest_bad_near_end(const struct guest_bad_request *request, uint64_t count)
{
	return guest_bad_unmapped(request) - FAR_AWAY - count;
}

/** Kinds that are about the available ring and not about a chain. */
static const char *const ring_kinds[GUEST_BAD_COUNT] = {
	[GUEST_BAD_HEAD_RANGE] = "head-range",
	[GUEST_BAD_HEAD_MAX] = "head-max",
	[GUEST_BAD_HEAD_TWICE] = "head-twice",
	[GUEST_BAD_WRAP_COUNTER] = "wrap-counter",
	[GUEST_BAD_INDEX_JUMP] = "index-jump",
	[GUEST_BAD_INDEX_BACK] = "index-back",
	[GUEST_BAD_INDEX_FAR] = "index-far",
};

const char *guest_bad_name(enum guest_bad kind)
{
	if (kind >= GUEST_BAD_COUNT)
		return NULL;
	if (ring_kinds[kind])
		return ring_kinds[kind];
	return guest_bad_shapes[kind].name ? guest_bad_shapes[kind].name :
					     guest_bad_contents[kind].name;
}

bool guest_bad_is_legal(enum guest_bad kind)
{
	return kind >= GUEST_ODD_LAST_BYTE && kind <= GUEST_ODD_CHAIN_IDS;
}

bool guest_bad_needs_indirect(enum guest_bad kind)
{
	return kind >= GUEST_BAD_TABLE_NESTED && kind <= GUEST_BAD_TABLE_LONG;
}

static void request_init(struct guest_bad_request *request, struct guest_queue *queue,
			 const void *frame, uint32_t size, uint32_t argument)
{
	memset(&request->draft, 0, offsetof(struct guest_draft, entries));
	request->draft.queue = queue;
	request->draft.direction = queue->index % 2 ? 0 : VRING_DESC_F_WRITE;
	request->draft.slots = GUEST_NO_SLOT;
	request->size = size;
	request->argument = argument;
	memset(request->packet, 0, queue->header_size);
	if (frame)
		memcpy(request->packet + queue->header_size, frame, size);
	else
		memset(request->packet + queue->header_size, 0, size);
}

static int add_chain(struct guest_queue *queue, int (*build)(struct guest_bad_request *),
		     const void *frame, uint32_t size, uint32_t argument)
{
	struct guest_bad_request request;
	int ret;

	if (!build)
		return -EINVAL;
	request_init(&request, queue, frame, size, argument);
	ret = build(&request);
	if (ret == 0)
		ret = guest_draft_offer(&request.draft);
	guest_slots_give(&queue->slots, request.draft.slots);
	return ret < 0 ? ret : 0;
}

static int whole_packet(struct guest_bad_request *request)
{
	return guest_bad_rest(request, 0);
}

/** A head that no chain of the driver has, with memory that is good. */
static int add_ghost(struct guest_queue *queue, uint16_t head)
{
	struct guest_slot *slot = &queue->slots.slots[0];
	uint16_t flags = queue->index % 2 ? 0 : VRING_DESC_F_WRITE;

	if (!guest_is_packed(queue))
		return guest_split_offer_ghost(queue, head);
	if (queue->free_count == 0)
		return -ENOSPC;
	guest_packed_put(queue, 0, slot->gpa, queue->slots.buffer_size, flags, head);
	guest_packed_offer_ghost(queue);
	return 0;
}

/** The head of the chain added last, once more. */
static int add_twice(struct guest_queue *queue, const void *frame, uint32_t size)
{
	uint32_t last = guest_is_packed(queue) ? queue->ring.packed.turn : queue->next_serial;
	int ret;

	if (guest_is_packed(queue) && queue->free_count < 2)
		return -ENOSPC;
	ret = add_chain(queue, whole_packet, frame, size, 0);
	if (ret == 0)
		ret = add_ghost(queue, queue->order[last % queue->size]);
	return ret;
}

/** The next descriptor looks as it would one lap on: the device must not touch it. */
static int add_other_lap(struct guest_queue *queue)
{
	struct guest_packed *packed = &queue->ring.packed;
	struct vring_packed_desc *next = &packed->descriptors[packed->avail.slot];
	struct guest_slot *slot = &queue->slots.slots[0];

	if (queue->free_count == 0 || queue->published != queue->next_avail)
		return -ENOSPC;
	next->addr = slot->gpa;
	next->len = queue->slots.buffer_size;
	next->id = queue->free_head;
	__atomic_store_n(&next->flags,
			 (queue->index % 2 ? 0 : VRING_DESC_F_WRITE) |
			 (packed->avail.wrap ? GUEST_PACKED_USED : GUEST_PACKED_AVAIL),
			 __ATOMIC_RELEASE);
	return 0;
}

bool guest_bad_suits(const struct guest_queue *queue, enum guest_bad kind)
{
	switch (kind) {
	case GUEST_BAD_LOOP:
	case GUEST_BAD_LOOP_SELF:
	case GUEST_BAD_NEXT_RANGE:
	case GUEST_BAD_NEXT_MAX:
	case GUEST_BAD_TABLE_LOOP:
	case GUEST_BAD_TABLE_NEXT_RANGE:
	case GUEST_BAD_INDEX_JUMP:
	case GUEST_BAD_INDEX_BACK:
	case GUEST_BAD_INDEX_FAR:
		return !guest_is_packed(queue);
	case GUEST_BAD_CHAIN_OPEN:
	case GUEST_BAD_CHAIN_ENDLESS:
	case GUEST_ODD_CHAIN_IDS:
	case GUEST_BAD_WRAP_COUNTER:
		return guest_is_packed(queue);
	default:
		return kind < GUEST_BAD_COUNT;
	}
}

/** Where the available index of a split ring goes, from where it is. */
static uint16_t index_change(const struct guest_queue *queue, enum guest_bad kind)
{
	if (kind == GUEST_BAD_INDEX_JUMP)
		return (uint16_t)(queue->size + 1);
	return kind == GUEST_BAD_INDEX_BACK ? (uint16_t)-1 : INDEX_FAR;
}

int guest_bad_add(struct guest_queue *queue, enum guest_bad kind, const void *frame,
		  uint32_t size, uint32_t argument)
{
	if (size > GUEST_MAX_FRAME || !guest_bad_suits(queue, kind))
		return -EINVAL;
	switch (kind) {
	case GUEST_BAD_HEAD_RANGE:
		return add_ghost(queue, (uint16_t)queue->size);
	case GUEST_BAD_HEAD_MAX:
		return add_ghost(queue, 0xffff);
	case GUEST_BAD_HEAD_TWICE:
		return add_twice(queue, frame, size);
	case GUEST_BAD_WRAP_COUNTER:
		return add_other_lap(queue);
	case GUEST_BAD_INDEX_JUMP:
	case GUEST_BAD_INDEX_BACK:
	case GUEST_BAD_INDEX_FAR:
		guest_split_set_available_index(queue, (uint16_t)(queue->published +
								  index_change(queue, kind)));
		return 0;
	default:
		break;
	}
	return add_chain(queue, guest_bad_shapes[kind].build ? guest_bad_shapes[kind].build :
				guest_bad_contents[kind].build, frame, size, argument);
}
