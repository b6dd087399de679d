/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The fuzzer of rings as libFuzzer sees it: the rig calls these. */
#include <stdio.h>
#include <stdlib.h>

#include "rings.h"

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

void trace(const struct record *record)
{
	struct rig_queue queue[2] = { 0 };

	if (getenv("RIG_LOG") == NULL)
		return;
	for (int index = 0; index < 2; index++)
		(void)rig_look(model.link.vid, index, &queue[index]);
	fprintf(stderr, "code %u a %u b %u c %u d %u e %u f 0x%x g 0x%x; available %ld used %ld"
		" entries %ld, available %ld used %ld entries %ld%s\n", record->code % OPERATIONS,
		record->a, record->b, record->c, record->d, record->e, record->f, record->g,
		(long)queue[0].available, (long)queue[0].used, (long)queue[0].entries,
		(long)queue[1].available, (long)queue[1].used, (long)queue[1].entries,
		model.is_wild ? ", wild" : "");
}

const struct rig_fuzzer rig_fuzzer = {
	.operations = OPERATIONS,
	.warm_up = warm_up,
	.begin = setup_device,
	.perform = perform,
	.end = close_device,
	.check = fuzz_check_baseline,
};
