/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What the guest writes: chains as a driver makes them, slightly wrong ones, anything anywhere. */
#include <string.h>

#include "rings.h"

#define NEXT 1
#define WRITE 2
#define INDIRECT 4
#define TABLE_ENTRIES 64
#define TABLE_COUNT 8

struct wish {
	uint64_t address;
	uint32_t size;
	uint16_t flags;
	uint16_t next;
};

static const uint64_t numbers[16] = {
	0, 1, 0xffff, 0x10000, 0xffffffff, 0x80000000, 0xfffffffffffff000, 0xffffffffffffffff,
	0x17fff, 0x18000, 0x103fff, 0x104000, 0x107fff, 0xffff0000ffff0000, 0x10000 + TABLES, 12,
};

void guest_write(uint32_t start, const void *bytes, uint32_t size)
{
	if (start >= MEMORY)
		return;
	if (size > MEMORY - start)
		size = MEMORY - start;
	memcpy(model.memory + start, bytes, size);
	for (uint32_t index = 0; index < size; index++)
		model.stamp[start + index] = model.tick;
}

static uint64_t gpa_of(uint32_t start)
{
	unsigned int index = REGIONS - 1;

	while (start < model.regions[index].start)
		index--;
	return model.regions[index].gpa + (start - model.regions[index].start);
}

/* The next buffer; one that ends a region now and then. */
static uint32_t take_buffer(uint32_t size, uint8_t choice)
{
	uint32_t space = MEMORY - REGION_RINGS, start;

	if (size > space)
		size = space;
	if (choice >= 0xc0 && size <= REGION_DATA) {
		const struct region *region = &model.regions[1 + choice % 3];

		if (size <= region->size)
			return region->start + region->size - size;
	}
	if (model.next_buffer + size > space)
		model.next_buffer = 0;
	start = REGION_RINGS + model.next_buffer;
	model.next_buffer += size + choice % 4;
	return start;
}

/* A virtio-net header, and bytes that a checksum or a segmentation could be about. */
static void fill_packet(uint32_t start, uint32_t size, const struct record *record, bool is_first)
{
	uint8_t header[12] = { 0 };
	uint8_t frame[54] = {
		0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x08, 0x00,
		0x45, 0, 0, 100, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	};
	uint8_t fill[256];
	uint32_t done = 0;

	for (unsigned int index = 0; index < sizeof(fill); index++)
		fill[index] = (uint8_t)(record->f + index * 7);
	while (done < size) {
		uint32_t count = size - done < sizeof(fill) ? size - done : sizeof(fill);

		guest_write(start + done, fill, count);
		done += count;
	}
	if (!is_first)
		return;
	if (record->c & 8) {
		memcpy(header, &record->g, 4);
		memcpy(header + 4, &record->f, 4);
		header[8] = record->e & 0xff;
		header[9] = record->c & 16 ? record->e >> 8 : 0;
	}
	guest_write(start, header, size < 12 ? size : 12);
	if (size <= 12)
		return;
	/* IPv4 or IPv6, TCP or UDP. */
	if (record->c & 32) {
		frame[12] = 0x86;
		frame[13] = 0xdd;
		frame[14] = 0x60;
		frame[20] = record->c & 64 ? 17 : 6;
	}
	frame[23] = record->c & 64 ? 17 : 6;
	guest_write(start + 12, frame, size - 12 < sizeof(frame) ? size - 12 : sizeof(frame));
}

static void spoil(struct wish *wish, const struct record *record)
{
	switch (record->e >> 4 & 7) {
	case 0:
		wish->address = numbers[record->f & 15];
		break;
	case 1:
		wish->address += (uint64_t)(int64_t)(int32_t)record->f;
		break;
	case 2:
		wish->size = (uint32_t)numbers[record->f & 15];
		break;
	case 3:
		wish->size += (uint32_t)(int8_t)record->f;
		break;
	case 4:
		wish->flags ^= (uint16_t)(1u << (record->f & 15));
		break;
	case 5:
		wish->next = (uint16_t)record->f;
		break;
	case 6:
		wish->address = gpa_of(record->f % MEMORY);
		break;
	default:
		wish->size = 0;
		break;
	}
}

/* The chain's buffers: `count` pieces of about the same size, the header alone where c says so. */
static void wish_pieces(struct wish *wishes, unsigned int count, const struct record *record)
{
	unsigned int queue = record->a & 1;
	uint32_t size = 12 + record->d % (record->b & 64 ? 0x3000 : 0x600), piece;

	for (unsigned int index = 0; index < count; index++) {
		uint32_t start;

		piece = index + 1 == count ? size : size / (count - index);
		if (index == 0 && count > 1 && (record->c & 4))
			piece = model.settings.is_mergeable || model.settings.is_modern ? 12 : 10;
		if (piece > size)
			piece = size;
		size -= piece;
		start = take_buffer(piece, record->b);
		if (queue == 1)
			fill_packet(start, piece, record, index == 0);
		wishes[index] = (struct wish){
			.address = gpa_of(start), .size = piece,
			.flags = queue == 0 ? WRITE : 0,
		};
	}
	if (record->c & 2)
		spoil(&wishes[record->e % count], record);
}

static void put(uint32_t start, const struct wish *wish, bool is_packed)
{
	uint8_t bytes[16];

	memcpy(bytes, &wish->address, 8);
	memcpy(bytes + 8, &wish->size, 4);
	memcpy(bytes + 12, is_packed ? &wish->next : &wish->flags, 2);
	memcpy(bytes + 14, is_packed ? &wish->flags : &wish->next, 2);
	guest_write(start, bytes, sizeof(bytes));
}

/* Slots that the driver may still fill, as far as it knows. */
static unsigned int free_slots(const struct queue *queue)
{
	struct rig_queue state = { 0 };
	unsigned int out;

	(void)rig_look(model.link.vid, (int)queue->index, &state);
	if (!model.settings.is_packed) {
		out = (uint16_t)(queue->next - (uint16_t)state.available);
		return out < queue->size ? queue->size - out : 0;
	}
	out = queue->next + (queue->wrap ? 0 : queue->size) + 2U * queue->size -
		((unsigned int)(state.used & 0x7fff) + (state.used & 0x8000 ? 0 : queue->size));
	out %= 2U * queue->size;
	return out < queue->size ? queue->size - out : 0;
}

static void offer_split(struct queue *queue, struct wish *wishes, unsigned int count)
{
	uint16_t head = queue->free_id % queue->size;

	for (unsigned int index = 0; index < count; index++) {
		uint16_t slot = (queue->free_id + index) % queue->size;

		/* One that was spoilt keeps its own. */
		if (wishes[index].next == 0)
			wishes[index].next = (slot + 1) % queue->size;
		if (index + 1 < count)
			wishes[index].flags ^= NEXT;
		put(queue->descriptors + 16U * slot, &wishes[index], false);
	}
	queue->free_id = (uint16_t)(queue->free_id + count) % queue->size;
	guest_write(queue->available + 4 + 2U * (queue->next & (queue->size - 1)), &head, 2);
	queue->next++;
	guest_write(queue->available + 2, &queue->next, 2);
}

static void offer_packed(struct queue *queue, struct wish *wishes, unsigned int count)
{
	for (unsigned int index = 0; index < count; index++) {
		uint16_t id = wishes[index].next != 0 ? wishes[index].next : queue->free_id;

		wishes[index].next = id;
		if (index + 1 < count)
			wishes[index].flags ^= NEXT;
		wishes[index].flags ^= queue->wrap ? 0x0080 : 0x8000;
		put(queue->descriptors + 16U * queue->next, &wishes[index], true);
		queue->next++;
		if (queue->next >= queue->size) {
			queue->next = 0;
			queue->wrap = !queue->wrap;
		}
	}
	queue->free_id = (queue->free_id + 1) % queue->size;
}

/* The same pieces in a table: one descriptor refers to them. */
static void make_table(struct wish *outer, struct wish *wishes, unsigned int count,
	const struct record *record)
{
	uint32_t table = TABLES + model.next_table++ % TABLE_COUNT * TABLE_ENTRIES * 16;

	for (unsigned int index = 0; index < count; index++) {
		if (wishes[index].next == 0)
			wishes[index].next = index + 1;
		if (index + 1 < count)
			wishes[index].flags ^= NEXT;
		put(table + 16 * index, &wishes[index], model.settings.is_packed);
	}
	*outer = (struct wish){
		.address = gpa_of(table), .size = 16 * count, .flags = INDIRECT,
	};
	if ((record->c & 2) && (record->e & 0x80))
		spoil(outer, record);
}

void guest_offer(const struct record *record)
{
	struct queue *queue = &model.queues[record->a & 1];
	unsigned int count = 1 + record->b % 8, slots;
	struct wish wishes[TABLE_ENTRIES], outer;
	bool is_indirect = record->c & 1;

	if (record->b & 32)
		count = 1 + record->b % TABLE_ENTRIES;
	if (!is_indirect && count > queue->size)
		count = queue->size;
	slots = is_indirect || !model.settings.is_packed ? 1 : count;
	/* Some drivers do not count. */
	if (slots > free_slots(queue) && (record->a & 0xf0) != 0xf0)
		return;
	wish_pieces(wishes, count, record);
	if (is_indirect) {
		make_table(&outer, wishes, count, record);
		wishes[0] = outer;
		count = 1;
	}
	if (model.settings.is_packed)
		offer_packed(queue, wishes, count);
	else
		offer_split(queue, wishes, count);
}

void guest_poke(const struct record *record)
{
	const struct queue *queue = &model.queues[record->a & 1];
	uint64_t value = (uint64_t)record->g << 32 | record->f;
	uint32_t start;

	if (record->b & 128)
		value = numbers[record->f & 15];
	switch (record->b >> 3 & 7) {
	case 0:
		start = queue->descriptors + record->d % (16U * queue->size);
		break;
	case 1:
		start = queue->available + record->d % (2U * queue->size + 6);
		break;
	case 2:
		start = queue->used + record->d % (8U * queue->size + 6);
		break;
	case 3:
		start = TABLES + record->d % (TABLE_COUNT * TABLE_ENTRIES * 16);
		break;
	case 4:
		start = REGION_RINGS + record->d % (MEMORY - REGION_RINGS);
		break;
	default:
		start = (record->d | (uint32_t)record->c << 16) % MEMORY;
		break;
	}
	guest_write(start, &value, 1 + (record->b & 7));
}

void guest_index(const struct record *record)
{
	struct queue *queue = &model.queues[record->a & 1];

	if (!model.settings.is_packed) {
		queue->next += record->b & 1 ? record->d : (uint16_t)(int8_t)record->c;
		guest_write(queue->available + 2, &queue->next, 2);
		return;
	}
	/* Another lap's flags on a slot, or the driver elsewhere. */
	if (record->b & 1) {
		queue->next = record->d % queue->size;
		queue->wrap = record->b & 2;
		return;
	}
	guest_write(queue->descriptors + 16U * (record->d % queue->size) + 14, &record->e, 2);
}
