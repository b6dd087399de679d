/* SPDX-License-Identifier: BSD-3-Clause */

/* SET_LOG_BASE, SET_LOG_FD, LOG_ALL: what is taken and what is refused. */
#define _GNU_SOURCE
#include "control_logged.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

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

static void logs_that_cannot_be(void **state)
{
	struct guest_region *region;
	uint64_t needed, size;
	int pipes[2], fd;

	(void)state;
	logged_begin("cannot");
	region = &logged_stage.target.guest->memory.regions[0];
	needed = (region->gpa + region->size - 1) / PAGE / 8 + 1;
	size = logged_log.size;
	assert_int_equal(ask_log(0, 0, logged_log.fd), 1);
	assert_int_equal(ask_log(UINT64_MAX, 1, logged_log.fd), 1);
	assert_int_equal(ask_log(size, UINT64_MAX - size + 1, logged_log.fd), 1);
	assert_int_equal(ask_log(size, UINT64_MAX, logged_log.fd), 1);
	assert_int_equal(ask_log(UINT64_MAX, 0, logged_log.fd), 1);
	assert_int_equal(ask_log(1ULL << 63, 1ULL << 63, logged_log.fd), 1);
	assert_int_equal(ask_log(1ULL << 45, 0, logged_log.fd), 1);
	/* One byte more than the file has, or one less than the memory needs. */
	assert_int_equal(ask_log(size + 1, 0, logged_log.fd), 1);
	assert_int_equal(ask_log(size, 1, logged_log.fd), 1);
	assert_int_equal(ask_log(needed - 1, 0, logged_log.fd), 1);
	assert_int_equal(ask_log(needed, 0, logged_log.fd), 0);
	assert_int_equal(ask_log(needed, size - needed, logged_log.fd), 0);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask_log(size, 0, pipes[i]), 1);
		close(pipes[i]);
	}
	fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(ask_log(size, 0, fd), 1);
	close(fd);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ask_log(size, 0, fd), 1);
	close(fd);
	/* The connection and the last good log are as they were. */
	assert_int_equal(guest_log_switch(logged_stage.target.guest, true), 0);
	control_receive_good(&logged_stage.target, 1);
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
	control_count(&before);
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

/** In a process of its own, because cmocka has a handler for SIGBUS. */
static int cut_short(void)
{
	struct guest_config config;
	int from;

	control_echo_start(&logged_stage.echo, "cut-echo");
	control_listen(&logged_stage.target, "cut", 0);
	guest_config_init(&config);
	config.protocol_features = LOGGED_PROTOCOL;
	control_attach(&logged_stage.target, &config);
	if (guest_log_start(logged_stage.target.guest, &logged_log) < 0)
		return 3;
	from = control_events();
	if (ftruncate(logged_log.fd, 0) < 0)
		return 4;
	for (int i = 0; i < 10; i++) {
		struct rte_mbuf *mbuf = control_mbuf(1000, 1);

		rte_vhost_enqueue_burst(logged_stage.target.vid, 0, &mbuf, 1);
		rte_pktmbuf_free(mbuf);
	}
	if (control_wait_event(from, CONTROL_DESTROY_CONNECTION, logged_stage.target.vid) < 0)
		return 5;
	control_echo_check(&logged_stage.echo, 100);
	control_echo_stop(&logged_stage.echo);
	return rte_vhost_driver_unregister(logged_stage.target.path) == 0 ? 0 : 6;
}

/* The frontend cuts the log short: its device ends, no other one does. */
static void a_log_cut_short_under_the_mapping(void **state)
{
	char *words[] = { "migration-log", "cut", NULL };
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		execv("/proc/self/exe", words);
		_exit(99);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		fail_msg("killed by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(one_answer_to_each_log),
	cmocka_unit_test(logs_that_cannot_be),
	cmocka_unit_test(wrong_descriptors_sizes_and_features),
	cmocka_unit_test(logs_over_and_over),
	cmocka_unit_test(other_features_stay_while_rings_run),
	cmocka_unit_test(a_log_cut_short_under_the_mapping),
};

int main(int count, char **words)
{
	(void)words;
	alarm(120);
	setenv("RTEVHOSTSWIFT_LOG", "error", 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	control_directory();
	return count > 1 ? cut_short() : cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
