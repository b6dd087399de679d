/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Before and after each call: what the device took, used and wrote. */
#include <string.h>

#include "rings.h"

static bool engine_wrote[PAGES], is_logged[PAGES];
static struct chain chain;

/* The start in the model of a host address of the library's, or MEMORY. */
static uint32_t start_of(const void *host)
{
	for (unsigned int index = 0; index < REGIONS; index++) {
		const struct region *region = &model.regions[index];
		uint64_t offset = (uint64_t)(uintptr_t)host - region->host;

		if (region->is_present && offset < region->size)
			return region->start + (uint32_t)offset;
	}
	return MEMORY;
}

void watch_given(unsigned int queue, const void *from, const void *to, size_t size)
{
	const void *guest = queue == 0 ? to : from;
	uint32_t start = start_of(guest);

	FUZZ_CHECK(rig_is_mapped(guest, size));
	FUZZ_CHECK(start < MEMORY && size <= MEMORY - start);
	if (queue != 0 || model.is_wild)
		return;
	for (size_t index = 0; index < size; index++)
		FUZZ_CHECK(model.allowed.bytes[start + index]);
}

void watch_copied(unsigned int queue, const void *from, const void *to, size_t size)
{
	uint32_t start = start_of(to);

	(void)from;
	if (queue != 0 || start >= MEMORY)
		return;
	/* No write of the library's. */
	memcpy(model.before + start, model.memory + start, size);
	for (size_t index = 0; index < size; index++)
		model.stamp[start + index] = model.tick;
	for (uint32_t page = start / 4096; page <= (start + size - 1) / 4096; page++) {
		engine_wrote[page] = true;
		is_logged[page] = false;
	}
}

static bool is_available(const struct queue *queue, uint16_t slot, bool wrap)
{
	uint16_t flags;

	memcpy(&flags, model.before + queue->descriptors + 16U * slot + 14, 2);
	return (flags & 0x8080) == (wrap ? 0x0080 : 0x8000);
}

/* Everything that the device may write on behalf of a chain. */
static void allow(const struct queue *queue)
{
	for (uint32_t index = 0; index < chain.count; index++) {
		const struct piece *piece = &chain.pieces[index];

		memset(model.allowed.bytes + piece->start, 1, piece->size);
		if (is_in_ring(queue, piece->start, piece->size))
			model.is_wild = true;
	}
}

/* Chains that the guest offers on the receive queue. */
static void allow_offered(struct queue *queue)
{
	uint16_t position = (uint16_t)queue->before.available, end, left = queue->size;
	bool wrap = position >> 15;

	if (!model.settings.is_packed) {
		memcpy(&end, model.before + queue->available + 2, 2);
		for (; position != end && left > 0; position++, left--) {
			walk(queue, model.before, position, false, &chain);
			allow(queue);
		}
		return;
	}
	position &= 0x7fff;
	while (left > 0 && is_available(queue, position, wrap)) {
		walk(queue, model.before, position, wrap, &chain);
		allow(queue);
		left = chain.slots < left ? left - chain.slots : 0;
		position += chain.slots;
		if (position >= queue->size) {
			position -= queue->size;
			wrap = !wrap;
		}
	}
}

void begin_checks(void)
{
	memset(engine_wrote, 0, sizeof(engine_wrote));
	memset(is_logged, 0, sizeof(is_logged));
}

void before_call(bool is_strict)
{
	model.tick++;
	memcpy(model.before, model.memory, MEMORY);
	memset(model.allowed.bytes, 0, MEMORY);
	memset(model.meta.bytes, 0, MEMORY);
	for (unsigned int index = 0; index < 2; index++) {
		struct queue *queue = &model.queues[index];

		memset(&queue->before, 0, sizeof(queue->before));
		(void)rig_look(model.link.vid, (int)index, &queue->before);
	}
	if (is_strict && model.queues[0].before.has_ring) {
		allow_offered(&model.queues[0]);
		for (uint32_t at = 0; at < MEMORY / 8 && !model.is_wild; at++)
			model.is_wild = (model.meta.words[at] & model.allowed.words[at]) != 0;
	}
	/* What the engine wrote may be marked calls before the last of its packets is done. */
	for (unsigned int page = 0; page < PAGES; page++)
		is_logged[page] = is_logged[page] && engine_wrote[page];
	if (model.settings.logs)
		memset(model.log, 0, 4096);
}

/* Slots from one position to another. */
static unsigned int distance(const struct queue *queue, int64_t from, int64_t to)
{
	unsigned int first, last, size = queue->size;

	if (!model.settings.is_packed)
		return (uint16_t)(to - from);
	first = (unsigned int)(from & 0x7fff) + (from & 0x8000 ? 0 : size);
	last = (unsigned int)(to & 0x7fff) + (to & 0x8000 ? 0 : size);
	return (last + 2 * size - first) % (2 * size);
}

static void follow_taken(struct queue *queue)
{
	unsigned int moved = distance(queue, queue->before.available, queue->after.available);
	uint16_t position = (uint16_t)queue->before.available;

	FUZZ_CHECK(moved <= queue->size);
	while (moved > 0) {
		walk(queue, model.before, model.settings.is_packed ? position & 0x7fff : position,
			false, &chain);
		note_taken(queue, &chain);
		if (!model.settings.is_packed) {
			position++;
			moved--;
			continue;
		}
		if (model.is_wild && chain.slots > moved)
			chain.slots = (uint16_t)moved;
		FUZZ_CHECK(chain.slots <= moved);
		moved -= chain.slots;
		position = ((position & 0x7fff) + chain.slots) % queue->size;
	}
}

/* One used entry in memory; its bytes are as they should be from here on. */
static void read_used(const struct queue *queue, unsigned int position, uint16_t *id,
	uint32_t *length)
{
	uint32_t start, wide;
	uint16_t flags;

	if (!model.settings.is_packed) {
		start = queue->used + 4 + 8 * (position & (queue->size - 1U));
		memcpy(&wide, model.memory + start, 4);
		memcpy(length, model.memory + start + 4, 4);
		FUZZ_CHECK(model.is_wild || wide < 0x10000);
		*id = (uint16_t)wide;
		memcpy(model.expected + start, model.memory + start, 8);
		return;
	}
	start = queue->descriptors + 16 * (position & 0x7fff);
	memcpy(length, model.memory + start + 8, 4);
	memcpy(id, model.memory + start + 12, 2);
	memcpy(&flags, model.memory + start + 14, 2);
	FUZZ_CHECK(model.is_wild || (flags & 0x8080) == (position & 0x8000 ? 0x8080 : 0));
	memcpy(model.expected + start + 8, model.memory + start + 8, 8);
}

/* The chain that an entry is about; of several with its id, the least that holds its bytes. */
static unsigned int find_taken(struct queue *queue, uint16_t id, uint32_t length)
{
	unsigned int place = queue->taken_head, found = queue->taken_tail;

	/* virtio 1.2, 2.7.9: used in the order in which they were offered, unless relaxed. */
	if (!model.settings.is_relaxed || model.settings.is_in_order || model.is_wild)
		return place;
	for (; place != queue->taken_tail; place++) {
		const struct taken *taken = &queue->taken[place % TAKEN];

		if (taken->id == id && taken->total >= length &&
		    (found == queue->taken_tail ||
		     taken->total < queue->taken[found % TAKEN].total))
			found = place;
	}
	return found;
}

static void follow_used(struct queue *queue)
{
	unsigned int moved = distance(queue, queue->before.used, queue->after.used);
	unsigned int position = (unsigned int)queue->before.used;
	uint16_t index;

	FUZZ_CHECK(moved <= queue->size);
	if (!model.settings.is_packed && moved > 0) {
		memcpy(&index, model.memory + queue->used + 2, 2);
		FUZZ_CHECK(model.is_wild || index == (uint16_t)queue->after.used);
		memcpy(model.expected + queue->used + 2, &index, 2);
	}
	while (moved > 0) {
		unsigned int place;
		struct taken used;
		uint32_t length;
		uint16_t id;

		if (model.is_wild && queue->taken_head == queue->taken_tail)
			return;
		FUZZ_CHECK(queue->taken_head != queue->taken_tail);
		read_used(queue, position, &id, &length);
		place = find_taken(queue, id, length);
		FUZZ_CHECK(place != queue->taken_tail);
		used = queue->taken[place % TAKEN];
		for (; place != queue->taken_head; place--)
			queue->taken[place % TAKEN] = queue->taken[(place - 1) % TAKEN];
		queue->taken_head++;
		if (!model.is_wild) {
			FUZZ_CHECK(used.id == id);
			FUZZ_CHECK(queue->index == 0 ? length <= used.total : length == 0);
		}
		if (queue->index == 0 && length > 0) {
			queue->done[queue->done_tail % TAKEN] = used;
			queue->done_length[queue->done_tail++ % TAKEN] = length;
		}
		if (!model.settings.is_packed) {
			position++;
			moved--;
			continue;
		}
		FUZZ_CHECK(model.is_wild || used.slots <= moved);
		if (used.slots > moved)
			used.slots = (uint16_t)moved;
		moved -= used.slots;
		position = (position & 0x7fff) + used.slots + (position & 0x8000);
		if ((position & 0x7fff) >= queue->size)
			position = ((position & 0x7fff) - queue->size) | (~position & 0x8000);
	}
}

/* Positions of a ring that started anew come from the guest's memory, or from the frontend. */
static void allow_restart(const struct queue *queue)
{
	uint32_t event = queue->used + 4 + 8U * queue->size;

	if (model.settings.is_packed) {
		memcpy(model.expected + queue->used, model.memory + queue->used, 4);
		return;
	}
	memcpy(model.expected + queue->used, model.memory + queue->used, 2);
	memcpy(model.expected + event, model.memory + event, 2);
}

void note_scribbles(void)
{
	static union map allowed;
	struct queue *queue = &model.queues[0];
	struct rig_queue before = queue->before;

	for (uint32_t at = 0; at < MEMORY; at++)
		if (model.allowed.bytes[at] && model.memory[at] != model.before[at])
			model.stamp[at] = model.tick;
	if (!before.has_ring || !queue->after.has_ring)
		return;
	/* Bytes of chains that were taken, and of others that still are offered. */
	memcpy(allowed.bytes, model.allowed.bytes, MEMORY);
	memset(model.allowed.bytes, 0, MEMORY);
	queue->before.available = queue->after.available;
	allow_offered(queue);
	queue->before = before;
	for (uint32_t at = 0; at < MEMORY; at++)
		if (model.allowed.bytes[at] && model.owner[at] > model.owner_floor) {
			model.owner[at] = UINT64_MAX;
			model.has_shared = true;
		}
	memcpy(model.allowed.bytes, allowed.bytes, MEMORY);
}

static void check_log(void)
{
	bool is_idle = model.queues[0].after.engine == 0;

	for (unsigned int index = 0; index < REGIONS; index++) {
		const struct region *region = &model.regions[index];

		for (uint32_t offset = 0; offset < region->size; offset += 4096) {
			unsigned int page = (region->start + offset) / 4096;
			uint64_t bit = (region->gpa + offset) / 4096;

			if (model.log[bit / 8] & 1 << bit % 8)
				is_logged[page] = true;
			if (memcmp(model.before + page * 4096UL, model.memory + page * 4096UL,
				4096) != 0)
				FUZZ_CHECK(is_logged[page]);
			if (!is_idle || !engine_wrote[page])
				continue;
			FUZZ_CHECK(is_logged[page]);
			engine_wrote[page] = false;
		}
	}
}

void after_call(unsigned int mask)
{
	memcpy(model.expected, model.before, MEMORY);
	for (unsigned int index = 0; index < 2; index++) {
		struct queue *queue = &model.queues[index];

		memset(&queue->after, 0, sizeof(queue->after));
		if (!rig_look(model.link.vid, (int)index, &queue->after))
			continue;
		if (queue->before.has_ring && queue->after.has_ring && (mask & 1u << index))
			follow_taken(queue);
		/* The frontend is gone, and the ring with it: what is in flight is never used. */
		if (rig_is_draining(model.link.vid))
			queue->taken_head = queue->taken_tail;
		/* A ring that starts anew goes on where the guest's memory says. */
		if (queue->before.has_ring &&
		    ((mask & 4) == 0 || queue->taken_head != queue->taken_tail))
			follow_used(queue);
		if (mask & 4)
			allow_restart(queue);
		FUZZ_CHECK(queue->taken_tail - queue->taken_head <= queue->size);
		if (model.is_wild && queue->after.entries == 0)
			queue->taken_head = queue->taken_tail;
		FUZZ_CHECK(queue->after.entries > 0 || queue->taken_tail == queue->taken_head);
		FUZZ_CHECK(queue->after.packets <= queue->size || queue->after.size != queue->size);
	}
	if (model.settings.logs && !model.settings.is_log_off && !model.log_begins)
		check_log();
	else
		memset(engine_wrote, 0, sizeof(engine_wrote));
	model.log_begins = false;
}
