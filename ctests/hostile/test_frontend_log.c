/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F03: dirty logs that wrap, are too small, or cannot be mapped. */
#define _GNU_SOURCE
#include "front.h"
#include "guest_log.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#define PAGE 4096

static struct guest_log dirty;

static void open_logged(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	front_open(hostile, &config);
	assert_int_equal(guest_log_create(front.target->guest, &dirty), 0);
	front_keep();
}

static void close_logged(struct hostile *hostile)
{
	front_settle();
	guest_log_destroy(&dirty);
	front_keep();
	front_close(hostile);
}

/** SET_LOG_BASE while packets are in flight. @return as front_ask(). */
static int ask_log(uint64_t size, uint64_t offset, int fd)
{
	struct guest_log_area area = { size, offset };
	int ret;

	front_load();
	ret = front_ask(GUEST_SET_LOG_BASE, &area, sizeof(area), fd);
	front_check();
	return ret;
}

static uint64_t needed(void)
{
	const struct guest_memory *memory = &front.target->guest->memory;
	const struct guest_region *last = &memory->regions[memory->count - 1];

	return (last->gpa + last->size - 1) / PAGE / 8 + 1;
}

static void refuse_all(void)
{
	const uint64_t size = dirty.size, wrong[][2] = {
		{ 0, 0 },		      { UINT64_MAX, 1 },
		{ size, UINT64_MAX - size + 1 }, { size, UINT64_MAX },
		{ UINT64_MAX, 0 },	      { 1ULL << 63, 1ULL << 63 },
		{ 1ULL << 45, 0 },	      { size, 1ULL << 63 },
		{ UINT64_MAX, UINT64_MAX },   { UINT64_MAX - size + 1, size },
		/* One byte more than the file has, or one less than the memory needs. */
		{ size + 1, 0 },	      { size, 1 },
		{ needed() - 1, 0 },	      { 1, 0 },
	};

	for (size_t i = 0; i < HOSTILE_COUNT(wrong); i++)
		if (ask_log(wrong[i][0], wrong[i][1], dirty.fd) != 1)
			fail_msg("log %zu was not refused", i);
}

static void F03_logs_that_wrap_or_are_too_small(struct hostile *hostile)
{
	open_logged(hostile);
	refuse_all();
	/* The same over a good one that is in use, which stays. */
	assert_int_equal(ask_log(needed(), dirty.size - needed(), dirty.fd), 0);
	assert_int_equal(ask_log(needed(), 0, dirty.fd), 0);
	assert_int_equal(guest_log_switch(front.target->guest, true), 0);
	front_settle();
	guest_log_take(&dirty);
	refuse_all();
	front_load();
	front_settle();
	assert_true(guest_log_is_dirty(&dirty, front.target->rx->areas[2].gpa) ||
		    guest_log_is_dirty(&dirty, front.target->rx->areas[0].gpa));
	close_logged(hostile);
}

static void F03_logs_that_cannot_be_mapped(struct hostile *hostile)
{
	int fds[5], pair[2];

	open_logged(hostile);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fds[0] = pair[0];
	fds[1] = pair[1];
	fds[2] = eventfd(0, EFD_CLOEXEC);
	fds[3] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	fds[4] = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < HOSTILE_COUNT(fds); i++)
			assert_int_equal(ask_log(dirty.size, 0, fds[i]), 1);
		assert_int_equal(ask_log(dirty.size, 0, dirty.fd), 0);
		assert_int_equal(guest_log_switch(front.target->guest, true), 0);
	}
	for (size_t i = 0; i < HOSTILE_COUNT(fds); i++)
		close(fds[i]);
	front_settle();
	assert_true(guest_log_count(&dirty) > 0);
	close_logged(hostile);
}

/* The log of the used ring lies where the frontend says: far outside, and at the very end. */
static void F03_used_rings_logged_outside(struct hostile *hostile)
{
	uint64_t places[] = { UINT64_MAX, UINT64_MAX - 7, 1ULL << 63, 1ULL << 47, 0, 0, 0 };

	open_logged(hostile);
	places[4] = dirty.size * 8 * PAGE;
	places[5] = needed() * 8 * PAGE - 1;
	assert_int_equal(ask_log(needed(), 0, dirty.fd), 0);
	assert_int_equal(guest_log_switch(front.target->guest, true), 0);
	for (size_t i = 0; i < HOSTILE_COUNT(places); i++)
		for (uint32_t index = RX; index <= TX; index++) {
			struct guest_vring_addr addr;

			front_load();
			guest_ring_addr(&front.target->guest->queues[index], &addr);
			addr.log = places[i];
			/* Taken or refused; in neither case is anything written out there. */
			assert_true(front_ask(GUEST_SET_VRING_ADDR, &addr, 40, -1) >= 0);
			front_load();
			front_check();
		}
	front_settle();
	close_logged(hostile);
}

/* Memory that grows behind the log: pages that it has no bit for are not marked anywhere. */
static void F03_memory_that_outgrows_the_log(struct hostile *hostile)
{
	struct guest_mem_table table;
	int fds[GUEST_WIRE_FDS];

	open_logged(hostile);
	assert_int_equal(ask_log(needed(), 0, dirty.fd), 0);
	assert_int_equal(guest_log_switch(front.target->guest, true), 0);
	front_settle();
	guest_describe_memory(front.target->guest, &table, fds);
	for (int shift = 32; shift <= 62; shift += 10) {
		struct guest_mem_table moved = table;

		for (uint32_t i = 0; i < table.count; i++)
			moved.regions[i].gpa += 1ULL << shift;
		/* Rings are where they were: the frontend's addresses are the same. */
		guest_set_mem_table(front_frontend(), &moved, fds);
		rte_vhost_log_write(front.target->vid, moved.regions[0].gpa, 1 << 20);
		rte_vhost_log_write(front.target->vid, UINT64_MAX - 10, 1 << 20);
		rte_vhost_log_used_vring(front.target->vid, RX, UINT64_MAX - 10, 1 << 20);
		front_check();
	}
	assert_int_equal(guest_send_memory(front.target->guest), 0);
	front_learn();
	close_logged(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F03_logs_that_wrap_or_are_too_small),
	HOSTILE_TEST(F03_logs_that_cannot_be_mapped),
	HOSTILE_TEST(F03_used_rings_logged_outside),
	HOSTILE_TEST(F03_memory_that_outgrows_the_log),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
