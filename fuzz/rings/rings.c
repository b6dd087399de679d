/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* libFuzzer's entry: a head of 16 bytes, then records. */
#include <string.h>

#include "rings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
	size_t other_size, uint8_t *out, size_t limit, unsigned int seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned int seed)
{
	return rig_mutate(data, size, limit, seed, HEAD, OPERATIONS);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
	size_t other_size, uint8_t *out, size_t limit, unsigned int seed)
{
	return rig_cross(one, one_size, other, other_size, out, limit, seed, HEAD);
}

/* The library keeps what the largest device needs. */
static void warm_up(const uint8_t *head)
{
	uint32_t state[2] = { 255, 1 };

	setup_process();
	setup_device(head);
	(void)rig_ask(&model.link, GUEST_SET_VRING_NUM, state, 8, NULL, 0);
	close_device();
	fuzz_baseline();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_ready;
	uint8_t head[HEAD] = { 0 };

	memcpy(head, data, size < HEAD ? size : HEAD);
	rig_begin();
	if (!is_ready)
		warm_up(head);
	is_ready = true;
	setup_device(head);
	for (size_t at = HEAD; at + RIG_RECORD <= size && at < HEAD + RIG_RECORDS * RIG_RECORD;
	     at += RIG_RECORD) {
		struct record record;

		memcpy(&record, data + at, sizeof(record));
		perform(&record);
	}
	close_device();
	rig_end();
	fuzz_check_baseline();
	return 0;
}
