/* SPDX-License-Identifier: BSD-3-Clause */

/* The functions of the record of chains in flight: each where it works and where it may not. */
#define _GNU_SOURCE
#include "control_target.h"

#include <sys/mman.h>

#define NOBODY 77
#define SLOTS TARGET_SLOTS

static struct target_driver driver;
static int vid;
static char text[CONTROL_TEXT];

/** The ring starts, and new_device() says so. */
static void start(void)
{
	int from = control_events(), found;

	assert_int_equal(target_start(&driver), 0);
	found = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(found >= 0);
	vid = control_event(found).vid;
}

/** Results of all six on one queue: the same number each time. */
static void all_are(int device, uint16_t queue, int split, int packed)
{
	uint16_t entry;

	assert_int_equal(rte_vhost_set_inflight_desc_split(device, queue, 0), split);
	assert_int_equal(rte_vhost_set_last_inflight_io_split(device, queue, 0), split);
	assert_int_equal(rte_vhost_clr_inflight_desc_split(device, queue, 0, 0), split);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(device, queue, 0, 0, &entry), packed);
	if (packed == 0)
		return;
	assert_int_equal(rte_vhost_set_last_inflight_io_packed(device, queue, 0), packed);
	assert_int_equal(rte_vhost_clr_inflight_desc_packed(device, queue, 0), packed);
}

static void nobody_and_nothing_are_refused(void **state)
{
	static const int vids[] = { -1, NOBODY, 1024, INT32_MAX, INT32_MIN };
	struct rte_vhost_ring_inflight ring;
	uint16_t position;

	(void)state;
	for (size_t i = 0; i < CONTROL_COUNT(vids); i++) {
		all_are(vids[i], 0, -1, -1);
		assert_int_equal(rte_vhost_get_vhost_ring_inflight(vids[i], 0, &ring), -1);
		assert_int_equal(rte_vhost_get_vring_base_from_inflight(vids[i], 0, &position,
									&position), -1);
	}
	target_begin(&driver, "nothing", TARGET_PROTOCOL, true);
	start();
	all_are(vid, 1, -1, -1);
	all_are(vid, 256, -1, -1);
	all_are(vid, UINT16_MAX, -1, -1);
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 1, &ring), -1);
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, NULL), -1);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, 0, 0, NULL), -1);
	assert_int_equal(rte_vhost_get_vring_base_from_inflight(vid, 0, NULL, &position), -1);
	assert_int_equal(rte_vhost_get_vring_base_from_inflight(vid, 0, &position, NULL), -1);
	assert_int_equal(
		CONTROL_LOGGED(text, rte_vhost_set_last_inflight_io_packed(vid, 0, SLOTS)), -1);
	control_assert_line(text, "rte_vhost_set_last_inflight_io_packed", "queue 0", NULL);
	target_end(&driver);
}

/** Without INFLIGHT_SHMFD there is nothing to record, which is fine. */
static void without_the_feature_nothing_is_recorded(void **state)
{
	struct rte_vhost_ring_inflight ring;
	uint16_t position;
	int from = control_events(), found;

	(void)state;
	target_begin(&driver, "plain",
		     TARGET_PROTOCOL & ~GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD), false);
	target_send_memory(&driver);
	assert_int_equal(target_send_ring(&driver, 0), 0);
	found = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(found >= 0);
	vid = control_event(found).vid;
	all_are(vid, 0, 0, 0);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, 0, 0, NULL), 0);
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &ring), -1);
	assert_int_equal(rte_vhost_get_vring_base_from_inflight(vid, 0, &position, &position),
			 -1);
	target_end(&driver);
}

/** Negotiated, but the frontend shares no area. */
static void without_an_area_nothing_can_be_recorded(void **state)
{
	struct rte_vhost_ring_inflight ring;
	int from = control_events(), found;

	(void)state;
	target_begin(&driver, "no-area", TARGET_PROTOCOL, false);
	target_send_memory(&driver);
	assert_int_equal(target_send_ring(&driver, 0), 0);
	found = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(found >= 0);
	vid = control_event(found).vid;
	all_are(vid, 0, -1, -1);
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &ring), -1);
	target_end(&driver);
}

static void a_split_ring_is_recorded(void **state)
{
	struct rte_vhost_ring_inflight ring;
	struct rte_vhost_inflight_info_split *info;
	uint16_t position;

	(void)state;
	target_begin(&driver, "split", TARGET_PROTOCOL, false);
	start();
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &ring), 0);
	assert_null(ring.resubmit_inflight);
	info = ring.inflight_split;
	assert_int_equal(info->features, 0);
	assert_int_equal(info->version, 1);
	assert_int_equal(info->desc_num, SLOTS);
	assert_int_equal(rte_vhost_set_inflight_desc_split(vid, 0, 9), 0);
	assert_int_equal(rte_vhost_set_inflight_desc_split(vid, 0, SLOTS - 1), 0);
	assert_int_equal(info->desc[9].inflight, 1);
	assert_int_equal(info->desc[SLOTS - 1].inflight, 1);
	assert_true(info->desc[SLOTS - 1].counter > info->desc[9].counter);
	assert_int_equal(rte_vhost_set_last_inflight_io_split(vid, 0, 9), 0);
	assert_int_equal(info->last_inflight_io, 9);
	assert_int_equal(info->desc[9].inflight, 1);
	assert_int_equal(rte_vhost_clr_inflight_desc_split(vid, 0, 1, 9), 0);
	assert_int_equal(info->desc[9].inflight, 0);
	assert_int_equal(info->used_idx, 1);
	/* Beyond the ring, and functions for the other format. */
	assert_int_equal(rte_vhost_set_inflight_desc_split(vid, 0, SLOTS), -1);
	assert_int_equal(rte_vhost_set_last_inflight_io_split(vid, 0, SLOTS), -1);
	assert_int_equal(rte_vhost_clr_inflight_desc_split(vid, 0, 2, UINT16_MAX), -1);
	assert_int_equal(info->used_idx, 1);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, 0, 0, &position), -1);
	assert_int_equal(rte_vhost_set_last_inflight_io_packed(vid, 0, 0), -1);
	assert_int_equal(rte_vhost_clr_inflight_desc_packed(vid, 0, 0), -1);
	assert_int_equal(rte_vhost_get_vring_base_from_inflight(vid, 0, &position, &position),
			 -1);
	target_end(&driver);
}

static void a_packed_ring_is_recorded(void **state)
{
	const struct vring_packed_desc *desc;
	struct rte_vhost_ring_inflight ring;
	struct rte_vhost_inflight_info_packed *info;
	uint16_t first, second, available, used;

	(void)state;
	target_begin(&driver, "packed", TARGET_PROTOCOL, true);
	target_post(&driver, 5);	/* Two descriptors, ... */
	target_post(&driver, 6);	/* ...and one. */
	start();
	desc = (const void *)driver.memory;
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &ring), 0);
	info = ring.inflight_packed;
	assert_int_equal(info->version, 1);
	assert_int_equal(info->desc_num, SLOTS);
	assert_int_equal(info->used_wrap_counter, 1);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, 0, 1, &first), 0);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, 2, 2, &second), 0);
	assert_int_not_equal(first, second);
	assert_int_equal(info->desc[first].inflight, 1);
	assert_int_equal(info->desc[first].num, 2);
	assert_int_equal(info->desc[info->desc[first].last].id, 5);
	assert_int_equal(info->desc[first].next, info->desc[first].last);
	assert_int_equal(info->desc[first].addr, desc[0].addr);
	assert_int_equal(info->desc[first].len, desc[0].len);
	assert_int_equal(info->desc[first].flags, desc[0].flags);
	assert_int_equal(info->desc[second].num, 1);
	assert_int_equal(info->desc[second].id, 6);
	assert_true(info->desc[second].counter > info->desc[first].counter);
	assert_int_equal(rte_vhost_set_last_inflight_io_packed(vid, 0, second), 0);
	assert_int_equal(info->used_idx, 1);
	assert_int_equal(info->old_used_idx, 0);
	assert_int_equal(rte_vhost_clr_inflight_desc_packed(vid, 0, second), 0);
	assert_int_equal(info->old_used_idx, 1);
	assert_int_equal(info->desc[second].inflight, 0);
	assert_int_equal(info->free_head, second);
	assert_int_equal(rte_vhost_get_vring_base_from_inflight(vid, 0, &available, &used), 0);
	assert_int_equal(used, 0x8001);
	assert_int_equal(available, 0x8001);
	/* What is not in flight cannot be returned; nor what is not in the ring. */
	assert_int_equal(rte_vhost_set_last_inflight_io_packed(vid, 0, second), -1);
	assert_int_equal(rte_vhost_set_last_inflight_io_packed(vid, 0, SLOTS), -1);
	assert_int_equal(rte_vhost_clr_inflight_desc_packed(vid, 0, SLOTS), -1);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, SLOTS, 0, &used), -1);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, 0, SLOTS, &used), -1);
	assert_int_equal(rte_vhost_set_inflight_desc_split(vid, 0, 0), -1);
	assert_int_equal(rte_vhost_set_last_inflight_io_split(vid, 0, 0), -1);
	assert_int_equal(rte_vhost_clr_inflight_desc_split(vid, 0, 0, 0), -1);
	target_end(&driver);
}

/** A record has as many entries as the ring; a chain too many does not fit. */
static void a_full_packed_record_takes_no_more(void **state)
{
	uint16_t entry;

	(void)state;
	target_begin(&driver, "full", TARGET_PROTOCOL, true);
	start();
	for (uint16_t i = 0; i < SLOTS; i++)
		assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, i, i, &entry), 0);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, 0, 0, &entry), -1);
	assert_int_equal(rte_vhost_set_last_inflight_io_packed(vid, 0, 100), 0);
	assert_int_equal(rte_vhost_clr_inflight_desc_packed(vid, 0, 100), 0);
	/* A chain of two does not fit into one entry, and leaves no trace; one does. */
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, 0, 1, &entry), -1);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, SLOTS - 1, SLOTS - 1, &entry),
			 0);
	assert_int_equal(entry, 100);
	target_end(&driver);
}

/** A stopped ring has no record; the application was told to stop. */
static void a_stop_ends_the_record(void **state)
{
	struct rte_vhost_ring_inflight ring;
	uint32_t base;
	int from;

	(void)state;
	target_begin(&driver, "stopped", TARGET_PROTOCOL, false);
	start();
	assert_int_equal(rte_vhost_set_inflight_desc_split(vid, 0, 7), 0);
	assert_int_equal(rte_vhost_set_inflight_desc_split(vid, 0, 3), 0);
	/* Memory that moves does not end it. */
	target_send_memory(&driver);
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &ring), 0);
	assert_null(ring.resubmit_inflight);
	from = control_events();
	assert_int_equal(guest_get_vring_base(&driver.frontend, 0, &base), 0);
	assert_int_equal(control_count_events(from, CONTROL_DESTROY_DEVICE, vid), 1);
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &ring), -1);
	assert_int_equal(rte_vhost_clr_inflight_desc_split(vid, 0, 1, 7), -1);
	/* What was in flight is told at the next start, latest first. */
	start();
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &ring), 0);
	assert_int_equal(ring.resubmit_inflight->resubmit_num, 2);
	assert_int_equal(ring.resubmit_inflight->resubmit_list[0].index, 3);
	assert_int_equal(ring.resubmit_inflight->resubmit_list[1].index, 7);
	target_end(&driver);
}

/** A ring that began before it had a record: where it stands is no batch to repair. */
static void a_late_record_begins_where_the_ring_is(void **state)
{
	struct rte_vhost_ring_inflight ring;
	struct vring_used *used;
	uint32_t base;

	(void)state;
	target_begin(&driver, "late", TARGET_PROTOCOL, false);
	used = (void *)(driver.memory + 0x20000);
	used->idx = driver.next = driver.used = 5;
	start();
	assert_int_equal(rte_vhost_set_inflight_desc_split(vid, 0, 0), 0);
	assert_int_equal(guest_get_vring_base(&driver.frontend, 0, &base), 0);
	start();
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &ring), 0);
	assert_non_null(ring.resubmit_inflight);
	assert_int_equal(ring.resubmit_inflight->resubmit_num, 1);
	target_end(&driver);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nobody_and_nothing_are_refused),
	cmocka_unit_test(without_the_feature_nothing_is_recorded),
	cmocka_unit_test(without_an_area_nothing_can_be_recorded),
	cmocka_unit_test(a_split_ring_is_recorded),
	cmocka_unit_test(a_packed_ring_is_recorded),
	cmocka_unit_test(a_full_packed_record_takes_no_more),
	cmocka_unit_test(a_stop_ends_the_record),
	cmocka_unit_test(a_late_record_begins_where_the_ring_is),
};

CONTROL_MAIN_QUIET(120, tests)
