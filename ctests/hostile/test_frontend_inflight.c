/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F08: SET_INFLIGHT_FD and GET_INFLIGHT_FD from frontends that mean harm. */
#define _GNU_SOURCE
#include "front.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define PAGE 4096
#define SLOTS 256

static const uint16_t wrong_shapes[][2] = {
	{ 0, 256 }, { 257, 256 }, { 65535, 256 }, { 32768, 1 },	    { 1, 0 },
	{ 0, 0 },   { 1, 32769 }, { 1, 65535 },	  { 65535, 65535 }, { 256, 65535 },
};

static struct guest_inflight_area area(uint16_t queues, uint16_t size, uint64_t bytes,
				       uint64_t offset)
{
	return (struct guest_inflight_area){ bytes, offset, queues, size, 0 };
}

static void open_recorded(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.protocol = GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD);
	config.guest.protocol_features |= config.protocol;
	front_open(hostile, &config);
}

/** Each wrong shape is refused on a connection. */
static void refuse_shapes(int socket, int file)
{
	for (size_t i = 0; i < HOSTILE_COUNT(wrong_shapes); i++) {
		struct guest_inflight_area bad = area(wrong_shapes[i][0], wrong_shapes[i][1],
						      1 << 20, 0);

		front_load();
		assert_int_equal(control_ask(socket, GUEST_SET_INFLIGHT_FD, &bad, 24, file), 1);
		assert_int_equal(control_ask(socket, GUEST_GET_INFLIGHT_FD, &bad, 24, -1), 1);
		front_check();
	}
}

/** Bytes of a record of so many slots for each ring, in whole cache lines, as GET_INFLIGHT says. */
static uint64_t needed(uint16_t queues)
{
	struct guest_inflight_area asked = area(queues, SLOTS, 0, 0);
	struct guest_frontend frontend = { .timeout_ms = CONTROL_PATIENCE_MS };
	int fd = -1;

	frontend.socket = front_dial();
	assert_int_equal(guest_get_inflight_fd(&frontend, &asked, &fd), 0);
	close(fd);
	close(frontend.socket);
	return asked.size;
}

static void refuse_areas(int socket, uint64_t need)
{
	const struct {
		uint64_t file, bytes, offset;
	} wrong[] = {
		{ need - 1, need, 0 },	    { 0, need, 0 },
		{ 1 << 20, need - 1, 0 },   { 1 << 20, 0, 0 },
		{ need + PAGE - 1, need, PAGE }, { 1 << 20, need, 1 },
		{ 1 << 20, need, 64 },	    { 1 << 20, need, 2048 },
		{ 1 << 20, need, 1 << 20 }, { 1 << 20, need, UINT64_MAX - PAGE + 1 },
		{ 1 << 20, UINT64_MAX, PAGE }, { 1 << 20, UINT64_MAX - PAGE, PAGE },
		{ 1 << 20, need, 1ULL << 63 }, { 1 << 20, 1ULL << 63, 1ULL << 63 },
		{ 1ULL << 40, need, 1ULL << 39 },
	};

	for (size_t i = 0; i < HOSTILE_COUNT(wrong); i++) {
		struct guest_inflight_area bad = area(2, SLOTS, wrong[i].bytes, wrong[i].offset);
		int file = front_file(wrong[i].file);

		front_load();
		if (control_ask(socket, GUEST_SET_INFLIGHT_FD, &bad, 24, file) != 1)
			fail_msg("area %zu was taken", i);
		close(file);
		front_check();
	}
}

/* 0 queues, more than the maximum, before any vring message and beside rings that run. */
static void F08_shapes_that_no_device_has(struct hostile *hostile)
{
	int file = front_file(1 << 20), socket;

	open_recorded(hostile);
	socket = front_dial();
	refuse_shapes(socket, file);
	refuse_shapes(front_frontend()->socket, file);
	close(socket);
	assert_int_equal(rte_vhost_get_vring_num(front.target->vid), 2);
	/* On a connection that has not said anything at all. */
	for (size_t i = 0; i < HOSTILE_COUNT(wrong_shapes); i++) {
		struct guest_inflight_area bad = area(wrong_shapes[i][0], wrong_shapes[i][1],
						      1 << 20, 0);

		socket = control_connect(&front.door);
		assert_int_equal(control_send(socket, GUEST_SET_INFLIGHT_FD, 1, &bad, 24, &file,
					      1), 0);
		assert_true(control_hangs_up(socket));
		close(socket);
	}
	front_close(hostile);
	close(file);
}

static void F08_areas_that_do_not_fit(struct hostile *hostile)
{
	struct guest_inflight_area good;
	int file = front_file(1 << 20), socket;
	uint64_t need;

	open_recorded(hostile);
	need = needed(2);
	socket = front_dial();
	refuse_areas(socket, need);
	good = area(2, SLOTS, need, PAGE);
	assert_int_equal(control_ask(socket, GUEST_SET_INFLIGHT_FD, &good, 24, file), 0);
	refuse_areas(front_frontend()->socket, need);
	close(socket);
	front_close(hostile);
	close(file);
}

static void F08_files_that_are_none(struct hostile *hostile)
{
	int files[5], pair[2], socket;

	files[0] = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	files[1] = pair[0];
	files[2] = pair[1];
	files[3] = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	files[4] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	open_recorded(hostile);
	socket = front_dial();
	for (size_t i = 0; i < HOSTILE_COUNT(files); i++) {
		struct guest_inflight_area good = area(2, SLOTS, 1 << 16, 0);

		front_load();
		assert_int_equal(control_ask(socket, GUEST_SET_INFLIGHT_FD, &good, 24, files[i]),
				 1);
		front_refused(GUEST_SET_INFLIGHT_FD, &good, 24, files[i]);
	}
	close(socket);
	front_close(hostile);
	for (size_t i = 0; i < HOSTILE_COUNT(files); i++)
		close(files[i]);
}

/* The application may be reading the record of a ring that runs. */
static void F08_a_running_ring_keeps_its_area(struct hostile *hostile)
{
	struct rte_vhost_ring_inflight before, after;
	struct guest_inflight_area other;
	int file = front_file(1 << 20);

	open_recorded(hostile);
	other = area(2, SLOTS, needed(2), 0);
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	for (uint16_t queue = RX; queue <= TX; queue++) {
		assert_int_equal(rte_vhost_get_vhost_ring_inflight(front.target->vid, queue,
								   &before), 0);
		front_load();
		front_refused(GUEST_SET_INFLIGHT_FD, &other, 24, file);
		assert_int_equal(rte_vhost_get_vhost_ring_inflight(front.target->vid, queue,
								   &after), 0);
		assert_ptr_equal(before.inflight_split, after.inflight_split);
		assert_ptr_equal(before.inflight_packed, after.inflight_packed);
	}
	front_close(hostile);
	close(file);
}

/* What is in the area is the frontend's: garbage in it is no reason to fall over. */
static void F08_areas_full_of_garbage(struct hostile *hostile)
{
	struct guest_random random = { .state = 3839 };
	int file = front_file(1 << 16);
	uint8_t *bytes = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	assert_true(bytes != MAP_FAILED);
	open_recorded(hostile);
	for (uint32_t i = 0; i < front_times(2000, 25); i++) {
		struct guest_inflight_area own = front.target->guest->inflight;
		struct guest_inflight_area bad = area(2, SLOTS, needed(2), 0);

		for (int j = 0; j < 1 << 13; j++)
			((uint64_t *)(void *)bytes)[j] =
				i % 2 ? guest_random_next(&random) :
					guest_random_range(&random, 0, 3);
		/* Version and number of slots are right, or nothing else is looked at. */
		for (uint64_t queue = 0; queue < 2; queue++) {
			uint16_t head[2] = { 1, SLOTS };

			memcpy(bytes + queue * bad.size / 2 + 8, head, sizeof(head));
		}
		front_stop_rings();
		assert_int_equal(guest_set_inflight_fd(front_frontend(), &bad, file), 0);
		for (uint32_t queue = RX; queue <= TX; queue++) {
			struct guest_vring_addr addr;
			int kick = front.target->guest->queues[queue].kick_fd;

			guest_ring_addr(&front.target->guest->queues[queue], &addr);
			assert_true(guest_set_vring_num(front_frontend(), queue, SLOTS) == 0);
			guest_set_vring_addr(front_frontend(), &addr);
			/* It starts, or it is refused. */
			guest_set_vring_kick(front_frontend(), queue, kick);
		}
		hostile_check_innocent(hostile);
		/* Back to its own. */
		for (uint32_t queue = RX; queue <= TX; queue++) {
			uint32_t base;

			assert_int_equal(guest_get_vring_base(front_frontend(), queue, &base), 0);
		}
		assert_int_equal(guest_set_inflight_fd(front_frontend(), &own,
						       front.target->guest->inflight_fd), 0);
		front_start_rings();
		front_load();
		front_settle();
	}
	front_close(hostile);
	munmap(bytes, 1 << 16);
	close(file);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F08_shapes_that_no_device_has),
	HOSTILE_TEST(F08_areas_that_do_not_fit),
	HOSTILE_TEST(F08_files_that_are_none),
	HOSTILE_TEST(F08_a_running_ring_keeps_its_area),
	HOSTILE_TEST(F08_areas_full_of_garbage),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
