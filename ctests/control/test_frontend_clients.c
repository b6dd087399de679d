/* SPDX-License-Identifier: BSD-3-Clause */

/* Clients that come at the same time, without descriptors left, or to a driver that goes. */
#define _GNU_SOURCE
#include "control.h"

#include <sys/resource.h>

static struct control_stage stage;

/** Threads that connect and hang up at the same time. */
static void *storm(void *argument)
{
	struct guest_frontend frontend;
	uintptr_t failed = 0;
	uint64_t features;

	for (int i = 0; i < 300; i++) {
		guest_frontend_init(&frontend, CONTROL_PATIENCE_MS);
		if (guest_frontend_connect(&frontend, argument) < 0 ||
		    guest_get_features(&frontend, &features) < 0)
			failed++;
		guest_frontend_destroy(&frontend);
	}
	return (void *)failed;
}

static void many_at_the_same_time(void **state)
{
	pthread_t threads[8];

	(void)state;
	control_stage_begin(&stage, "parallel");
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, storm, stage.target.path);
	control_echo_check(&stage.echo, 1000);
	for (int i = 0; i < 8; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	control_stage_end(&stage);
}

/* No descriptors left: connections wait or are refused, then work again. */
static void out_of_descriptors(void **state)
{
	struct rlimit limit, small;
	int sockets[40], count = 0;

	(void)state;
	control_stage_begin(&stage, "emfile");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	small = limit;
	small.rlim_cur = (rlim_t)guest_process_fds() + 30;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	for (; count < 40; count++) {
		struct guest_frontend frontend;

		guest_frontend_init(&frontend, 0);
		if (guest_frontend_connect(&frontend, stage.target.path) < 0)
			break;
		sockets[count] = frontend.socket;
	}
	control_echo_check(&stage.echo, 300);
	while (count > 0)
		close(sockets[--count]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	control_stage_end(&stage);
}

/* The driver goes while clients come. */
static void unregistered_while_clients_come(void **state)
{
	pthread_t threads[4];
	char path[108];

	(void)state;
	control_stage_begin(&stage, "gone");
	strcpy(path, stage.target.path);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, storm, path);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(rte_vhost_driver_unregister(path), 0);
		assert_int_equal(rte_vhost_driver_register(path, 0), 0);
		assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
		assert_int_equal(rte_vhost_driver_start(path), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(many_at_the_same_time),
	cmocka_unit_test(out_of_descriptors),
	cmocka_unit_test(unregistered_while_clients_come),
};

CONTROL_MAIN_QUIET(300, tests)
