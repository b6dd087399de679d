/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Backends in processes of their own, killed under traffic at any moment, the time when they set
 * themselves up included. The guest goes on with the memory and the rings it had. What a backend
 * had taken dies with it, and nothing else: everything else comes back once.
 */
#define _GNU_SOURCE
#include "control_flow.h"

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define TRIES 50

extern char **environ;

static int cycles = 100;

static struct control_case cases[] = {
	CONTROL_RECONNECTS,
	{ "server-sync-inflight", false, CONTROL_SYNC, false, true },
	{ "client-async-inflight", true, CONTROL_ASYNC, false, true },
	{ "server-sync-inflight-packed", false, CONTROL_SYNC, true, true },
	{ "client-async-inflight-packed", true, CONTROL_ASYNC, true, true },
};

/** Kills the process it runs in. */
static void *run_bomb(void *argument)
{
	usleep((useconds_t)(uintptr_t)argument);
	kill(getpid(), SIGKILL);
	return NULL;
}

/** The child: an echo until it is killed; by itself after so long when that is not 0. */
static int run_backend(int index, const char *path, long microseconds)
{
	static struct control_app app;
	pthread_t bomb;

	/* Should a test fail, nothing of it is left over. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (microseconds > 0)
		pthread_create(&bomb, NULL, run_bomb, (void *)(uintptr_t)microseconds);
	if (control_app_init(&app, &cases[index], path) < 0 || control_app_open(&app) < 0)
		return 1;
	for (;;)
		pause();
}

static pid_t spawn(int index, char *path, uint32_t microseconds)
{
	char number[16], life[16];
	char *words[] = { "/proc/self/exe", number, path, life, NULL };
	pid_t child;

	snprintf(number, sizeof(number), "%d", index);
	snprintf(life, sizeof(life), "%u", microseconds);
	assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, environ), 0);
	return child;
}

static bool is_alive(pid_t child)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

/** Until a backend that lives is connected. @return whether it is. */
static bool connect_to(struct control_flow *flow, pid_t child)
{
	for (int i = 0; i < TRIES && is_alive(child); i++)
		/* The backlog may hold what a backend that is dead left behind. */
		if (control_flow_connect(flow) == 0)
			return true;
	return false;
}

static void bury(struct control_flow *flow, pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("the backend ended by itself: status %x", status);
	control_flow_bury(flow);
	guest_disconnect(flow->guest);
}

/** One life. @return whether packets moved. */
static bool live(struct control_flow *flow, int index, char *path, struct guest_random *random)
{
	bool has_bomb = guest_random_range(random, 0, 2) == 0;
	uint64_t before = flow->received;
	pid_t child;

	/* About as long as it takes to start and to be connected, and somewhat more. */
	child = spawn(index, path, has_bomb ? guest_random_range(random, 1, 40000) : 0);
	flow->guest->frontend.timeout_ms = has_bomb ? 100 : CONTROL_PATIENCE_MS;
	if (connect_to(flow, child)) {
		int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;

		control_flow_run(flow, (int)guest_random_range(random, 0, 8000));
		while (has_bomb && is_alive(child) && control_now_ms() < deadline)
			control_flow_run(flow, 100);
		/* One that is not killed while it sets itself up has to serve. */
		while (!has_bomb && flow->received == before && control_now_ms() < deadline)
			control_flow_run(flow, 500);
		assert_true(has_bomb || flow->received > before);
	} else {
		assert_true(has_bomb);
	}
	if (!has_bomb)
		assert_int_equal(kill(child, SIGKILL), 0);
	bury(flow, child);
	return flow->received > before;
}

static void kill_backends(void **state)
{
	const struct control_case *what = *state;
	struct guest_random random = { .state = 2026 };
	int index = (int)(what - cases), useful = 0;
	struct control_counts before;
	struct control_flow flow;
	char path[108];
	pid_t child;

	control_path(path, what->name);
	assert_int_equal(control_flow_create(&flow, what, path), 0);
	control_count_idle(&before);
	/* The guest keeps the record's file. */
	before.fds += what->inflight;
	for (int i = 0; i < cycles; i++)
		useful += live(&flow, index, path, &random);
	control_assert_flat(&before);
	child = spawn(index, path, 0);
	flow.guest->frontend.timeout_ms = CONTROL_PATIENCE_MS;
	assert_true(connect_to(&flow, child));
	control_flow_run(&flow, 20000);
	control_flow_drain(&flow);
	control_flow_check(&flow);
	/*
	 * What was lost was with a backend that died, and all of that was: but for the packet that
	 * each may have left half-shown in a packed ring, which the next one completes.
	 */
	assert_in_range(flow.at_risk - flow.skipped, 0, what->packed ? cycles : 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	bury(&flow, child);
	guest_destroy(flow.guest);
	unlink(path);
	print_message("%s: %d of %d lives with packets; %lu sent, %lu received, %lu lost with "
		      "backends that had taken %lu, %lu double, %lu changed; descriptors, threads "
		      "and mappings as before\n", what->name, useful, cycles,
		      (unsigned long)flow.sent, (unsigned long)flow.received,
		      (unsigned long)flow.skipped, (unsigned long)flow.at_risk,
		      (unsigned long)flow.doubled, (unsigned long)flow.changed);
	assert_true(useful >= cycles / 2);
}

int main(int count, char **words)
{
	struct CMUnitTest tests[CONTROL_COUNT(cases)];
	const char *wanted = getenv("CONTROL_CYCLES");

	alarm(600);
	setenv("RTEVHOSTSWIFT_LOG", "error", 0);
	if (count > 3)
		return run_backend(atoi(words[1]), words[2], atol(words[3]));
	if (wanted)
		cycles = atoi(wanted);
	setvbuf(stdout, NULL, _IOLBF, 0);
	control_directory();
	for (size_t i = 0; i < CONTROL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){
			cases[i].name, kill_backends, NULL, NULL, &cases[i],
		};
	return _cmocka_run_group_tests(__FILE__, tests, CONTROL_COUNT(cases), NULL, NULL);
}
