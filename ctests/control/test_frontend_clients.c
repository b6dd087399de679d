/* SPDX-License-Identifier: BSD-3-Clause */

/* Very many clients, and clients that never speak. */
#define _GNU_SOURCE
#include "control.h"

#include <sys/resource.h>
#include <sys/socket.h>

#define THOUSAND 1000
#define LIMIT 1024

static struct control_stage stage;

static bool is_served(int socket)
{
	uint64_t value;

	control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, NULL, 0);
	return control_reply(socket, &value) == 0;
}

static void a_thousand_clients(void **state)
{
	static int sockets[THOUSAND];
	int at;

	(void)state;
	control_stage_begin(&stage, "thousand");
	at = control_events();
	for (int i = 0; i < THOUSAND; i++)
		sockets[i] = control_connect(&stage.target);
	for (int i = 0; i < THOUSAND; i++)
		assert_true(is_served(sockets[i]));
	assert_int_equal(control_count_events(at, CONTROL_NEW_CONNECTION, -1), THOUSAND);
	control_echo_check(&stage.echo, 500);
	/* In another order than they came. */
	for (int i = 0; i < THOUSAND; i++)
		close(sockets[(i * 7) % THOUSAND]);
	control_stage_end(&stage);
}

/* Behind the last vid connections are refused, and taken again when there is one. */
static void more_clients_than_vids(void **state)
{
	static int sockets[LIMIT + 50];
	int served = 0, refused = 0;

	(void)state;
	control_stage_begin(&stage, "limit");
	for (int i = 0; i < LIMIT + 50; i++)
		sockets[i] = control_connect(&stage.target);
	for (int i = 0; i < LIMIT + 50; i++)
		if (is_served(sockets[i]))
			served++;
		else
			refused++;
	/* The echo has one. */
	assert_int_equal(served, LIMIT - 1);
	assert_int_equal(refused, 51);
	control_echo_check(&stage.echo, 200);
	for (int i = 0; i < LIMIT + 50; i++)
		close(sockets[i]);
	control_stage_end(&stage);
}

static void silent_clients_hold_nobody_up(void **state)
{
	uint32_t half[2] = { GUEST_SET_MEM_TABLE, GUEST_FLAG_VERSION };
	int sockets[50];

	(void)state;
	control_stage_begin(&stage, "silent");
	for (int i = 0; i < 50; i++) {
		sockets[i] = control_connect(&stage.target);
		/* Some stop in the middle of a message. */
		if (i % 2)
			assert_int_equal(guest_send_raw(sockets[i], half, 8, NULL, 0), 8);
	}
	control_echo_check(&stage.echo, 1000);
	control_attach(&stage.target, NULL);
	control_send_good(&stage.target, 1);
	control_receive_good(&stage.target, 2);
	control_detach(&stage.target);
	for (int i = 0; i < 50; i++)
		close(sockets[i]);
	control_stage_end(&stage);
}

static void come_and_go(void **state)
{
	(void)state;
	control_stage_begin(&stage, "storm");
	for (int i = 0; i < 10000; i++) {
		int socket = control_connect(&stage.target);

		if (i % 3 == 0)
			control_send(socket, GUEST_GET_FEATURES, 1, NULL, 0, NULL, 0);
		close(socket);
	}
	control_echo_check(&stage.echo, 200);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 8192);
}

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
	cmocka_unit_test(a_thousand_clients),
	cmocka_unit_test(more_clients_than_vids),
	cmocka_unit_test(silent_clients_hold_nobody_up),
	cmocka_unit_test(come_and_go),
	cmocka_unit_test(many_at_the_same_time),
	cmocka_unit_test(out_of_descriptors),
	cmocka_unit_test(unregistered_while_clients_come),
};

CONTROL_MAIN_QUIET(300, tests)
