/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64
#define GAP_BYTE 0xa5

uint64_t guest_slot_stride(uint32_t buffer_size)
{
	return ((uint64_t)buffer_size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE + GUEST_SLOT_GAP;
}

/** Watched bytes behind each buffer. */
static size_t gap_size(const struct guest_slots *slots)
{
	return guest_slot_stride(slots->buffer_size) - slots->buffer_size;
}

/** Where they begin: right after the buffer's last byte. */
static uint8_t *gap_of(const struct guest_slots *slots, uint32_t index)
{
	return slots->slots[index].host + slots->buffer_size;
}

/** Take the slot's memory from the region whose turn it is, or from the next one with room. */
static int place_slot(struct guest_slots *slots, struct guest_memory *memory, uint32_t index)
{
	uint64_t stride = guest_slot_stride(slots->buffer_size);
	struct guest_area area;
	int ret = -ENOMEM;

	for (unsigned int i = 0; i < memory->count && ret < 0; i++)
		ret = guest_memory_alloc(memory, (index + i) % memory->count, stride,
					 CACHE_LINE, &area);
	if (ret < 0)
		return ret;
	slots->slots[index].host = area.host;
	slots->slots[index].gpa = area.gpa;
	memset(gap_of(slots, index), GAP_BYTE, gap_size(slots));
	return 0;
}

int guest_slots_create(struct guest_slots *slots, struct guest_memory *memory, uint32_t count,
		       uint32_t buffer_size)
{
	memset(slots, 0, sizeof(*slots));
	slots->slots = calloc(count, sizeof(*slots->slots));
	if (!slots->slots)
		return -ENOMEM;
	slots->buffer_size = buffer_size;
	slots->count = count;
	for (uint32_t i = 0; i < count; i++) {
		int ret = place_slot(slots, memory, i);

		if (ret < 0) {
			guest_slots_destroy(slots);
			return ret;
		}
	}
	guest_slots_reset(slots);
	return 0;
}

void guest_slots_destroy(struct guest_slots *slots)
{
	free(slots->slots);
	memset(slots, 0, sizeof(*slots));
}

void guest_slots_reset(struct guest_slots *slots)
{
	for (uint32_t i = 0; i < slots->count; i++)
		slots->slots[i].next = i + 1 < slots->count ? i + 1 : GUEST_NO_SLOT;
	slots->free_head = slots->count ? 0 : GUEST_NO_SLOT;
	slots->free_count = slots->count;
}

uint32_t guest_slots_take(struct guest_slots *slots)
{
	uint32_t index = slots->free_head;

	if (index == GUEST_NO_SLOT)
		return GUEST_NO_SLOT;
	slots->free_head = slots->slots[index].next;
	slots->free_count--;
	slots->slots[index].next = GUEST_NO_SLOT;
	return index;
}

void guest_slots_give(struct guest_slots *slots, uint32_t first)
{
	while (first != GUEST_NO_SLOT) {
		uint32_t next = slots->slots[first].next;

		slots->slots[first].next = slots->free_head;
		slots->free_head = first;
		slots->free_count++;
		first = next;
	}
}

void guest_slots_mend(struct guest_slots *slots)
{
	for (uint32_t i = 0; i < slots->count; i++)
		memset(gap_of(slots, i), GAP_BYTE, gap_size(slots));
}

uint32_t guest_slots_damaged(const struct guest_slots *slots)
{
	size_t size = gap_size(slots);
	uint32_t damaged = 0;

	for (uint32_t i = 0; i < slots->count; i++) {
		const uint8_t *gap = gap_of(slots, i);
		size_t byte = 0;

		while (byte < size && gap[byte] == GAP_BYTE)
			byte++;
		damaged += byte < size;
	}
	return damaged;
}
