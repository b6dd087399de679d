/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * The control socket and several processes: a child has its parent's copies and none of its
 * threads.
 */
#define _GNU_SOURCE
#include "control_inspect.h"

#include <pthread.h>
#include <sys/wait.h>

static char text[INSPECT_TEXT];
static char logged[CONTROL_TEXT];
static char path[108];

static void begin(const char *name)
{
	control_path(path, name);
	assert_int_equal(rtevhostswift_control_open(path, 0), 0);
}

static void a_child_leaves_its_parents_alone(void **state)
{
	int status = 0;
	char own[108];
	pid_t child;

	(void)state;
	begin("fork");
	control_path(own, "fork-child");
	child = fork();
	if (child == 0) {
		const char *sanitizer = getenv("SANITIZER");

		if (rtevhostswift_control_close() != 0)
			_exit(1);
		/* ThreadSanitizer lets no child of a process with threads have one. */
		if (sanitizer && strcmp(sanitizer, "thread") == 0)
			_exit(0);
		if (rtevhostswift_control_open(own, 0) != 0)
			_exit(2);
		if (inspect_ask(own, "1 list\n", text) <= 0)
			_exit(3);
		_exit(rtevhostswift_control_close() == 0 ? 0 : 4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(inspect_ask(path, "1 list\n", text) > 0);
	assert_int_equal(rtevhostswift_control_close(), 0);
	assert_int_not_equal(access(path, F_OK), 0);
}

/** Two threads of a child that has its parent's copies. */
struct opener {
	pthread_t thread;
	pthread_barrier_t *barrier;
	char path[108];
	int result, error;
};

static void *open_on(void *argument)
{
	struct opener *opener = argument;

	pthread_barrier_wait(opener->barrier);
	opener->result = rtevhostswift_control_open(opener->path, 0);
	opener->error = errno;
	return NULL;
}

/* One has it, the other hears so, whichever of them puts the child's copies in order. */
static int open_twice(int round)
{
	struct opener openers[2];
	pthread_barrier_t barrier;
	int winner;

	/* A hang is a failure, too. */
	alarm(CONTROL_PATIENCE_MS / 1000 + 1);
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++) {
		char name[40];

		snprintf(name, sizeof(name), "fork-%d-%d", round, i);
		control_path(openers[i].path, name);
		openers[i].barrier = &barrier;
		if (pthread_create(&openers[i].thread, NULL, open_on, &openers[i]) != 0)
			return 1;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(openers[i].thread, NULL);
	winner = openers[0].result == 0 ? 0 : 1;
	if (openers[winner].result != 0)
		return 2;
	if (openers[!winner].result == 0)
		return 3;
	if (openers[!winner].error != EBUSY && openers[!winner].error != EEXIST)
		return 4;
	if (inspect_ask(openers[winner].path, "1 list\n", text) <= 0)
		return 5;
	if (rtevhostswift_control_close() != 0)
		return 6;
	return access(openers[winner].path, F_OK) == 0 ? 7 : 0;
}

static void two_threads_of_a_child_agree(void **state)
{
	int clients[8], status, rounds = 200;

	(void)state;
	/* It lets no child of a process with threads have one. */
	if (getenv("SANITIZER") && strcmp(getenv("SANITIZER"), "thread") == 0)
		skip();
	begin("fork-two");
	/* What a child has to close takes its time. */
	for (int i = 0; i < 8; i++)
		clients[i] = inspect_connect(path);
	control_capture_begin();
	for (int round = 0; round < rounds; round++) {
		pid_t child = fork();

		if (child == 0)
			_exit(open_twice(round));
		status = -1;
		if (waitpid(child, &status, 0) != child || status != 0)
			rounds = -round - 1;
	}
	control_capture_end(logged);
	if (rounds < 0)
		fail_msg("round %d: status %#x", -rounds - 1, status);
	for (int i = 0; i < 8; i++)
		close(clients[i]);
	assert_true(inspect_ask(path, "1 list\n", text) > 0);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

/* The second process is refused, and harms the first one's neither then nor when it ends. */
static void two_processes_on_one_path(void **state)
{
	int status = 0;
	pid_t child;

	(void)state;
	begin("two");
	control_capture_begin();
	child = fork();
	if (child == 0) {
		/* Its copies of the parent's are closed first. */
		if (rtevhostswift_control_close() != 0)
			_exit(1);
		if (rtevhostswift_control_open(path, 0) != -1 || errno != EADDRINUSE)
			_exit(2);
		if (rtevhostswift_control_close() != -1 || errno != ENOENT)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	control_capture_end(logged);
	assert_int_equal(status, 0);
	inspect_assert_has(logged, "rtevhostswift_control_open", NULL);
	assert_true(inspect_ask(path, "1 list\n", text) > 0);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_child_leaves_its_parents_alone),
	cmocka_unit_test(two_threads_of_a_child_agree),
	cmocka_unit_test(two_processes_on_one_path),
};

CONTROL_MAIN(120, tests)
