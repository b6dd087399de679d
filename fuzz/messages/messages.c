/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <string.h>

/* Every kind of file comes with a message that wants none: some are closed by another thread. */
static void send_files(struct attack *attack)
{
	struct record record = { .kind = GUEST_GET_FEATURES, .small = 1 };
	unsigned int kind;

	for (kind = 0; kind < FILE_KINDS; kind += 2) {
		record.files = (uint8_t)(kind / 2 << 4 | 3);
		wire_message(attack, &record);
		attack_close(attack);
		attack_open(attack);
	}
	/* And one that a thread is asked about, which would be memory. */
	record.kind = GUEST_SET_MEM_TABLE;
	record.files = FILE_ZERO / 2 << 4 | 2;
	record.small = FILE_ZERO & 1;
	wire_message(attack, &record);
}

/* What the library keeps for good is made before the first comparison: cells, a thread. */
static void warm_up(void)
{
	struct attack attack = { .head = { .flags = 0x10, .offers = 0x13 } };
	struct record record = { .kind = GUEST_SET_VRING_ENABLE, .queue = 255, .choice = 1 };

	attack.head.prelude = PRELUDE_POSTCOPY;
	attack_open(&attack);
	FUZZ_CHECK(attack_prelude(&attack));
	FUZZ_CHECK(wire_message(&attack, &record));
	attack_close(&attack);
	attack.head.prelude = PRELUDE_SPLIT;
	attack_open(&attack);
	FUZZ_CHECK(attack_prelude(&attack));
	guest_traffic(&attack);
	send_files(&attack);
	attack_close(&attack);
	FUZZ_CHECK(files_reset(true));
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	fuzz_session_prepare();
	files_prepare();
	guest_prepare();
	app_prepare();
	pager_prepare();
	innocent_prepare();
	warm_up();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attack attack = { .socket = -1 };
	struct record record;
	unsigned int records;
	bool is_open;
	static bool is_compared;

	/* libFuzzer opens files of its own before the first input. */
	if (!is_compared) {
		fuzz_baseline();
		/* Inquiries about files that were not answered in time, as on a busy machine. */
		fuzz_may_keep(7, 64);
		is_compared = true;
	}
	if (size < sizeof(attack.head))
		return -1;
	memcpy(&attack.head, data, sizeof(attack.head));
	data += sizeof(attack.head);
	size -= sizeof(attack.head);
	attack_open(&attack);
	is_open = attack_prelude(&attack);
	for (records = 0; records < MOST_RECORDS && size > 0; records++) {
		size_t part = size < sizeof(record) ? size : sizeof(record);

		memset(&record, 0, sizeof(record));
		memcpy(&record, data, part);
		data += part;
		size -= part;
		/* A frontend whose connection was ended comes again. */
		if (!is_open) {
			if (attack.sessions >= 4)
				break;
			attack_close(&attack);
			attack_open(&attack);
			is_open = attack_prelude(&attack);
		}
		if (is_open)
			is_open = attack_perform(&attack, &record);
	}
	if (is_open)
		guest_traffic(&attack);
	attack_close(&attack);
	if (!files_reset(attack.is_margin_shared))
		fuzz_fail("memory changed that was not the device's");
	innocent_check();
	fuzz_check_baseline();
	return 0;
}
