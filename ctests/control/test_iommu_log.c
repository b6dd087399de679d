/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * DPDK 21.08: the log has a line for each message, but not for those that come with traffic. A
 * guest that unmaps its buffers makes its frontend send thousands of translations a second, none
 * of which is a complaint.
 */
#define _GNU_SOURCE
#include "control_iommu.h"

/* More than the lines that a frontend may cause at once. */
#define ROUNDS 40

__attribute__((constructor)) static void have_all_messages_logged(void)
{
	setenv("RTEVHOSTSWIFT_LOG", "info", 1);
}

static int count(const char *text, const char *word)
{
	int found = 0;

	for (; (text = strstr(text, word)) != NULL; text += strlen(word))
		found++;
	return found;
}

static void translations_are_no_lines_of_the_log(void **state)
{
	static char text[CONTROL_TEXT];
	struct control_iommu iommu = { 0 };
	struct guest_config config;
	uint32_t told = 0;

	(void)state;
	control_iommu_config(&config);
	control_iommu_listen(&iommu, "log", 0);
	control_capture_begin();
	control_iommu_attach(&iommu, &config, 7);
	for (int round = 0; round < ROUNDS; round++)
		for (uint32_t page = 0; page < iommu.iotlb.pages; page++)
			told += guest_iotlb_tell(&iommu.iotlb, page) == 0;
	assert_int_equal(guest_set_vring_enable(&iommu.device.guest->frontend, 0, true), 0);
	control_capture_end(text);
	assert_true(told > 4096);
	/* Others are there, before and behind them. */
	assert_true(count(text, "SET_FEATURES") > 0);
	assert_true(count(text, "SET_VRING_ENABLE") > 2);
	assert_int_equal(count(text, "IOTLB_MSG"), 0);
	assert_int_equal(count(text, "left out"), 0);
	control_iommu_close(&iommu);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(translations_are_no_lines_of_the_log),
};

CONTROL_MAIN(120, tests)
