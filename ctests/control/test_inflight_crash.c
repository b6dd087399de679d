/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A target that serves a ring by itself is killed and started again: what it took and had not
 * returned is what its successor is told to do again, in the order in which it was taken.
 * Children run this program again.
 */
#define _GNU_SOURCE
#include "control_target.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

/** Lives that end at a checkpoint of their own, and lives that end at any instruction. */
#define DEATHS 120
#define KILLS 40

extern char **environ;

static struct target_driver driver;
static struct target_report *report;
static char socket_path[108], report_path[108];
static pid_t child;

static void spawn(void)
{
	char *words[] = { "/proc/self/exe", "target", socket_path, report_path, NULL };

	unlink(socket_path);
	assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, environ), 0);
}

/** Wait for something that the child writes, or its end. */
static void wait_for(const uint32_t *what, uint32_t least)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	siginfo_t info = { 0 };

	while (__atomic_load_n(what, __ATOMIC_ACQUIRE) < least) {
		waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid == child)
			return;
		assert_true(control_now_ms() < deadline);
		sched_yield();
	}
}

/** End the child, if it has not ended itself. */
static void bury(void)
{
	int status;

	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(report->failed, 0);
}

static void begin(const char *name, bool packed)
{
	char file[64];

	control_path(socket_path, name);
	snprintf(file, sizeof(file), "%s-report", name);
	control_path(report_path, file);
	report = target_report_map(report_path);
	assert_non_null(report);
	target_driver_init(&driver, packed);
}

/** The first life of a target, or a further one: fails unless it goes on where it has to. */
static void live(uint32_t certain, uint32_t possible)
{
	uint32_t count;

	spawn();
	target_connect(&driver, socket_path);
	/* It may die before it answers to the last message. */
	if (target_start(&driver) < 0)
		assert_int_not_equal(report->die_at, 0);
	wait_for(&report->has_begun, 1);
	assert_int_equal(report->has_begun, 1);
	count = report->resubmits;
	assert_in_range(count, certain, possible);
	assert_true(count <= driver.count);
	/* The list is by falling counter: the oldest is the last. */
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(report->resubmit[i], driver.outstanding[count - 1 - i]);
	assert_int_equal(report->used, driver.used);
	assert_int_equal(report->position,
			 count < driver.count ? driver.position[count] : driver.next);
}

static void clear_report(void)
{
	memset(report, 0, sizeof(*report));
	report->take = TARGET_CHAINS;
	report->seed = 4711;
}

/** Ten chains, three of them returned, the seventh, the second and the fifth. */
static void out_of_order(bool packed)
{
	begin(packed ? "packed" : "split", packed);
	for (uint16_t chain = 20; chain < 30; chain++)
		target_post(&driver, chain);
	clear_report();
	report->first_back = 3;
	/* Positions among those that are left. */
	report->back[0] = 6;
	report->back[1] = 1;
	report->back[2] = 3;
	report->leave = TARGET_CHAINS;
	live(0, 0);
	wait_for(&report->is_done, 1);
	bury();
	assert_int_equal(target_reap(&driver), 3);
	clear_report();
	report->leave = TARGET_CHAINS;
	live(7, 7);
	/* 29, 28, 27, 25, 23, 22, 20 */
	assert_memory_equal(report->resubmit, ((uint16_t[]){ 29, 28, 27, 25, 23, 22, 20 }), 14);
	wait_for(&report->is_done, 1);
	bury();
	/* Nothing was returned: the same once more, and then all of it. */
	assert_int_equal(target_reap(&driver), 0);
	clear_report();
	live(7, 7);
	wait_for(&report->is_done, 1);
	bury();
	assert_int_equal(target_reap(&driver), 7);
	assert_int_equal(driver.count, 0);
	clear_report();
	live(0, 0);
	bury();
	target_driver_destroy(&driver);
}

static void split_out_of_order(void **state)
{
	(void)state;
	out_of_order(false);
}

static void packed_out_of_order(void **state)
{
	(void)state;
	out_of_order(true);
}

/** Many lives, each with new chains; every one is returned exactly once in the end. */
static void many_lives(const char *name, bool packed, int lives, bool at_checkpoint)
{
	struct guest_random random = { .state = packed ? 17 : 18 };
	uint32_t certain = 0, possible = 0, posted = 0, resubmitted = 0;

	begin(name, packed);
	for (int life = 0; life <= lives; life++) {
		uint32_t target = guest_random_range(&random, 1, 400), before = driver.count;
		bool is_last = life == lives;

		clear_report();
		report->seed = (uint64_t)life * 77 + 1;
		report->leave = is_last ? 0 : guest_random_range(&random, 0, 40);
		if (at_checkpoint && !is_last)
			report->die_at = target;
		/* New chains arrive while nobody serves the ring. */
		target_post_all(&driver, &random);
		posted += driver.count - before;
		live(certain, possible);
		resubmitted += report->resubmits;
		if (is_last)
			wait_for(&report->is_done, 1);
		else if (at_checkpoint)
			wait_for(&report->progress, target);
		else
			while (__atomic_load_n(&report->progress, __ATOMIC_ACQUIRE) < target &&
			       !__atomic_load_n(&report->is_done, __ATOMIC_ACQUIRE))
				;
		bury();
		certain = report->resubmits + report->taken;
		certain -= target_reap(&driver);
		/* One more may have been recorded just before the end. */
		possible = certain + 1;
	}
	assert_int_equal(driver.count, 0);
	assert_int_equal(driver.reaped, posted);
	assert_true(resubmitted > (uint32_t)lives);
	printf("%s: %d lives, %u chains, %u resubmitted\n", name, lives, posted, resubmitted);
	target_driver_destroy(&driver);
}

static void split_killed_at_every_step(void **state)
{
	(void)state;
	many_lives("split-steps", false, DEATHS, true);
}

static void packed_killed_at_every_step(void **state)
{
	(void)state;
	many_lives("packed-steps", true, DEATHS, true);
}

static void split_killed_anywhere(void **state)
{
	(void)state;
	many_lives("split-any", false, KILLS, false);
}

static void packed_killed_anywhere(void **state)
{
	(void)state;
	many_lives("packed-any", true, KILLS, false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(split_out_of_order),
	cmocka_unit_test(packed_out_of_order),
	cmocka_unit_test(split_killed_at_every_step),
	cmocka_unit_test(packed_killed_at_every_step),
	cmocka_unit_test(split_killed_anywhere),
	cmocka_unit_test(packed_killed_anywhere),
};

int main(int count, char **words)
{
	alarm(300);
	setenv("RTEVHOSTSWIFT_LOG", "error", 1);
	if (count == 4 && strcmp(words[1], "target") == 0)
		return target_main(words[2], words[3]);
	control_directory();
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
