/* SPDX-License-Identifier: BSD-3-Clause */

/* GET_INFLIGHT_FD and SET_INFLIGHT_FD from frontends that mean harm. */
#define _GNU_SOURCE
#include "control_target.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SLOTS TARGET_SLOTS
#define REPEATS 100000

extern char **environ;

static struct target_driver driver;
static char path[108];
static int vid;

static void begin(const char *name, bool packed)
{
	control_path(path, name);
	target_listen(path, TARGET_PROTOCOL, &control_ops);
	target_driver_init(&driver, packed);
	target_connect(&driver, path);
}

static void finish(void)
{
	target_driver_destroy(&driver);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

/** A file of zeros. */
static int make_file(uint64_t size)
{
	int fd = memfd_create("guest-area", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static struct guest_inflight_area area(uint16_t queues, uint16_t size, uint64_t bytes,
				       uint64_t offset)
{
	return (struct guest_inflight_area){ bytes, offset, queues, size, 0 };
}

/** CVE-2021-3839: "0 queues, more than the maximum, before any vring message". */
static void shapes_that_no_device_has_are_refused(void **state)
{
	static const uint16_t wrong[][2] = { { 0, 256 }, { 257, 256 }, { 65535, 256 },
					     { 32768, 1 }, { 1, 0 }, { 1, 32769 }, { 1, 65535 },
					     { 0, 0 }, { 65535, 65535 } };
	int file = make_file(1 << 20), fd;

	(void)state;
	begin("shapes", false);
	for (size_t i = 0; i < CONTROL_COUNT(wrong); i++) {
		struct guest_inflight_area bad = area(wrong[i][0], wrong[i][1], 1 << 20, 0);

		assert_int_equal(control_ask(driver.frontend.socket, GUEST_SET_INFLIGHT_FD, &bad,
					     24, file), 1);
		assert_int_equal(control_ask(driver.frontend.socket, GUEST_GET_INFLIGHT_FD, &bad,
					     24, -1), 1);
	}
	/* They made no queue. */
	assert_int_equal(rte_vhost_get_vring_num(0), 0);
	/* And the largest that a device can have works, in 20 bytes as well. */
	for (uint32_t size = 20; size <= 24; size += 4) {
		struct guest_inflight_area largest = area(256, 32768, 0, 0);
		struct guest_message reply;

		assert_int_equal(control_send(driver.frontend.socket, GUEST_GET_INFLIGHT_FD,
					      GUEST_FLAG_VERSION, &largest, size, NULL, 0), 0);
		assert_int_equal(guest_receive(driver.frontend.socket, &reply,
					       CONTROL_PATIENCE_MS), 0);
		assert_int_equal(reply.size, size);
		assert_int_equal(reply.fd_count, 1);
		assert_int_equal(reply.payload.inflight.size, 256 * (16 * 32768 + 64));
		assert_int_equal(reply.payload.inflight.queues, 256);
		assert_int_equal(reply.payload.inflight.ring_size, 32768);
		fd = reply.fds[0];
		/* Nobody cuts it short, nobody else sees it. */
		assert_int_equal(ftruncate(fd, 0), -1);
		assert_int_equal(guest_set_inflight_fd(&driver.frontend, &reply.payload.inflight,
						       fd), 0);
		close(fd);
	}
	close(file);
	finish();
}

static void areas_that_do_not_fit_are_refused(void **state)
{
	/* One queue of 256 slots needs 16 * 257 bytes, in whole cache lines. */
	const uint64_t need = 4160, page = 4096;
	const struct { uint64_t file, bytes, offset; } wrong[] = {
		{ need - 1, need, 0 }, { 0, need, 0 }, { 1 << 20, need - 1, 0 },
		{ 1 << 20, 0, 0 }, { 2 * page, need, page }, { 1 << 20, need, 1 },
		{ 1 << 20, need, 64 }, { 1 << 20, need, 2048 }, { 1 << 20, need, 1 << 20 },
		{ 1 << 20, need, UINT64_MAX - page + 1 }, { 1 << 20, UINT64_MAX, page },
		{ 1 << 20, UINT64_MAX - page, page }, { 1 << 20, need, 1ULL << 63 },
		{ 1 << 20, 1ULL << 63, 1ULL << 63 }, { 1ULL << 40, need, 1ULL << 39 },
	};
	struct control_counts before;

	(void)state;
	begin("fit", false);
	control_count(&before);
	for (size_t i = 0; i < CONTROL_COUNT(wrong); i++) {
		struct guest_inflight_area bad = area(1, SLOTS, wrong[i].bytes, wrong[i].offset);
		int file = make_file(wrong[i].file);

		if (control_ask(driver.frontend.socket, GUEST_SET_INFLIGHT_FD, &bad, 24, file) != 1)
			fail_msg("area %zu was taken", i);
		close(file);
	}
	control_assert_flat(&before);
	assert_int_equal(rte_vhost_get_vring_num(0), 0);
	finish();
}

static void files_that_are_none_are_refused(void **state)
{
	struct guest_inflight_area good = area(1, SLOTS, 4160, 0);
	int files[4], pair[2];

	(void)state;
	begin("files", false);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	files[0] = eventfd(0, EFD_CLOEXEC);
	files[1] = pair[0];
	files[2] = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	files[3] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < CONTROL_COUNT(files); i++) {
		assert_int_equal(control_ask(driver.frontend.socket, GUEST_SET_INFLIGHT_FD, &good,
					     24, files[i]), 1);
		close(files[i]);
	}
	close(pair[1]);
	finish();
}

static void wrong_messages_end_the_connection(void **state)
{
	static const struct { uint32_t request, size; unsigned int fds; } wrong[] = {
		{ GUEST_GET_INFLIGHT_FD, 19, 0 }, { GUEST_GET_INFLIGHT_FD, 25, 0 },
		{ GUEST_GET_INFLIGHT_FD, 0, 0 }, { GUEST_GET_INFLIGHT_FD, 24, 1 },
		{ GUEST_SET_INFLIGHT_FD, 19, 1 }, { GUEST_SET_INFLIGHT_FD, 25, 1 },
		{ GUEST_SET_INFLIGHT_FD, 24, 0 }, { GUEST_SET_INFLIGHT_FD, 24, 2 },
	};
	struct guest_inflight_area good = area(1, SLOTS, 4160, 0);
	int file = make_file(1 << 20);

	(void)state;
	for (size_t i = 0; i < CONTROL_COUNT(wrong); i++) {
		uint8_t payload[32] = { 0 };

		memcpy(payload, &good, sizeof(good));
		begin("messages", false);
		assert_int_equal(control_send(driver.frontend.socket, wrong[i].request, 9, payload,
					      wrong[i].size, (int[]){ file, file }, wrong[i].fds),
				 0);
		assert_true(control_hangs_up(driver.frontend.socket));
		finish();
	}
	close(file);
}

static void they_want_the_protocol_feature(void **state)
{
	struct guest_inflight_area good = area(1, SLOTS, 4160, 0);
	int file = make_file(1 << 20);

	(void)state;
	begin("unwanted", false);
	assert_int_equal(guest_set_protocol_features(&driver.frontend,
						     GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK)), 0);
	assert_int_equal(control_ask(driver.frontend.socket, GUEST_SET_INFLIGHT_FD, &good, 24,
				     file), 1);
	assert_int_equal(control_ask(driver.frontend.socket, GUEST_GET_INFLIGHT_FD, &good, 24, -1),
			 1);
	close(file);
	finish();
}

/** The application may be reading the record of a ring that runs. */
static void a_running_ring_keeps_its_area(void **state)
{
	struct guest_inflight_area other = area(1, SLOTS, 4160, 0);
	struct rte_vhost_ring_inflight before, after;
	int from = control_events(), file = make_file(1 << 20), found;

	(void)state;
	begin("running", false);
	assert_int_equal(target_start(&driver), 0);
	found = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(found >= 0);
	vid = control_event(found).vid;
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &before), 0);
	assert_int_equal(guest_set_inflight_fd(&driver.frontend, &other, file), -EREMOTEIO);
	assert_int_equal(rte_vhost_get_vhost_ring_inflight(vid, 0, &after), 0);
	assert_ptr_equal(before.inflight_split, after.inflight_split);
	assert_int_equal(before.inflight_split->version, 1);
	close(file);
	finish();
}

/** CVE-2019-14818: a hundred thousand of each. */
static void memory_stays_flat(void **state)
{
	struct guest_inflight_area good;
	struct control_counts before;
	int file = make_file(1 << 20), fd;

	(void)state;
	begin("flat", true);
	for (uint32_t i = 0; i < REPEATS; i++) {
		good = area(2, SLOTS, 1 << 20, 0);
		assert_int_equal(guest_set_inflight_fd(&driver.frontend, &good, file), 0);
		if (i == 1000)
			control_count(&before);
		if (guest_get_inflight_fd(&driver.frontend, &good, &fd) < 0)
			fail_msg("GET_INFLIGHT_FD number %u", i);
		close(fd);
	}
	assert_int_equal(guest_set_inflight_fd(&driver.frontend, &good, file), 0);
	control_assert_flat(&before);
	control_assert_memory(&before, 2048);
	close(file);
	finish();
}

/** A process of its own, whose signal handlers are not the test framework's. */
static int run_cut(void)
{
	int from = control_events();

	begin("cut", false);
	driver.area = area(1, SLOTS, 1 << 20, 0);
	driver.inflight_fd = make_file(1 << 20);
	if (target_start(&driver) < 0 || control_wait_event(from, CONTROL_NEW_DEVICE, 0) < 0 ||
	    ftruncate(driver.inflight_fd, 0) < 0)
		return 3;
	rte_vhost_set_inflight_desc_split(0, 0, 3);
	if (control_wait_event(from, CONTROL_DESTROY_CONNECTION, 0) < 0 ||
	    !control_hangs_up(driver.frontend.socket))
		return 4;
	return rte_vhost_driver_unregister(path) == 0 ? 0 : 5;
}

/* hostile.md: "the shared memory file truncated under the mapping (SIGBUS)". */
static void a_file_cut_short_ends_the_device(void **state)
{
	char *words[] = { "/proc/self/exe", "cut", NULL };
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(posix_spawn(&child, words[0], NULL, NULL, words, environ), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(shapes_that_no_device_has_are_refused),
	cmocka_unit_test(areas_that_do_not_fit_are_refused),
	cmocka_unit_test(files_that_are_none_are_refused),
	cmocka_unit_test(wrong_messages_end_the_connection),
	cmocka_unit_test(they_want_the_protocol_feature),
	cmocka_unit_test(a_running_ring_keeps_its_area),
	cmocka_unit_test(memory_stays_flat),
	cmocka_unit_test(a_file_cut_short_ends_the_device),
};

int main(int count, char **words)
{
	alarm(300);
	setenv("RTEVHOSTSWIFT_LOG", "error", 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	control_directory();
	if (count > 1 && strcmp(words[1], "cut") == 0)
		return run_cut();
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
