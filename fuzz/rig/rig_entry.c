/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* libFuzzer's entry. */
#include <string.h>

#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_ready;
	uint8_t head[RIG_HEAD] = { 0 };

	memcpy(head, data, size < RIG_HEAD ? size : RIG_HEAD);
	rig_begin();
	if (!is_ready) {
		rig_engine_setup();
		rig_fuzzer.warm_up(head);
	}
	is_ready = true;
	rig_fuzzer.begin(head);
	for (size_t at = RIG_HEAD;
	     at + RIG_RECORD <= size && at < RIG_HEAD + RIG_RECORDS * RIG_RECORD;
	     at += RIG_RECORD) {
		struct record record;

		memcpy(&record, data + at, sizeof(record));
		rig_fuzzer.perform(&record);
	}
	rig_fuzzer.end();
	rig_end();
	rig_fuzzer.check();
	return 0;
}
