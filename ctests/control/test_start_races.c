/* SPDX-License-Identifier: BSD-3-Clause */

/* rte_vhost_driver_start() in several threads at once, and against unregister. */
#define _GNU_SOURCE
#include "control_client.h"

#define THREADS 3
#define ROUNDS 2000

static struct control_device one;
static char path[108];
static pthread_barrier_t barrier;
static int started;

static void *start(void *argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		if (rte_vhost_driver_start(path) == 0)
			__atomic_add_fetch(&started, 1, __ATOMIC_ACQ_REL);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* One of them starts it, and it can be reached then. */
static void one_start_wins(void **state)
{
	pthread_t threads[THREADS];
	int unreachable = 0, wins = 0;

	(void)state;
	control_path(path, "raced");
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, start, NULL);
	control_capture_begin();
	for (int i = 0; i < ROUNDS; i++) {
		int socket;

		started = 0;
		if (rte_vhost_driver_register(path, 0) != 0 ||
		    rte_vhost_driver_callback_register(path, &control_ops) != 0)
			abort();
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		wins += started;
		socket = control_client_dial(path);
		if (socket < 0)
			unreachable++;
		else
			close(socket);
		rte_vhost_driver_unregister(path);
	}
	control_capture_end(NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(wins, ROUNDS);
	assert_int_equal(unreachable, 0);
}

static void *start_once(void *argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		rte_vhost_driver_start(path);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* Whoever comes first: no socket and no file is left. */
static void unregister_while_starting(void **state)
{
	struct guest_random random = { .state = 11 };
	struct control_counts before;
	pthread_t thread;
	int left = 0, refused = 0;

	(void)state;
	control_path(path, "leaving");
	control_open(&one, "warm", 0, NULL);
	control_close(&one);
	control_count_idle(&before);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, start_once, NULL);
	control_capture_begin();
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t flags = i % 4 == 3 ? RTE_VHOST_USER_CLIENT : 0;

		if (rte_vhost_driver_register(path, flags) != 0 ||
		    rte_vhost_driver_callback_register(path, &control_ops) != 0)
			abort();
		pthread_barrier_wait(&barrier);
		for (uint64_t j = guest_random_range(&random, 0, 3000); j > 0; j--)
			__asm__ volatile("");
		refused += rte_vhost_driver_unregister(path) != 0;
		pthread_barrier_wait(&barrier);
		left += access(path, F_OK) == 0;
		unlink(path);
	}
	control_capture_end(NULL);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(refused, 0);
	assert_int_equal(left, 0);
	control_assert_flat(&before);
}

static int from_callback = 1;

static void unregister_other(enum control_kind kind, int vid)
{
	(void)vid;
	if (kind == CONTROL_NEW_DEVICE)
		from_callback = rte_vhost_driver_unregister(path);
}

/* A callback may take back what it registered: only a started one needs the event thread. */
static void callbacks_take_back_what_never_started(void **state)
{
	(void)state;
	control_path(path, "never");
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	control_answers.hook = unregister_other;
	control_open(&one, "caller", 0, NULL);
	control_answers.hook = NULL;
	assert_int_equal(from_callback, 0);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	control_close(&one);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(one_start_wins),
	cmocka_unit_test(unregister_while_starting),
	cmocka_unit_test(callbacks_take_back_what_never_started),
};

CONTROL_MAIN_QUIET(120, tests)
