/* SPDX-License-Identifier: BSD-3-Clause */

/* GET_INFLIGHT_FD and SET_INFLIGHT_FD from frontends that mean harm. */
#define _GNU_SOURCE
#include "control_target.h"

#include <sys/mman.h>

#define SLOTS TARGET_SLOTS

static struct target_driver driver;

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
	target_begin(&driver, "shapes", TARGET_PROTOCOL, false);
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
	target_end(&driver);
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
		target_begin(&driver, "messages", TARGET_PROTOCOL, false);
		assert_int_equal(control_send(driver.frontend.socket, wrong[i].request, 9, payload,
					      wrong[i].size, (int[]){ file, file }, wrong[i].fds),
				 0);
		assert_true(control_hangs_up(driver.frontend.socket));
		target_end(&driver);
	}
	close(file);
}

static void they_want_the_protocol_feature(void **state)
{
	struct guest_inflight_area good = area(1, SLOTS, 4160, 0);
	int file = make_file(1 << 20);

	(void)state;
	target_begin(&driver, "unwanted", TARGET_PROTOCOL, false);
	assert_int_equal(guest_set_protocol_features(&driver.frontend,
						     GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK)), 0);
	assert_int_equal(control_ask(driver.frontend.socket, GUEST_SET_INFLIGHT_FD, &good, 24,
				     file), 1);
	assert_int_equal(control_ask(driver.frontend.socket, GUEST_GET_INFLIGHT_FD, &good, 24, -1),
			 1);
	close(file);
	target_end(&driver);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(shapes_that_no_device_has_are_refused),
	cmocka_unit_test(wrong_messages_end_the_connection),
	cmocka_unit_test(they_want_the_protocol_feature),
};

CONTROL_MAIN_QUIET(300, tests)
