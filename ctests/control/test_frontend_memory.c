/* SPDX-License-Identifier: BSD-3-Clause */

/* SET_MEM_TABLE with all kinds of nonsense, and while packets move. */
#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define PAGE 4096

static struct control_stage stage;

static struct guest_frontend *frontend(void)
{
	return &stage.target.guest->frontend;
}

static int memory_file(uint64_t size)
{
	int fd = memfd_create("guest-odd", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/** SET_MEM_TABLE of one region. @return as control_ask(). */
static int ask_region(int socket, uint64_t gpa, uint64_t size, uint64_t user, uint64_t offset,
		      int fd)
{
	uint64_t payload[5] = { 1, gpa, size, user, offset };

	return control_ask(socket, GUEST_SET_MEM_TABLE, payload, sizeof(payload), fd);
}

struct nonsense {
	uint64_t gpa, size, user, offset;
};

static void nonsense_is_refused(void **state)
{
	static const struct nonsense cases[] = {
		{ 0, 0, 0, 0 },				/* Nothing. */
		{ 0, PAGE, 0, 1ULL << 62 },		/* Offset behind the file. */
		{ 0, PAGE, 0, UINT64_MAX },		/* Wraps with the size. */
		{ 0, PAGE, 0, UINT64_MAX - PAGE + 1 },	/* Wraps to 0. */
		{ 0, UINT64_MAX, 0, 0 },
		{ 0, UINT64_MAX, 0, 1 },
		{ 0, 1ULL << 63, 0, 1ULL << 63 },
		{ UINT64_MAX, PAGE, 0, 0 },		/* Guest-physical wrap. */
		{ UINT64_MAX - PAGE + 2, PAGE, 0, 0 },
		{ 0, PAGE, UINT64_MAX, 0 },		/* Frontend-virtual wrap. */
		{ 0, PAGE, UINT64_MAX - PAGE + 2, 0 },
		{ 0, 16 * PAGE + 1, 0, 0 },		/* Longer than the file... */
		{ 0, 17 * PAGE, 0, 0 },
		{ 0, PAGE, 0, 16 * PAGE },		/* ...with its offset. */
		{ 0, 1ULL << 46, 0, 0 },
	};
	int socket, fd;

	(void)state;
	control_stage_begin(&stage, "nonsense");
	socket = control_negotiate(&stage.target);
	fd = memory_file(16 * PAGE);
	for (size_t i = 0; i < CONTROL_COUNT(cases); i++)
		if (ask_region(socket, cases[i].gpa, cases[i].size, cases[i].user,
			       cases[i].offset, fd) != 1)
			fail_msg("case %zu was not refused", i);
	/* The same connection, then with a good one. */
	assert_int_equal(ask_region(socket, 0, 16 * PAGE, 0, 0, fd), 0);
	close(fd);
	close(socket);
	control_stage_end(&stage);
}

static void files_that_are_no_memory(void **state)
{
	int socket, pair[2], fds[6];

	(void)state;
	control_stage_begin(&stage, "files");
	socket = control_negotiate(&stage.target);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fds[0] = pair[0];
	fds[1] = pair[1];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fds[2] = pair[0];
	fds[3] = pair[1];
	fds[4] = open("/tmp", O_RDONLY | O_CLOEXEC);
	fds[5] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(ask_region(socket, 0, PAGE, 0, 0, fds[i]), 1);
		close(fds[i]);
	}
	close(socket);
	control_stage_end(&stage);
}

/** A table of @p count regions that claims @p claimed, with @p fd_count descriptors. */
static int send_table(int socket, uint32_t claimed, uint32_t count, unsigned int fd_count,
		      uint64_t step)
{
	uint64_t payload[1 + 4 * 10] = { claimed };
	int fds[10] = { 0 }, ret;

	for (uint32_t i = 0; i < count; i++) {
		payload[1 + 4 * i] = i * step;
		payload[2 + 4 * i] = PAGE;
		payload[3 + 4 * i] = i * step;
	}
	for (unsigned int i = 0; i < fd_count; i++)
		fds[i] = memory_file(PAGE);
	ret = control_send(socket, GUEST_SET_MEM_TABLE, 9, payload, 8 + 32 * count, fds,
			   fd_count);
	for (unsigned int i = 0; i < fd_count; i++)
		close(fds[i]);
	if (ret == 0) {
		uint64_t value = 0;

		ret = control_reply(socket, &value);
		if (ret == 0)
			ret = value != 0;
	}
	return ret;
}

static void counts_that_do_not_match(void **state)
{
	static const struct {
		uint32_t claimed, regions;
		unsigned int fds;
	} cases[] = {
		{ 0, 0, 0 }, { 0, 1, 1 }, { 1, 0, 1 }, { 1, 1, 0 }, { 1, 1, 2 }, { 2, 2, 1 },
		{ 2, 1, 2 }, { 8, 8, 7 }, { 7, 8, 8 }, { 9, 8, 8 }, { 9, 9, 9 }, { 8, 8, 9 },
		{ 0xffffffff, 8, 8 }, { 0x80000001, 1, 1 }, { 0x10000001, 1, 1 },
	};

	(void)state;
	control_stage_begin(&stage, "counts");
	for (size_t i = 0; i < CONTROL_COUNT(cases); i++) {
		int socket = control_negotiate(&stage.target);

		/* Refused, or the end of the connection, but never done. */
		if (send_table(socket, cases[i].claimed, cases[i].regions, cases[i].fds,
			       PAGE) == 0)
			fail_msg("case %zu was taken", i);
		close(socket);
	}
	for (uint32_t count = 1; count <= 8; count++) {
		int socket = control_negotiate(&stage.target);

		assert_int_equal(send_table(socket, count, count, count, PAGE), 0);
		/* Half a page apart: they overlap. */
		if (count > 1)
			assert_int_equal(send_table(socket, count, count, count, PAGE / 2), 1);
		close(socket);
	}
	control_stage_end(&stage);
}

static void the_same_table_over_and_over(void **state)
{
	struct control_poller poller;

	(void)state;
	control_stage_begin(&stage, "again");
	control_attach(&stage.target, NULL);
	control_poller_start(&poller);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(guest_send_memory(stage.target.guest), 0);
	control_poller_stop(&poller);
	control_detach(&stage.target);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 8192);
}

/* Packets move while the table is replaced; none may be lost, doubled or changed. */
static void replaced_under_an_echo(void **state)
{
	struct control_echo *echo = &stage.echo;

	(void)state;
	control_stage_begin(&stage, "echoing");
	for (int i = 0; i < 300; i++) {
		assert_int_equal(guest_send_memory(echo->device.guest), 0);
		control_echo_check(echo, 50);
	}
	control_stage_end(&stage);
}

/* A table without the rings, then the right one again, without fresh addresses. */
static void memory_that_goes_and_comes_back(void **state)
{
	int fd;

	(void)state;
	control_stage_begin(&stage, "goes");
	control_attach(&stage.target, NULL);
	fd = memory_file(PAGE);
	for (int i = 0; i < 20; i++) {
		struct rte_mbuf *mbuf;

		assert_int_equal(ask_region(frontend()->socket, 0, PAGE, 0, 0, fd), 1);
		/* No memory, no packets. */
		assert_int_equal(rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(),
							 &mbuf, 1), 0);
		assert_int_equal(guest_send_memory(stage.target.guest), 0);
		control_send_good(&stage.target, 1);
		control_receive_good(&stage.target, 2);
	}
	close(fd);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/*
 * The new table has the rings of queue 1 and not those of queue 0. The request fails, but it
 * was carried out for memory: queue 1 must not be left standing still.
 */
static void half_of_the_rings_are_gone(void **state)
{
	struct guest_region_layout layout[2] = {
		{ .gpa = 1ULL << 30, .size = 4096 },
		{ .gpa = 2ULL << 30, .size = 8 << 20 },
	};
	struct guest_vring_addr addr[2];
	struct guest_mem_table table;
	struct guest_config config;
	int fds[GUEST_WIRE_FDS];
	uint64_t low, high;

	(void)state;
	control_stage_begin(&stage, "half");
	guest_config_init(&config);
	config.layout = layout;
	config.region_count = 2;
	config.ring_size = 256;
	control_attach(&stage.target, &config);
	guest_describe_memory(stage.target.guest, &table, fds);
	low = table.regions[0].user_addr;
	high = low + table.regions[0].size;
	for (int i = 0; i < 2; i++)
		guest_ring_addr(&stage.target.guest->queues[i], &addr[i]);
	assert_in_range(addr[0].descriptors, low, high);
	assert_false(addr[1].used >= low && addr[1].used < high);
	assert_false(addr[1].descriptors >= low && addr[1].descriptors < high);
	assert_false(addr[1].available >= low && addr[1].available < high);
	table.regions[0] = table.regions[1];
	table.count = 1;
	fds[0] = fds[1];
	guest_set_mem_table(frontend(), &table, fds);
	control_send_good(&stage.target, 1);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* A handler that fails half-way: three good regions and a bad one leave nothing behind. */
static void failing_half_way(void **state)
{
	struct control_counts before, after;

	(void)state;
	control_stage_begin(&stage, "half-way");
	control_attach(&stage.target, NULL);
	control_count(&before);
	for (int i = 0; i < 500; i++) {
		struct guest_mem_table table = { .count = 4 };
		int fds[4];

		for (uint64_t j = 0; j < 4; j++) {
			fds[j] = memory_file(PAGE);
			table.regions[j] = (struct guest_wire_region){
				.gpa = j * PAGE, .size = j == 3 ? 2 * PAGE : PAGE,
				.user_addr = j * PAGE };
		}
		assert_int_equal(guest_set_mem_table(frontend(), &table, fds), -EREMOTEIO);
		for (int j = 0; j < 4; j++)
			close(fds[j]);
		control_send_good(&stage.target, 1);
	}
	control_count(&after);
	assert_int_equal(after.fds, before.fds);
	assert_int_equal(after.guest_maps, before.guest_maps);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* Files of different page sizes. Skipped where the system has no huge pages. */
static void pages_of_different_sizes(void **state)
{
	uint64_t payload[9] = { 2, 0, PAGE, 0, 0, 1 << 30, 2 << 20, 1 << 30, 0 };
	uint64_t value = 1;
	int fds[2], socket;

	(void)state;
	fds[1] = memfd_create("guest-huge", MFD_CLOEXEC | MFD_HUGETLB);
	if (fds[1] < 0 || ftruncate(fds[1], 2 << 20) < 0) {
		/* A kernel without huge pages: the sizes stay, of ordinary pages. */
		close(fds[1]);
		fds[1] = memory_file(2 << 20);
	}
	fds[0] = memory_file(PAGE);
	control_stage_begin(&stage, "pages");
	socket = control_negotiate(&stage.target);
	control_send(socket, GUEST_SET_MEM_TABLE, 9, payload, sizeof(payload), fds, 2);
	/* Without pages reserved mmap() refuses; with them it is taken. */
	assert_int_equal(control_reply(socket, &value), 0);
	assert_in_range(value, 0, 1);
	close(socket);
	control_stage_end(&stage);
	close(fds[0]);
	close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(nonsense_is_refused),
	cmocka_unit_test(files_that_are_no_memory),
	cmocka_unit_test(counts_that_do_not_match),
	cmocka_unit_test(the_same_table_over_and_over),
	cmocka_unit_test(replaced_under_an_echo),
	cmocka_unit_test(memory_that_goes_and_comes_back),
	cmocka_unit_test(half_of_the_rings_are_gone),
	cmocka_unit_test(failing_half_way),
	cmocka_unit_test(pages_of_different_sizes),
};

CONTROL_MAIN_QUIET(300, tests)
