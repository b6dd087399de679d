/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Frontends in processes of their own, killed at random moments under load: while they connect,
 * while packets move, while rings stop and start and the memory table is sent again. After each,
 * the next guest's packets all come back, and mbufs, descriptors, mappings and threads are what
 * they were. KILLS=n kills so many in all; children run this program again.
 */
#define _GNU_SOURCE
#include "control_flow.h"

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/** One death in so many comes while the guest sets itself up. */
#define EARLY 4
/** Packets that a guest has sent before it dies of another one. */
#define BUSY 40

extern char **environ;

static int kills = 24;

static struct control_case cases[] = {
	{ .name = "split-sync", .copy = CONTROL_SYNC },
	{ .name = "split-async", .copy = CONTROL_ASYNC },
	{ .name = "packed-sync", .copy = CONTROL_SYNC, .packed = true },
	{ .name = "packed-async", .copy = CONTROL_ASYNC, .packed = true },
};

/** What a case comes to. */
struct account {
	uint32_t early, busy;		/**< Kills. */
	uint64_t taken;			/**< Packets of killed guests that the application got... */
	uint64_t dropped;		/**< ...of which so many had nowhere to go. */
	uint64_t sent, received, lost, doubled, changed; /**< By guests that lived. */
};

static struct control_app app;

/** The child: sends, receives and disturbs until it is killed. */
static int run_guest(int index, const char *path, uint64_t seed)
{
	struct guest_random random = { .state = seed };
	struct control_flow flow;

	/* Should the test fail, nothing of it is left over. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (control_flow_create(&flow, &cases[index], path) < 0 || control_flow_connect(&flow) < 0)
		return 1;
	for (;;) {
		control_flow_run(&flow, (int)guest_random_range(&random, 100, 3000));
		if (guest_random_range(&random, 0, 1) && guest_send_memory(flow.guest) < 0)
			return 2;
		if (guest_random_range(&random, 0, 2) == 0 &&
		    (guest_stop(flow.guest) < 0 || guest_start(flow.guest) < 0))
			return 3;
	}
}

static pid_t spawn(int index, char *path, uint64_t seed)
{
	char number[16], start[32];
	char *words[] = { "/proc/self/exe", number, path, start, NULL };
	pid_t child;

	snprintf(number, sizeof(number), "%d", index);
	snprintf(start, sizeof(start), "%lu", (unsigned long)seed);
	assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, environ), 0);
	return child;
}

static uint64_t taken(void)
{
	uint64_t packets;

	pthread_mutex_lock(&app.lock);
	packets = app.packets;
	pthread_mutex_unlock(&app.lock);
	return packets;
}

/** Wait until a guest is at work, or a random time. */
static void choose_moment(struct guest_random *random, bool is_early, uint64_t before)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;

	while (!is_early && taken() < before + BUSY) {
		if (control_now_ms() > deadline)
			fail_msg("a guest does not come to work");
		usleep(100);
	}
	usleep(guest_random_range(random, 0, is_early ? 20000 : 10000));
}

/** Until the application has all mbufs back but those that it keeps itself; frees these. */
static uint64_t settle(void)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	uint64_t dropped = 0;
	uint32_t out;

	do {
		pthread_mutex_lock(&app.lock);
		if (app.vid < 0)
			for (; app.count > 0; app.count--, app.first++, dropped++)
				rte_pktmbuf_free(app.backlog[app.first % CONTROL_APP_BACKLOG]);
		out = app.vid < 0 ? rte_mempool_in_use_count(app.pool) : UINT32_MAX;
		pthread_mutex_unlock(&app.lock);
		if (out == 0)
			return dropped;
		usleep(200);
	} while (control_now_ms() < deadline);
	fail_msg("%u mbufs are out (%u: the device is still there)", out, UINT32_MAX);
	return 0;
}

static void kill_one(int index, char *path, struct guest_random *random, struct account *account)
{
	bool is_early = guest_random_range(random, 0, EARLY - 1) == 0;
	uint64_t before = taken();
	pid_t child = spawn(index, path, random->state);
	int status;

	choose_moment(random, is_early, before);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status))
		fail_msg("a guest ended by itself: %d", WEXITSTATUS(status));
	account->early += is_early;
	account->busy += !is_early;
}

/** A guest that lives: all its packets come back, once. */
static void resume(int index, const char *path, struct account *account)
{
	struct control_flow flow;

	assert_int_equal(control_flow_create(&flow, &cases[index], path), 0);
	assert_int_equal(control_flow_connect(&flow), 0);
	control_flow_run(&flow, 1500);
	control_flow_drain(&flow);
	control_flow_check(&flow);
	account->sent += flow.sent;
	account->received += flow.received;
	account->lost += flow.skipped;
	account->doubled += flow.doubled;
	account->changed += flow.changed;
	guest_destroy(flow.guest);
}

static void tell(const char *name, const struct account *account,
		 const struct control_counts *before)
{
	struct control_counts now;

	control_count(&now);
	print_message("%s: %u killed setting up, %u under load; %lu packets taken from them, %lu "
		      "of these dropped; guests after them: %lu sent, %lu received, %lu lost, %lu "
		      "double, %lu changed; mbufs out 0; descriptors %d/%d, threads %d/%d, guest "
		      "mappings %d/%d, mappings %d/%d, resident %ld/%ld KiB\n", name,
		      account->early, account->busy, (unsigned long)account->taken,
		      (unsigned long)account->dropped, (unsigned long)account->sent,
		      (unsigned long)account->received, (unsigned long)account->lost,
		      (unsigned long)account->doubled, (unsigned long)account->changed,
		      before->fds, now.fds, before->threads, now.threads, before->guest_maps,
		      now.guest_maps, before->maps, now.maps, before->resident_kib,
		      now.resident_kib);
}

/** Once nothing changes for a while: what frontends sent is closed by threads that come and go. */
static void count_at_rest(struct control_counts *counts)
{
	struct control_counts last = { 0 };

	for (int same = 0, i = 0; same < 20 && i < 500; i++) {
		control_count(counts);
		same = counts->fds == last.fds && counts->threads == last.threads &&
		       counts->guest_maps == last.guest_maps ? same + 1 : 0;
		last = *counts;
		control_sleep_ms(10);
	}
}

static void killed_at_random(void **state)
{
	const struct control_case *what = *state;
	struct guest_random random = { .state = 20261123 };
	int index = (int)(what - cases);
	struct account account = { 0 };
	struct control_counts before;
	char path[108];

	control_path(path, what->name);
	assert_int_equal(control_app_init(&app, what, path), 0);
	assert_int_equal(control_app_open(&app), 0);
	/* What is made for good is made by the first guests. */
	for (int i = 0; i < 2; i++) {
		resume(index, path, &account);
		settle();
	}
	count_at_rest(&before);
	for (int i = 0; i < kills / (int)CONTROL_COUNT(cases); i++) {
		uint64_t packets = taken();

		kill_one(index, path, &random, &account);
		account.dropped += settle();
		control_assert_flat(&before);
		account.taken += taken() - packets;
		resume(index, path, &account);
		assert_int_equal(settle(), 0);
		control_assert_flat(&before);
	}
	control_assert_memory(&before, 16384);
	tell(what->name, &account, &before);
	assert_int_equal(app.failures, 0);
	assert_int_equal(account.sent, account.received);
	assert_int_equal(control_app_close(&app), 0);
	assert_int_equal(control_app_end(&app), 0);
}

int main(int count, char **words)
{
	struct CMUnitTest tests[CONTROL_COUNT(cases)];
	const char *wanted = getenv("KILLS");

	alarm(1800);
	setenv("RTEVHOSTSWIFT_LOG", "error", 0);
	if (count > 3)
		return run_guest(atoi(words[1]), words[2], strtoull(words[3], NULL, 10));
	if (wanted)
		kills = atoi(wanted);
	setvbuf(stdout, NULL, _IOLBF, 0);
	control_directory();
	for (size_t i = 0; i < CONTROL_COUNT(cases); i++)
		tests[i] = (struct CMUnitTest){
			cases[i].name, killed_at_random, NULL, NULL, &cases[i],
		};
	return _cmocka_run_group_tests(__FILE__, tests, CONTROL_COUNT(cases), NULL, NULL);
}
