/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Applications that fork: a child has copies of all descriptors and none of the threads. Sockets
 * and connections end all the same, nothing spins, and the child's calls come back.
 */
#define _GNU_SOURCE
#include "control_client.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/** CPU that an idle process may use in this time. */
#define IDLE_MS 400
#define IDLE_US 100000

static struct control_device one;
static char path[108];

/** A child that lives until it is told to end, with all that was open. */
static pid_t begin_child(void)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return child;
}

static void end_child(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
}

/** What a child gives to exit(), or -1 when it was killed by a signal: its alarm, say. */
static int wait_child(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_idle(void)
{
	int64_t used;

	control_sleep_ms(50);
	used = control_cpu_us();
	control_sleep_ms(IDLE_MS);
	used = control_cpu_us() - used;
	if (used > IDLE_US)
		fail_msg("%d ms took %ld us of CPU", IDLE_MS, (long)used);
}

/** Registers, becomes another process as daemons do, and starts there. */
static void start_in_a_child(void **state)
{
	int ready[2];
	pid_t child;
	char byte;

	(void)state;
	/* First in this program: no thread was started yet. */
	control_path(path, "daemon");
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
	child = fork();
	if (child == 0) {
		alarm(20);
		if (rte_vhost_driver_start(path) != 0 || write(ready[1], "x", 1) != 1 ||
		    control_wait_event(0, CONTROL_NEW_DEVICE, -1) < 0 ||
		    control_wait_event(0, CONTROL_DESTROY_CONNECTION, -1) < 0)
			_exit(1);
		_exit(rte_vhost_driver_unregister(path) == 0 ? 0 : 2);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	strcpy(one.path, path);
	{
		struct guest_config config;

		control_config(&config, &one);
		assert_int_equal(guest_create(&config, &one.guest), 0);
		assert_int_equal(guest_connect(one.guest), 0);
		assert_int_equal(guest_start(one.guest), 0);
		guest_destroy(one.guest);
		one.guest = NULL;
	}
	assert_int_equal(wait_child(child), 0);
	/* The parent's own goes on. */
	control_path(path, "parent");
	control_open(&one, "parent", 0, NULL);
	control_send_good(&one, 1);
	control_close(&one);
	control_path(path, "daemon");
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

static void connections_end_under_a_child(void **state)
{
	struct control_counts before;
	pid_t child;
	int socket;

	(void)state;
	control_listen(&one, "hang", 0);
	control_count_idle(&before);
	socket = control_connect(&one);
	control_wait_event(0, CONTROL_NEW_CONNECTION, -1);
	child = begin_child();
	/* A request that there is not ends the connection; the child has both ends of it. */
	assert_int_equal(control_send(socket, 9999, 1, NULL, 0, NULL, 0), 0);
	assert_true(control_hangs_up(socket));
	assert_idle();
	close(socket);
	control_assert_flat(&before);
	end_child(child);
	control_close(&one);
}

static void listeners_end_under_a_child(void **state)
{
	struct control_counts before;
	int waiting;
	pid_t child;

	(void)state;
	control_listen(&one, "listen", 0);
	child = begin_child();
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
	assert_int_equal(access(one.path, F_OK), -1);
	assert_idle();
	control_count_idle(&before);
	control_listen(&one, "listen", 0);
	waiting = control_connect(&one);
	assert_true(waiting >= 0);
	close(waiting);
	control_close(&one);
	end_child(child);
	control_assert_flat(&before);
}

/** Nothing that a child calls may wait for threads that it has not. */
static void calls_of_a_child_come_back(void **state)
{
	uint64_t features;
	pid_t child;

	(void)state;
	control_open(&one, "called", 0, NULL);
	control_path(path, "other");
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
	child = fork();
	if (child == 0) {
		int64_t start = control_now_ms();

		alarm(10);
		if (rte_vhost_driver_unregister(one.path) == 0 ||
		    rte_vhost_driver_start(path) == 0 ||
		    rte_vhost_driver_register("/tmp/child-of-fork", 0) == 0 ||
		    rte_vhost_driver_get_features(path, &features) == 0)
			_exit(1);
		_exit(control_now_ms() - start < 1000 ? 0 : 2);
	}
	assert_int_equal(wait_child(child), 0);
	/* The parent does not notice. */
	assert_idle();
	control_send_good(&one, 1);
	control_receive_good(&one, 2);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	control_close(&one);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(start_in_a_child),
	cmocka_unit_test(connections_end_under_a_child),
	cmocka_unit_test(listeners_end_under_a_child),
	cmocka_unit_test(calls_of_a_child_come_back),
};

CONTROL_MAIN_QUIET(120, tests)
