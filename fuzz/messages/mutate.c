/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <string.h>

/* Mutations that keep records whole. */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second,
	size_t second_size, uint8_t *out, size_t most, unsigned int seed);

static uint64_t state;

static uint32_t pick(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % limit;
}

static bool one_in(uint32_t chances)
{
	return pick(chances) == 0;
}

static uint64_t any_value(void)
{
	static const uint64_t values[] = { 0, 1, 2, 8, 0xff, 0x100, 0xfff, 0x1000, 0x8000, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 32, 1ULL << 40, 1ULL << 47,
		INT64_MAX, 1ULL << 63, UINT64_MAX, UINT64_MAX - 0xfff, GUEST_BASE, USER_BASE,
		USER_BASE + MEMORY_BYTES, USER_BASE + MEMORY_BYTES - 1, GUEST_BASE + MEMORY_BYTES };
	uint64_t value = values[pick(sizeof(values) / sizeof(values[0]))];

	if (one_in(3))
		value += pick(64);
	if (one_in(8))
		value -= pick(0x2000);
	return one_in(6) ? (uint64_t)pick(UINT32_MAX) << 32 | pick(UINT32_MAX) : value;
}

static uint8_t any_kind(void)
{
	/* What most of a conversation is about. */
	static const uint8_t often[] = {
		GUEST_SET_MEM_TABLE, GUEST_SET_VRING_ADDR, GUEST_SET_VRING_ADDR,
		GUEST_SET_VRING_NUM, GUEST_SET_VRING_KICK, GUEST_SET_VRING_ENABLE,
		GUEST_GET_VRING_BASE, GUEST_IOTLB_MSG,
		GUEST_SET_LOG_BASE, GUEST_ADD_MEM_REG, GUEST_REM_MEM_REG, GUEST_SET_FEATURES,
		GUEST_SET_INFLIGHT_FD, GUEST_GET_INFLIGHT_FD, GUEST_SET_BACKEND_REQ_FD,
	};

	if (one_in(3))
		return often[pick(sizeof(often))];
	if (one_in(3))
		return (uint8_t)(ACTION_FIRST + pick(ACTION_LAST - ACTION_FIRST + 1));
	return one_in(30) ? (uint8_t)pick(256) : (uint8_t)(1 + pick(GUEST_GET_STATUS));
}

static uint8_t any_queue(void)
{
	return one_in(8) ? (uint8_t)pick(256) : (uint8_t)pick(4);
}

/* Right in most respects: what is wrong everywhere ends at the first check. */
static void make_record(struct record *record)
{
	memset(record, 0, sizeof(*record));
	record->kind = any_kind();
	record->queue = any_queue();
	record->choice = one_in(4) ? any_value() : pick(256);
	if (record->kind >= ACTION_FIRST || one_in(4)) {
		record->form = (uint8_t)pick(256);
		record->small = (uint16_t)pick(0x10000);
		record->value = any_value();
	} else if (one_in(2)) {
		record->form = 1;
	}
	if (one_in(5))
		record->files = (uint8_t)pick(256);
	if (one_in(4)) {
		record->patch = (uint16_t)(pick(4) << 12 | pick(4) << 10 | pick(80) * 4);
		record->value = any_value();
	}
	/* Many bits say where the parts of a ring lie. */
	if (record->kind == GUEST_SET_VRING_ADDR && one_in(2))
		record->choice = pick(1 << 24);
	/* Small numbers at places where a record has its fields. */
	if (record->kind == ACTION_WRITE && one_in(2)) {
		record->form = (uint8_t)(4 | pick(4));
		record->choice = pick(one_in(2) ? 0x40 : 0x600);
		record->value = one_in(2) ? pick(20) : record->value;
	}
	if (record->kind == GUEST_SET_FEATURES)
		record->choice = one_in(2) ? (uint64_t)pick(8) << 56 : any_value();
}

static void tweak_record(struct record *record)
{
	switch (pick(9)) {
	case 0:
		record->kind = any_kind();
		break;
	case 1:
		record->form = one_in(2) ? (uint8_t)pick(256) :
			record->form ^ (uint8_t)(1U << pick(8));
		break;
	case 2:
		record->files = (uint8_t)pick(256);
		break;
	case 3:
		record->queue = any_queue();
		break;
	case 4:
		record->patch = (uint16_t)(pick(4) << 12 | pick(4) << 10 | pick(80) * 4);
		record->value = any_value();
		break;
	case 5:
		record->small = (uint16_t)pick(one_in(2) ? 64 : 0x10000);
		break;
	case 6:
		record->value = any_value();
		break;
	case 7:
		record->choice = one_in(2) ? any_value() : pick(256);
		break;
	default:
		LLVMFuzzerMutate((uint8_t *)&record->value, 16, 16);
	}
}

static void tweak_head(struct head *head)
{
	switch (pick(4)) {
	case 0:
		head->flags = (uint8_t)pick(256);
		break;
	case 1:
		head->offers = (uint8_t)pick(256);
		break;
	case 2:
		head->prelude = (uint8_t)pick(PRELUDE_COUNT);
		break;
	default:
		head->handlers = one_in(2) ? 0 : (uint8_t)pick(256);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
	struct head head = { .offers = 0x10, .prelude = PRELUDE_SPLIT };
	struct record records[MOST_RECORDS + 1];
	size_t count = 0, place, limit, part;

	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	if (size >= sizeof(head)) {
		memcpy(&head, data, sizeof(head));
		part = size - sizeof(head);
		if (part > sizeof(struct record) * MOST_RECORDS)
			part = sizeof(struct record) * MOST_RECORDS;
		count = part / sizeof(struct record);
		memcpy(records, data + sizeof(head), count * sizeof(struct record));
	}
	limit = most < sizeof(head) ? 0 : (most - sizeof(head)) / sizeof(struct record);
	limit = limit < MOST_RECORDS ? limit : MOST_RECORDS;
	if (limit == 0)
		return LLVMFuzzerMutate(data, size, most);
	do {
		place = count == 0 ? 0 : pick((uint32_t)count);
		switch (count == 0 ? 0 : pick(8)) {
		case 0:
		case 1:
			if (count >= limit)
				break;
			memmove(records + place + 1, records + place,
				(count - place) * sizeof(struct record));
			make_record(&records[place]);
			count++;
			break;
		case 2:
			memmove(records + place, records + place + 1,
				(count - place - 1) * sizeof(struct record));
			count--;
			break;
		case 3:
			if (count >= limit)
				break;
			records[count++] = records[place];
			break;
		case 4:
			tweak_head(&head);
			break;
		default:
			tweak_record(&records[place]);
		}
	} while (one_in(3));
	memcpy(data, &head, sizeof(head));
	count = count < limit ? count : limit;
	memcpy(data + sizeof(head), records, count * sizeof(struct record));
	return sizeof(head) + count * sizeof(struct record);
}

/* The beginning of one conversation and the end of another. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t first_size, const uint8_t *second,
	size_t second_size, uint8_t *out, size_t most, unsigned int seed)
{
	size_t unit = sizeof(struct record), head = sizeof(struct head), taken, rest;

	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	if (first_size < head + unit || second_size < head + unit || most < head + unit)
		return 0;
	taken = head + pick((uint32_t)((first_size - head) / unit + 1)) * unit;
	if (taken > most)
		taken = head + (most - head) / unit * unit;
	memcpy(out, first, taken);
	rest = (1 + pick((uint32_t)((second_size - head) / unit))) * unit;
	if (rest > most - taken)
		rest = (most - taken) / unit * unit;
	memcpy(out + taken, second + second_size - rest, rest);
	return taken + rest;
}
