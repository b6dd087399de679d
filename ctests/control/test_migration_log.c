/* SPDX-License-Identifier: BSD-3-Clause */

/* SET_LOG_BASE, SET_LOG_FD, LOG_ALL: what is taken and what is refused. */
#define _GNU_SOURCE
#include "control_logged.h"

#include <sys/eventfd.h>
#include <sys/mman.h>

#define PAGE 4096
#define LOG_ALL GUEST_BIT(GUEST_F_LOG_ALL)
static int file_of(uint64_t size)
{
	int fd = memfd_create("guest-odd-log", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/** SET_LOG_BASE with NEED_REPLY. @return as control_ask(). */
static int ask_log(uint64_t size, uint64_t offset, int fd)
{
	uint64_t payload[2] = { size, offset };

	return control_ask(logged_frontend()->socket, GUEST_SET_LOG_BASE, payload,
			   sizeof(payload), fd);
}

/* vhost-user: with LOG_SHMFD the message has an answer, asked for or not, and only one. */
static void one_answer_to_each_log(void **state)
{
	uint64_t payload[2], value;

	(void)state;
	logged_begin("answer");
	payload[0] = logged_log.size;
	payload[1] = 0;
	for (uint32_t flags = 1; flags <= 9; flags += 8) {
		value = 1;
		assert_int_equal(control_send(logged_frontend()->socket, GUEST_SET_LOG_BASE, flags,
					      payload, 16, &logged_log.fd, 1), 0);
		assert_int_equal(control_reply(logged_frontend()->socket, &value), 0);
		assert_int_equal(value, 0);
		/* The next thing that comes is the answer to something else. */
		assert_int_equal(guest_get_queue_num(logged_frontend(), &value), 0);
		assert_int_equal(value, logged_stage.target.guest->max_pairs);
	}
	logged_end();
}

/** A message after which the connection is gone. */
static void is_the_end(uint64_t protocol, uint32_t request, uint32_t size,
		       unsigned int fd_count)
{
	int fds[2] = { logged_log.fd, logged_log.fd };
	int socket = control_connect(&logged_stage.target);
	uint64_t payload[4] = { logged_log.size };

	assert_int_equal(control_send(socket, GUEST_SET_PROTOCOL_FEATURES, 1, &protocol, 8, NULL,
				      0), 0);
	assert_int_equal(control_send(socket, request, 1, payload, size, fds, fd_count), 0);
	assert_true(control_hangs_up(socket));
	close(socket);
}

static void wrong_descriptors_sizes_and_features(void **state)
{
	(void)state;
	logged_begin("shapes");
	is_the_end(LOGGED_PROTOCOL, GUEST_SET_LOG_BASE, 16, 0);
	is_the_end(LOGGED_PROTOCOL, GUEST_SET_LOG_BASE, 16, 2);
	is_the_end(LOGGED_PROTOCOL, GUEST_SET_LOG_BASE, 8, 1);
	is_the_end(LOGGED_PROTOCOL, GUEST_SET_LOG_BASE, 24, 1);
	is_the_end(LOGGED_PROTOCOL & ~GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD),
		   GUEST_SET_LOG_BASE, 16, 1);
	is_the_end(LOGGED_PROTOCOL, GUEST_SET_LOG_FD, 0, 0);
	is_the_end(LOGGED_PROTOCOL, GUEST_SET_LOG_FD, 0, 2);
	is_the_end(LOGGED_PROTOCOL, GUEST_SET_LOG_FD, 8, 1);
	/* A memory file is no eventfd. */
	is_the_end(LOGGED_PROTOCOL, GUEST_SET_LOG_FD, 0, 1);
	logged_end();
}

/* A log, refused ones among them, over and over, while it is written: nothing piles up. */
static void logs_over_and_over(void **state)
{
	struct control_counts before, after;

	(void)state;
	logged_begin("over");
	assert_int_equal(ask_log(logged_log.size, 0, logged_log.fd), 0);
	assert_int_equal(guest_log_switch(logged_stage.target.guest, true), 0);
	control_count_idle(&before);
	for (int i = 0; i < 300; i++) {
		int small = file_of(PAGE), event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		assert_int_equal(ask_log(logged_log.size, 0, logged_log.fd), 0);
		assert_int_equal(ask_log(logged_log.size, 0, small), 1);
		assert_int_equal(ask_log(16, 0, small), 1);
		assert_int_equal(guest_set_log_fd(logged_frontend(), event), 0);
		assert_int_equal(guest_set_log_fd(logged_frontend(), small), -EREMOTEIO);
		close(small);
		close(event);
		control_receive_good(&logged_stage.target, (uint64_t)i);
	}
	control_count(&after);
	/* The last event is kept. */
	assert_int_equal(after.fds, before.fds + 1);
	assert_int_equal(after.maps, before.maps);
	logged_end();
}

static void other_features_stay_while_rings_run(void **state)
{
	uint64_t features;

	(void)state;
	logged_begin("others");
	features = logged_stage.target.guest->features;
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t wanted = features ^ GUEST_BIT(bit);
		int expected = bit == GUEST_F_LOG_ALL ? 0 : 1;

		assert_int_equal(control_ask(logged_frontend()->socket, GUEST_SET_FEATURES,
					     &wanted, 8, -1), expected);
		assert_int_equal(control_ask(logged_frontend()->socket, GUEST_SET_FEATURES,
					     &features, 8, -1), 0);
		wanted ^= LOG_ALL;
		if (bit != GUEST_F_LOG_ALL)
			assert_int_equal(control_ask(logged_frontend()->socket, GUEST_SET_FEATURES,
						     &wanted, 8, -1), 1);
	}
	control_receive_good(&logged_stage.target, 1);
	logged_end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(one_answer_to_each_log),
	cmocka_unit_test(wrong_descriptors_sizes_and_features),
	cmocka_unit_test(logs_over_and_over),
	cmocka_unit_test(other_features_stay_while_rings_run),
};

CONTROL_MAIN_QUIET(120, tests)
