/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Mutation by records: what an input does at its end does not change when its beginning does. */
#include <string.h>

#include "rig.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
	size_t other_size, uint8_t *out, size_t limit, unsigned int seed);

/* At most so many records at once. */
#define SOME 8

static uint32_t state;

static uint32_t pick(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)state * below) >> 32);
}

static size_t records(size_t size)
{
	return size > RIG_HEAD ? (size - RIG_HEAD) / RIG_RECORD : 0;
}

/* A record whose code is one of the operations, with small numbers: most count something. */
static void invent(uint8_t *record)
{
	for (unsigned int index = 0; index < RIG_RECORD; index++)
		record[index] = (uint8_t)(pick(3) == 0 ? pick(256) : pick(8));
	record[0] = (uint8_t)pick(rig_fuzzer.operations);
}

/* Records of their own, or what happens to one of those that are there. */
static unsigned int invent_some(uint8_t *fresh, const uint8_t *other)
{
	unsigned int count = 1 + pick(SOME);
	bool is_about = pick(2) == 0;

	for (unsigned int index = 0; index < count; index++) {
		invent(fresh + index * RIG_RECORD);
		if (is_about && other != NULL)
			memcpy(fresh + index * RIG_RECORD + 1, other + 1, rig_fuzzer.subject);
	}
	return count;
}

static size_t insert(uint8_t *data, size_t size, size_t limit, const uint8_t *from, size_t count)
{
	size_t have = records(size);
	size_t at = RIG_HEAD + pick((uint32_t)have + 1) * RIG_RECORD;
	size_t bytes = count * RIG_RECORD;

	if (size + bytes > limit || have + count > RIG_RECORDS)
		return size;
	memmove(data + at + bytes, data + at, size - at);
	memcpy(data + at, from, bytes);
	return size + bytes;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned int seed)
{
	uint8_t fresh[SOME * RIG_RECORD];
	size_t have, at, other;

	state = seed;
	if (size < RIG_HEAD) {
		memset(data + size, 0, RIG_HEAD - size);
		size = RIG_HEAD;
	}
	size = RIG_HEAD + records(size) * RIG_RECORD;
	have = records(size);
	at = have > 0 ? RIG_HEAD + pick((uint32_t)have) * RIG_RECORD : RIG_HEAD;
	switch (have == 0 ? 0 : pick(10)) {
	case 0:
	case 1:
		return insert(data, size, limit, fresh,
			invent_some(fresh, have > 0 ? data + at : NULL));
	case 2:
		memmove(data + at, data + at + RIG_RECORD, size - at - RIG_RECORD);
		return size - RIG_RECORD;
	case 3:
	case 4: {
		size_t count = 1 + pick(SOME);

		if (count > records(size - at + RIG_HEAD))
			count = 1;
		memcpy(fresh, data + at, count * RIG_RECORD);
		return insert(data, size, limit, fresh, count);
	}
	case 5:
		other = RIG_HEAD + pick((uint32_t)have) * RIG_RECORD;
		memcpy(fresh, data + at, RIG_RECORD);
		memmove(data + at, data + other, RIG_RECORD);
		memcpy(data + other, fresh, RIG_RECORD);
		return size;
	case 6:
		(void)LLVMFuzzerMutate(data, RIG_HEAD, RIG_HEAD);
		return size;
	case 7:
		data[at + pick(RIG_RECORD)] ^= (uint8_t)(1u << pick(8));
		return size;
	default:
		(void)LLVMFuzzerMutate(data + at, RIG_RECORD, RIG_RECORD);
		return size;
	}
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
	size_t other_size, uint8_t *out, size_t limit, unsigned int seed)
{
	size_t first, second, bytes;

	state = seed;
	if (one_size < RIG_HEAD || other_size < RIG_HEAD)
		return 0;
	first = pick((uint32_t)records(one_size) + 1);
	second = pick((uint32_t)records(other_size) + 1);
	bytes = (records(other_size) - second) * RIG_RECORD;
	if (first > RIG_RECORDS)
		first = RIG_RECORDS;
	while (first * RIG_RECORD + RIG_HEAD + bytes > limit && bytes > 0)
		bytes -= RIG_RECORD;
	if (RIG_HEAD + first * RIG_RECORD > limit)
		return 0;
	memcpy(out, one, RIG_HEAD + first * RIG_RECORD);
	memcpy(out + RIG_HEAD + first * RIG_RECORD, other + RIG_HEAD + second * RIG_RECORD, bytes);
	return RIG_HEAD + first * RIG_RECORD + bytes;
}
