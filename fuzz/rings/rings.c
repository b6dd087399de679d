/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The fuzzer of rings as libFuzzer sees it: the rig calls these. */
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

const struct rig_fuzzer rig_fuzzer = {
	.operations = OPERATIONS,
	.warm_up = warm_up,
	.begin = setup_device,
	.perform = perform,
	.end = close_device,
	.check = fuzz_check_baseline,
};
