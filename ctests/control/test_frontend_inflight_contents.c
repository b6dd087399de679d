/* SPDX-License-Identifier: BSD-3-Clause */

/* What a frontend's area for chains in flight may hold, before and while the target uses it. */
#define _GNU_SOURCE
#include "control_target.h"

#include <sys/mman.h>

#define SLOTS TARGET_SLOTS
#define AREAS 3000
#define FLIPS 200000

static struct target_driver driver;
static int vid;

/** Fail unless what is handed out is in order and in the ring. */
static void check_list(void)
{
	struct rte_vhost_ring_inflight ring;
	const struct rte_vhost_resubmit_desc *list;

	/* An area that makes no sense keeps the ring from starting. */
	if (rte_vhost_get_vhost_ring_inflight(vid, 0, &ring) < 0 || !ring.resubmit_inflight)
		return;
	list = ring.resubmit_inflight->resubmit_list;
	assert_in_range(ring.resubmit_inflight->resubmit_num, 1, SLOTS);
	for (uint16_t i = 0; i < ring.resubmit_inflight->resubmit_num; i++) {
		assert_true(list[i].index < SLOTS);
		if (i > 0)
			assert_true(list[i - 1].counter >= list[i].counter);
	}
}

/** Garbage that begins like a record. */
static void spoil(uint8_t *bytes, uint32_t size, struct guest_random *random)
{
	uint32_t style = guest_random_range(random, 0, 3);

	for (uint32_t i = 0; i < size; i++) {
		uint32_t byte = guest_random_range(random, 0, 255);

		/* Sense here and there, so that more than the first check is passed. */
		bytes[i] = style == 0 ? byte : style == 1 ? byte & 1 : byte < 20 ? byte : 0;
	}
	bytes[9] = 0;
	bytes[8] = guest_random_range(random, 0, 20) ? 1 : (uint8_t)style;
}

static void every_content_is_survived(bool packed)
{
	struct guest_inflight_area area = { 1 << 20, 0, 1, SLOTS, 0 };
	struct guest_random random = { .state = packed ? 5 : 6 };
	uint32_t need = packed ? 32 * 257 : 16 * 257, started = 0, base;
	int file = memfd_create("guest-area", MFD_CLOEXEC);
	uint8_t *bytes;

	assert_int_equal(ftruncate(file, 1 << 20), 0);
	bytes = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_true(bytes != MAP_FAILED);
	target_begin(&driver, packed ? "content-packed" : "content-split", TARGET_PROTOCOL, packed);
	target_send_memory(&driver);
	vid = 0;
	for (int i = 0; i < AREAS; i++) {
		spoil(bytes, need, &random);
		for (uint32_t j = 0; j < 0x30000; j += 997)
			driver.memory[j] = (uint8_t)guest_random_range(&random, 0, 255);
		assert_int_equal(guest_set_inflight_fd(&driver.frontend, &area, file), 0);
		started += target_send_ring(&driver, 0) == 0;
		check_list();
		assert_int_equal(guest_get_vring_base(&driver.frontend, 0, &base), 0);
	}
	/* Nothing was written behind the region. */
	for (uint32_t i = (need + 63) & ~63u; i < 1 << 20; i++)
		assert_int_equal(bytes[i], 0);
	assert_in_range(started, AREAS / 100, AREAS);
	printf("%s: %u of %d areas taken\n", packed ? "packed" : "split", started, AREAS);
	munmap(bytes, 1 << 20);
	close(file);
	target_end(&driver);
}

static void every_split_content_is_survived(void **state)
{
	(void)state;
	every_content_is_survived(false);
}

static void every_packed_content_is_survived(void **state)
{
	(void)state;
	every_content_is_survived(true);
}

/** Call whatever there is with whatever arguments. */
static void call_any(struct guest_random *random)
{
	uint16_t first = (uint16_t)guest_random_range(random, 0, SLOTS + 2);
	uint16_t second = (uint16_t)guest_random_range(random, 0, SLOTS + 2), entry;

	switch (guest_random_range(random, 0, 3)) {
	case 0:
		rte_vhost_set_inflight_desc_packed(vid, 0, first, second, &entry);
		rte_vhost_set_inflight_desc_split(vid, 0, first);
		break;
	case 1:
		rte_vhost_set_last_inflight_io_packed(vid, 0, first);
		rte_vhost_set_last_inflight_io_split(vid, 0, first);
		break;
	case 2:
		rte_vhost_clr_inflight_desc_packed(vid, 0, first);
		rte_vhost_clr_inflight_desc_split(vid, 0, second, first);
		break;
	default:
		rte_vhost_get_vring_base_from_inflight(vid, 0, &first, &second);
	}
}

/** The frontend writes into the record while the application does. */
static void changes_under_way_are_survived(bool packed)
{
	struct guest_random random = { .state = packed ? 7 : 8 };
	int from = control_events(), found;
	uint32_t size = packed ? 32 * 257 : 16 * 257;
	uint8_t *bytes;

	target_begin(&driver, packed ? "flip-packed" : "flip-split", TARGET_PROTOCOL, packed);
	assert_int_equal(target_start(&driver), 0);
	found = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(found >= 0);
	vid = control_event(found).vid;
	bytes = mmap(NULL, driver.area.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     driver.inflight_fd, 0);
	assert_true(bytes != MAP_FAILED);
	control_capture_begin();
	for (int i = 0; i < FLIPS; i++) {
		uint32_t at = guest_random_range(&random, 0, size - 1);

		bytes[at] = (uint8_t)guest_random_range(&random, 0, 255);
		/* Often enough where it matters most. */
		if (i % 2)
			bytes[10 + at % 12] = (uint8_t)guest_random_range(&random, 0, 3);
		call_any(&random);
	}
	control_capture_end(NULL);
	munmap(bytes, driver.area.size);
	target_end(&driver);
}

static void changes_of_a_split_record_are_survived(void **state)
{
	(void)state;
	changes_under_way_are_survived(false);
}

static void changes_of_a_packed_record_are_survived(void **state)
{
	(void)state;
	changes_under_way_are_survived(true);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_split_content_is_survived),
	cmocka_unit_test(every_packed_content_is_survived),
	cmocka_unit_test(changes_of_a_split_record_are_survived),
	cmocka_unit_test(changes_of_a_packed_record_are_survived),
};

CONTROL_MAIN_QUIET(120, tests)
