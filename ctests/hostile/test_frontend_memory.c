/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F07: SET_MEM_TABLE with all kinds of nonsense, and while packets are in flight. */
#define _GNU_SOURCE
#include "front.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define PAGE 4096

/** SET_MEM_TABLE of one region on the target's connection. @return as front_ask(). */
static int ask_region(const struct guest_wire_region *region, int fd)
{
	uint64_t payload[5] = { 1 };

	memcpy(payload + 1, region, sizeof(*region));
	front_load();
	return front_ask(GUEST_SET_MEM_TABLE, payload, sizeof(payload), fd);
}

static void F07_sizes_and_offsets_that_wrap(struct hostile *hostile)
{
	static const struct guest_wire_region wrong[] = {
		{ 0, 0, 0, 0 },			     /* Nothing. */
		{ 0, PAGE, 0, 1ULL << 62 },	     /* Offset behind the file. */
		{ 0, PAGE, 0, UINT64_MAX },	     /* Wraps with the size. */
		{ 0, PAGE, 0, UINT64_MAX - PAGE + 1 }, /* Wraps to 0. */
		{ 0, UINT64_MAX, 0, 0 },	     { 0, UINT64_MAX, 0, 1 },
		{ 0, 1ULL << 63, 0, 1ULL << 63 },    { 0, UINT64_MAX - PAGE + 1, 0, PAGE },
		{ UINT64_MAX, PAGE, 0, 0 },	     /* Guest-physical wrap. */
		{ UINT64_MAX - PAGE + 2, PAGE, 0, 0 },
		{ 0, PAGE, UINT64_MAX, 0 },	     /* Frontend-virtual wrap. */
		{ 0, PAGE, UINT64_MAX - PAGE + 2, 0 }, { 0, 1ULL << 46, 0, 0 },
	};
	int fd = front_file(16 * PAGE);

	front_open(hostile, NULL);
	for (size_t i = 0; i < HOSTILE_COUNT(wrong); i++) {
		if (ask_region(&wrong[i], fd) != 1)
			fail_msg("region %zu was not refused", i);
		/* No fresh SET_VRING_ADDR: rings go on in the old memory. */
		front_load();
		front_settle();
	}
	front_close(hostile);
	close(fd);
}

static void F07_files_shorter_than_their_region(struct hostile *hostile)
{
	static const struct guest_wire_region wrong[] = {
		{ 0, 16 * PAGE + 1, 0, 0 }, { 0, 17 * PAGE, 0, 0 },	{ 0, PAGE, 0, 16 * PAGE },
		{ 0, PAGE, 0, 15 * PAGE + 1 }, { 0, 1 << 30, 0, 0 },
	};
	int fds[8], pair[2];

	fds[0] = front_file(16 * PAGE);
	fds[1] = front_file(0);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fds[2] = pair[0];
	fds[3] = pair[1];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fds[4] = pair[0];
	fds[5] = pair[1];
	fds[6] = open("/tmp", O_RDONLY | O_CLOEXEC);
	fds[7] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	front_open(hostile, NULL);
	for (size_t i = 0; i < HOSTILE_COUNT(wrong); i++)
		assert_int_equal(ask_region(&wrong[i], fds[0]), 1);
	for (int i = 1; i < 8; i++)
		assert_int_equal(ask_region(&(struct guest_wire_region){ .size = PAGE }, fds[i]),
				 1);
	front_close(hostile);
	for (int i = 0; i < 8; i++)
		close(fds[i]);
}

/** A table of @p count regions that claims @p claimed, with @p fd_count descriptors. */
static int send_table(int socket, uint32_t claimed, uint32_t count, uint32_t fd_count,
		      uint64_t step)
{
	uint64_t payload[1 + 4 * 10] = { claimed };
	int fds[10] = { 0 }, ret;

	for (uint32_t i = 0; i < count; i++) {
		payload[1 + 4 * i] = i * step;
		payload[2 + 4 * i] = PAGE;
		payload[3 + 4 * i] = i * step;
	}
	for (uint32_t i = 0; i < fd_count; i++)
		fds[i] = front_file(PAGE);
	ret = front_ask_with(socket, GUEST_SET_MEM_TABLE, payload, 8 + 32 * count, fds, fd_count);
	for (uint32_t i = 0; i < fd_count; i++)
		close(fds[i]);
	return ret;
}

static void F07_counts_that_do_not_match(struct hostile *hostile)
{
	static const struct {
		uint32_t claimed, regions, fds;
	} cases[] = {
		{ 0, 0, 0 }, { 0, 1, 1 }, { 1, 0, 1 }, { 1, 1, 0 }, { 1, 1, 2 }, { 2, 2, 1 },
		{ 2, 1, 2 }, { 8, 8, 7 }, { 7, 8, 8 }, { 9, 8, 8 }, { 9, 9, 9 }, { 8, 8, 9 },
		{ 0xffffffff, 8, 8 }, { 0x80000001, 1, 1 }, { 0x10000001, 1, 1 },
	};

	front_open(hostile, NULL);
	for (size_t i = 0; i < HOSTILE_COUNT(cases); i++) {
		int socket = front_dial();

		front_load();
		/* Refused, or the end of the connection, but never done. */
		if (send_table(socket, cases[i].claimed, cases[i].regions, cases[i].fds, PAGE) == 0)
			fail_msg("case %zu was taken", i);
		close(socket);
		/* The same to a device that runs: it may be over, others are not. */
		send_table(front_frontend()->socket, cases[i].claimed, cases[i].regions,
			   cases[i].fds, PAGE);
		hostile_check_innocent(hostile);
		front_revive();
	}
	front_close(hostile);
}

static void F07_regions_that_overlap(struct hostile *hostile)
{
	struct guest_mem_table table;
	int fds[GUEST_WIRE_FDS], socket;

	front_open(hostile, NULL);
	socket = front_dial();
	for (uint32_t count = 2; count <= 8; count++) {
		assert_int_equal(send_table(socket, count, count, count, PAGE), 0);
		assert_int_equal(send_table(socket, count, count, count, PAGE / 2), 1);
		assert_int_equal(send_table(socket, count, count, count, 0), 1);
	}
	close(socket);
	/*
	 * The memory that packets in flight lie in: the second region over the first. In the
	 * frontend's own addresses two regions may show the same, as aliases of QEMU's do.
	 */
	guest_describe_memory(front.target->guest, &table, fds);
	for (uint64_t i = 0; i < 6; i++) {
		struct guest_mem_table bad = table;

		front_load();
		if (i % 2)
			bad.regions[1].gpa = table.regions[0].gpa + (i - 1) * PAGE;
		else
			bad.regions[1].user_addr = table.regions[0].user_addr + i * PAGE;
		if (i % 2) {
			assert_int_equal(guest_set_mem_table(front_frontend(), &bad, fds),
					 -EREMOTEIO);
		} else {
			guest_set_mem_table(front_frontend(), &bad, fds);
			assert_int_equal(guest_send_memory(front.target->guest), 0);
			front_learn();
		}
		front_load();
		front_settle();
	}
	front_close(hostile);
}

/* Files of different page sizes, where the system has such; else the sizes of such. */
static void F07_regions_of_different_page_sizes(struct hostile *hostile)
{
	int huge = memfd_create("guest-huge", MFD_CLOEXEC | MFD_HUGETLB);
	struct guest_mem_table table;
	int fds[GUEST_WIRE_FDS];

	if (huge < 0 || ftruncate(huge, 2 << 20) < 0) {
		close(huge);
		huge = front_file(2 << 20);
	}
	front_open(hostile, NULL);
	guest_describe_memory(front.target->guest, &table, fds);
	table.regions[2] = (struct guest_wire_region){ 1ULL << 40, 2 << 20, 1ULL << 44, 0 };
	table.regions[3] = (struct guest_wire_region){ 1ULL << 41, 2 << 20, 1ULL << 45, PAGE };
	fds[2] = fds[3] = huge;
	for (table.count = 3; table.count <= 4; table.count++)
		for (int i = 0; i < 10; i++) {
			int ret;

			front_load();
			/* Without pages reserved mmap() refuses; the last one is too short. */
			ret = guest_set_mem_table(front_frontend(), &table, fds);
			if (table.count == 4)
				assert_int_equal(ret, -EREMOTEIO);
			else
				assert_true(ret == 0 || ret == -EREMOTEIO);
			front_learn();
			front_load();
			front_settle();
		}
	assert_int_equal(guest_send_memory(front.target->guest), 0);
	front_learn();
	front_close(hostile);
	close(huge);
}

/* The table is replaced by itself while packets are in flight: none is lost, doubled or changed. */
static void F07_replaced_under_packets_in_flight(struct hostile *hostile)
{
	front_open(hostile, NULL);
	for (uint32_t i = 0; i < front_times(5000, 100); i++) {
		front_load();
		/* No fresh SET_VRING_ADDR, and from time to time one that was there already. */
		assert_int_equal(guest_send_memory(front.target->guest), 0);
		front_learn();
		if (i % 10 == 0) {
			struct guest_vring_addr addr;

			guest_ring_addr(front.target->tx, &addr);
			assert_int_equal(guest_set_vring_addr(front_frontend(), &addr), 0);
		}
	}
	front_settle();
	front_close(hostile);
}

/** One call each way of a device that may have no rings; nothing may come. */
static void poll_in_vain(void)
{
	struct bench *bench = front.target;
	struct rte_mbuf *mbufs[9];

	assert_int_equal(bench_dequeue_raw(bench, mbufs, 8), 0);
	assert_int_equal(bench_enqueue(bench, 4, 500), 0);
}

/* A table without the rings, then the right one again, without fresh SET_VRING_ADDR. */
static void F07_memory_that_goes_and_comes_back(struct hostile *hostile)
{
	int fd = front_file(PAGE);

	front_open(hostile, NULL);
	for (int i = 0; i < 20; i++) {
		struct rte_vhost_vring vring;

		assert_int_equal(ask_region(&(struct guest_wire_region){ .size = PAGE }, fd), 1);
		/* The engine may be asked: what it had is done, and waits to be taken. */
		front_learn();
		for (int queue = RX; queue <= TX; queue++)
			assert_int_equal(engine_held(&front.target->engines[queue]), 0);
		rte_vhost_get_vhost_vring(front.target->vid, RX, &vring);
		assert_int_equal(guest_send_memory(front.target->guest), 0);
		front_learn();
		front_load();
		front_settle();
		assert_int_equal(ask_region(&(struct guest_wire_region){ .size = PAGE }, fd), 1);
		front_drain();
		poll_in_vain();
		assert_int_equal(guest_send_memory(front.target->guest), 0);
		front_learn();
		front_load();
		front_settle();
	}
	front_close(hostile);
	close(fd);
}

/*
 * The new table has the rings of one queue and not those of the other. The request fails, but it
 * was carried out for memory: the queue whose ring is there must not be left standing still.
 */
static void F07_half_of_the_rings_are_gone(struct hostile *hostile)
{
	static const struct guest_region_layout layout[2] = {
		{ .gpa = 1ULL << 30, .size = 2 * PAGE },
		{ .gpa = 2ULL << 30, .size = 8 << 20 },
	};
	struct guest_mem_table table;
	struct guest_vring_addr addr[2];
	struct bench_config config;
	int fds[GUEST_WIRE_FDS];
	uint64_t end;

	hostile_config(hostile, &config);
	config.guest.layout = layout;
	config.guest.region_count = 2;
	front_open(hostile, &config);
	guest_describe_memory(front.target->guest, &table, fds);
	end = table.regions[0].user_addr + table.regions[0].size;
	for (int i = 0; i < 2; i++)
		guest_ring_addr(&front.target->guest->queues[i], &addr[i]);
	/* The receive ring, or its descriptors, lies in what is taken away. */
	assert_in_range(addr[RX].descriptors, table.regions[0].user_addr, end - 1);
	table.regions[0] = table.regions[1];
	table.count = 1;
	for (int i = 0; i < 10; i++) {
		int both[2] = { fds[1], -1 };

		front_load();
		assert_int_equal(guest_set_mem_table(front_frontend(), &table, both), -EREMOTEIO);
		front_drain();
		hostile_check_innocent(hostile);
		assert_int_equal(guest_send_memory(front.target->guest), 0);
		front_learn();
		front_settle();
	}
	front_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F07_sizes_and_offsets_that_wrap),
	HOSTILE_TEST(F07_files_shorter_than_their_region),
	HOSTILE_TEST(F07_counts_that_do_not_match),
	HOSTILE_TEST(F07_regions_that_overlap),
	HOSTILE_TEST(F07_regions_of_different_page_sizes),
	HOSTILE_TEST(F07_replaced_under_packets_in_flight),
	HOSTILE_TEST(F07_memory_that_goes_and_comes_back),
	HOSTILE_TEST(F07_half_of_the_rings_are_gone),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
