/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What a chain means, by virtio 1.2, 2.7.5 and 2.8: written without looking at the library. */
#include <string.h>

#include "rings.h"

#define NEXT 1
#define WRITE 2
#define INDIRECT 4

struct descriptor {
	uint64_t address;
	uint32_t size;
	uint16_t first;		/* Split: flags; packed: id. */
	uint16_t second;	/* Split: next; packed: flags. */
};

bool find(uint64_t gpa, uint32_t *start, uint32_t *room)
{
	for (unsigned int index = 0; index < REGIONS; index++) {
		const struct region *region = &model.regions[index];
		uint64_t offset = gpa - region->gpa;

		if (!region->is_present || offset >= region->size)
			continue;
		*start = region->start + (uint32_t)offset;
		*room = region->size - (uint32_t)offset;
		return true;
	}
	return false;
}

/* Under an IOMMU each page may be unknown, or not for this. */
static enum verdict locate(uint64_t gpa, uint8_t permission, uint32_t *start, uint32_t *room)
{
	uint32_t left;

	if (!find(gpa, start, room))
		return model.settings.is_translated ? CHAIN_MISSING : CHAIN_BAD;
	if (!model.settings.is_translated)
		return CHAIN_GOOD;
	if ((model.permission[*start / 4096] & permission) != permission)
		return CHAIN_MISSING;
	left = 4096 - *start % 4096;
	if (*room > left)
		*room = left;
	return CHAIN_GOOD;
}

static enum verdict read_bytes(const uint8_t *memory, uint64_t gpa, void *to, uint32_t size)
{
	uint32_t start, room, done = 0;

	while (done < size) {
		enum verdict verdict = locate(gpa + done, 1, &start, &room);
		uint32_t count = room < size - done ? room : size - done;

		if (verdict != CHAIN_GOOD)
			return verdict;
		memcpy((uint8_t *)to + done, memory + start, count);
		memset(model.meta.bytes + start, 1, count);
		/* An entry that crosses a border is allowed to be refused. */
		if (done > 0 || count < size)
			return CHAIN_UNSURE;
		done += count;
	}
	return CHAIN_GOOD;
}

static enum verdict append(struct chain *chain, const struct descriptor *descriptor)
{
	uint64_t address = descriptor->address;
	uint32_t rest = descriptor->size;
	uint8_t permission = chain->verdict == CHAIN_MISSING ? 2 : 1;

	if (++chain->steps > MAX_PIECES)
		return CHAIN_UNSURE;
	while (rest > 0) {
		uint32_t start, room, count;
		enum verdict verdict;

		if (chain->count == MAX_PIECES)
			return CHAIN_UNSURE;
		verdict = locate(address, permission, &start, &room);
		if (verdict != CHAIN_GOOD)
			return verdict;
		count = room < rest ? room : rest;
		chain->pieces[chain->count++] = (struct piece){ .start = start, .size = count };
		chain->total += count;
		rest -= count;
		address += count;
	}
	return CHAIN_GOOD;
}

static enum verdict append_checked(struct chain *chain, const struct queue *queue,
	const struct descriptor *descriptor, uint16_t flags, bool is_table)
{
	bool is_writable = flags & WRITE;

	/* Packed transmit tables are taken as they are: DPDK's driver leaves WRITE set in them. */
	if (is_writable != (queue->index == 0) &&
	    !(is_table && model.settings.is_packed && queue->index == 1))
		return CHAIN_BAD;
	return append(chain, descriptor);
}

/* A table: linked by `next` in split rings, all entries in their order in packed ones. */
static enum verdict walk_table(const struct queue *queue, const uint8_t *memory,
	const struct descriptor *outer, struct chain *chain)
{
	uint32_t count = outer->size / 16, index = 0;

	if (outer->size % 16 != 0 || count == 0 || count > 1024)
		return CHAIN_BAD;
	for (uint32_t step = 0; step < count; step++) {
		struct descriptor descriptor;
		enum verdict verdict = read_bytes(memory, outer->address + 16ULL * index,
			&descriptor, 16);
		uint16_t flags = model.settings.is_packed ? descriptor.second : descriptor.first;

		if (verdict == CHAIN_GOOD && (flags & INDIRECT))
			verdict = CHAIN_BAD;
		if (verdict == CHAIN_GOOD)
			verdict = append_checked(chain, queue, &descriptor, flags, true);
		if (verdict != CHAIN_GOOD)
			return verdict;
		if (model.settings.is_packed) {
			index++;
			continue;
		}
		if ((flags & NEXT) == 0)
			return CHAIN_GOOD;
		if (descriptor.second >= count)
			return CHAIN_BAD;
		index = descriptor.second;
	}
	return model.settings.is_packed ? CHAIN_GOOD : CHAIN_BAD;
}

static void load(const struct queue *queue, const uint8_t *memory, uint16_t slot,
	struct descriptor *descriptor)
{
	uint32_t start = queue->descriptors + 16U * slot;

	memcpy(descriptor, memory + start, 16);
	memset(model.meta.bytes + start, 1, 16);
}

static enum verdict walk_split(struct queue *queue, const uint8_t *memory, uint16_t position,
	struct chain *chain)
{
	uint32_t place = queue->available + 4 + 2U * (position & (queue->size - 1));
	struct descriptor descriptor;
	enum verdict verdict;

	memcpy(&chain->id, memory + place, 2);
	memset(model.meta.bytes + place, 1, 2);
	chain->slots = 1;
	if (chain->id >= queue->size)
		return CHAIN_BAD;
	load(queue, memory, chain->id, &descriptor);
	if (descriptor.first & INDIRECT)
		return descriptor.first & NEXT ? CHAIN_BAD :
			walk_table(queue, memory, &descriptor, chain);
	for (uint32_t step = 1;; step++) {
		verdict = append_checked(chain, queue, &descriptor, descriptor.first, false);
		if (verdict != CHAIN_GOOD || (descriptor.first & NEXT) == 0)
			return verdict;
		if (step == queue->size || descriptor.second >= queue->size)
			return CHAIN_BAD;
		load(queue, memory, descriptor.second, &descriptor);
		if (descriptor.first & INDIRECT)
			return CHAIN_BAD;
	}
}

static enum verdict walk_packed(struct queue *queue, const uint8_t *memory, uint16_t slot,
	struct chain *chain)
{
	enum verdict result = CHAIN_GOOD;
	struct descriptor descriptor;

	for (chain->slots = 1;; chain->slots++) {
		enum verdict verdict;

		load(queue, memory, slot, &descriptor);
		if (descriptor.second & INDIRECT) {
			verdict = chain->slots > 1 || (descriptor.second & NEXT) ? CHAIN_BAD :
				walk_table(queue, memory, &descriptor, chain);
		} else {
			verdict = append_checked(chain, queue, &descriptor, descriptor.second,
				false);
		}
		if (result == CHAIN_GOOD)
			result = verdict;
		if ((descriptor.second & NEXT) == 0 || chain->slots == queue->size)
			break;
		slot = (slot + 1) % queue->size;
	}
	chain->id = descriptor.first;
	return result;
}

void walk(struct queue *queue, const uint8_t *memory, uint16_t position, bool wrap,
	struct chain *chain)
{
	enum verdict verdict;

	(void)wrap;
	chain->count = 0;
	chain->total = 0;
	chain->steps = 0;
	/* For append(): which permission the pieces need. */
	chain->verdict = queue->index == 0 ? CHAIN_MISSING : CHAIN_GOOD;
	verdict = model.settings.is_packed ? walk_packed(queue, memory, position, chain) :
		walk_split(queue, memory, position, chain);
	chain->verdict = verdict;
}

bool is_in_ring(const struct queue *queue, uint32_t start, uint32_t size)
{
	uint32_t end = queue->used + MAX_RING * 8 + 8;

	return start < end && start + size > queue->descriptors;
}
