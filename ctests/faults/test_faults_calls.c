/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Every call of the control plane into libc fails once, in a process of its own each time. The
 * life of devices during which that happens works in the end, or ends with an error and a log
 * line; the next life works; and what the process holds then is what it holds without any fault.
 *
 * The same with descriptors, or memory, that end at one of these calls and are there again for the
 * next life.
 *
 *   FAULTS_ALL=1      all calls in all variants, and all errors of each, not the first alone
 *   FAULTS_ONLY=name  this function only
 *   FAULTS_VARIANTS=m-n  variants from m up to, without, n
 */
#define _GNU_SOURCE
#include "faults_inject.h"
#include "faults_life.h"

#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

/** In place of a function's index: a group of functions, less this. */
#define GROUP (-10)
/** In place of a function's index: a limit of the system's. */
#define LIMIT_FILES (-20)
#define LIMIT_MEMORY (-21)

/** Calls of one function that are tried: some are made as often as packets move. */
#define MOST 200
#define MOST_SHORT 42

extern char **environ;

/** What a child tells. */
struct report {
	char step[128];			/**< Of the first life, "" when it worked. */
	char broken[128];		/**< What may not be, or "". */
	bool was_hit, is_done;
	int fds, threads, guest_maps;
	struct faults_held held;
	uint32_t counts[64];
	uint32_t group_counts[FAULTS_MEMORY + 1];
};

static struct report *report;
static uint32_t injections, reached, recovered, refused;

static bool wants_all(void)
{
	const char *text = getenv("FAULTS_ALL");

	return text && text[0];
}

static void note(char text[128], const char *words)
{
	snprintf(text, 128, "%s", words ? words : "");
}

/** Room for so much more than there is; 0: as it was. */
static void limit(int function, uint32_t number)
{
	static struct rlimit old;
	int resource = function == LIMIT_FILES ? RLIMIT_NOFILE : RLIMIT_AS;
	long pages = 0;
	struct rlimit new;

	if (number == 0) {
		setrlimit(resource, &old);
		return;
	}
	getrlimit(resource, &old);
	new = old;
	if (resource == RLIMIT_NOFILE) {
		new.rlim_cur = 3 + number;
	} else {
		FILE *stream = fopen("/proc/self/statm", "re");

		if (!stream || fscanf(stream, "%ld", &pages) != 1)
			abort();
		fclose(stream);
		new.rlim_cur = (rlim_t)pages * 4096 + ((rlim_t)number << 18);
	}
	setrlimit(resource, &new);
}

static void begin_fault(int function, uint32_t number, int kind)
{
	if (function >= -1)
		return faults_arm(function, number, kind);
	/* What lasts is known at once. */
	faults_patience = 300;
	if (function > LIMIT_FILES)
		return faults_arm_group((enum faults_group)(function - GROUP), number);
	faults_arm(-1, 0, 0);
	limit(function, number);
}

static bool end_fault(int function)
{
	if (function <= LIMIT_FILES)
		limit(function, 0);
	faults_patience = 5000;
	return faults_disarm() || function <= LIMIT_FILES;
}

/** The child: two lives, the first one with a fault. */
static int run_lives(char **words)
{
	const struct faults_variant *variant = &faults_variants[atoi(words[0])];
	int function = atoi(words[1]);
	struct faults_outcome outcome;
	struct control_counts counts;

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
	alarm(60);
	control_directory();
	begin_fault(function, (uint32_t)atoi(words[2]), atoi(words[3]));
	outcome = faults_live(variant);
	report->was_hit = end_fault(function);
	for (int i = 0; i <= FAULTS_MEMORY; i++)
		report->group_counts[i] = faults_count_group((enum faults_group)i);
	for (int i = 0; faults_functions[i].name; i++)
		report->counts[i] = faults_count(i);
	note(report->step, outcome.step);
	note(report->broken, outcome.broken);
	/* Its lines are its own. */
	dup2(1, 2);
	outcome = faults_live(variant);
	if (outcome.step || outcome.broken) {
		snprintf(report->broken, sizeof(report->broken), "the next life: %.100s",
			 outcome.broken ? outcome.broken : outcome.step);
		return 1;
	}
	/* A thread that begins has not yet freed what it was told; one that ends is still there. */
	for (int i = 0; i < 200; i++) {
		control_count(&counts);
		faults_get_held(&report->held);
		if (report->held.blocks <= atol(words[4]) && counts.threads <= atoi(words[5]))
			break;
		usleep(10000);
	}
	/* What is made for good at a first failure is not made again at the next one. */
	if (report->held.blocks > atol(words[4])) {
		long blocks = report->held.blocks;

		begin_fault(function, (uint32_t)atoi(words[2]), atoi(words[3]));
		faults_live(variant);
		end_fault(function);
		faults_live(variant);
		for (int i = 0; i < 100 && report->held.blocks >= blocks; i++) {
			usleep(10000);
			faults_get_held(&report->held);
		}
		control_count(&counts);
		if (report->held.blocks <= blocks)
			report->held.blocks = atol(words[4]) > 0 ? atol(words[4]) : blocks;
	}
	report->fds = counts.fds;
	report->threads = counts.threads;
	report->guest_maps = counts.guest_maps;
	report->is_done = true;
	return 0;
}

/** Run a child. @return its status; its log lines of the first life in @p text. */
static int run_child(int variant, int function, uint32_t number, int kind,
		     const struct report *wanted, char text[CONTROL_TEXT])
{
	char numbers[6][16];
	char *words[] = { "/proc/self/exe", numbers[0], numbers[1], numbers[2], numbers[3],
			  numbers[4], numbers[5], NULL };
	int shared = memfd_create("report", MFD_CLOEXEC), log = memfd_create("log", MFD_CLOEXEC);
	posix_spawn_file_actions_t actions;
	int status;
	ssize_t got;
	pid_t child;

	assert_true(shared >= 0 && log >= 0);
	assert_int_equal(ftruncate(shared, sizeof(*report)), 0);
	report = mmap(NULL, sizeof(*report), PROT_READ, MAP_SHARED, shared, 0);
	assert_ptr_not_equal(report, MAP_FAILED);
	snprintf(numbers[0], 16, "%d", variant);
	snprintf(numbers[1], 16, "%d", function);
	snprintf(numbers[2], 16, "%u", number);
	snprintf(numbers[3], 16, "%d", kind);
	snprintf(numbers[4], 16, "%ld", wanted ? wanted->held.blocks : 0);
	snprintf(numbers[5], 16, "%d", wanted ? wanted->threads : 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, log, 2);
	posix_spawn_file_actions_adddup2(&actions, shared, 3);
	assert_int_equal(posix_spawn(&child, "/proc/self/exe", &actions, NULL, words, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(child, &status, 0), child);
	got = pread(log, text, CONTROL_TEXT - 1, 0);
	text[got > 0 ? got : 0] = 0;
	close(log);
	close(shared);
	return status;
}

static void forget_report(void)
{
	munmap(report, sizeof(*report));
	report = NULL;
}

/** What is wrong with a life that had a fault, or NULL. */
static const char *judge(int status, const struct report *wanted, const char *text, bool is_silent)
{
	static char words[256];

	if (WIFSIGNALED(status)) {
		snprintf(words, sizeof(words), "signal %d (%s)", WTERMSIG(status),
			 WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
		return words;
	}
	if (report->broken[0])
		return report->broken;
	if (WEXITSTATUS(status) != 0 || !report->is_done)
		return "the child failed";
	if (report->step[0] && !is_silent && !strstr(text, "vhost: ") &&
	    strcmp(report->step, FAULTS_BY_ERRNO) != 0)
		return "it failed without a log line";
	if (report->fds == wanted->fds && report->threads == wanted->threads &&
	    report->guest_maps == wanted->guest_maps &&
	    report->held.maps == wanted->held.maps && report->held.blocks <= wanted->held.blocks)
		return NULL;
	snprintf(words, sizeof(words), "left: fds %d for %d, threads %d for %d, maps %d for %d, "
		 "%ld for %ld, blocks %ld for %ld", report->fds, wanted->fds, report->threads,
		 wanted->threads, report->guest_maps, wanted->guest_maps, report->held.maps,
		 wanted->held.maps, report->held.blocks, wanted->held.blocks);
	return words;
}

/** One fault. @return whether all was well. */
static bool try_fault(int variant, int function, uint32_t number, int kind,
		      const struct report *wanted)
{
	static char text[CONTROL_TEXT];
	static const struct faults_function limits = { .name = "a limit", .is_silent = true };
	const struct faults_function *what = function >= 0 ? &faults_functions[function] : &limits;
	int status = run_child(variant, function, number, kind, wanted, text);
	/* A guest may be the first to meet a limit; that a peer hung up is nothing to warn of. */
	bool hangs_up = kind == ECONNRESET || kind == EPIPE;
	const char *wrong = judge(status, wanted, text, what->is_silent || hangs_up);

	injections++;
	reached += report->was_hit;
	if (report->was_hit && !wrong) {
		recovered += report->step[0] == 0;
		refused += report->step[0] != 0;
	}
	if (wrong)
		print_message("%s: call %u of %s, error %d (%s)%s: %s\n  step: %s\n%.600s",
			      faults_variants[variant].name, number, what->name, kind,
			      kind > 0 ? strerror(kind) : "short",
			      report->was_hit ? "" : ", not hit", wrong, report->step, text);
	else if (getenv("FAULTS_TELL"))
		print_message("%s %u %d%s: %s\n%s", what->name, number, kind,
			      report->was_hit ? "" : " not hit", report->step, text);
	forget_report();
	return !wrong;
}

/** What a life without a fault holds and calls. */
static struct report learn(int index)
{
	static char text[CONTROL_TEXT];
	struct report wanted;
	int status;

	injections = reached = recovered = refused = 0;
	status = run_child(index, -1, 0, 0, NULL, text);
	wanted = *report;
	forget_report();
	if (status != 0 || wanted.step[0] || wanted.broken[0])
		fail_msg("without a fault: status %x, %s %s\n%s", status, wanted.step,
			 wanted.broken, text);
	return wanted;
}

static void tell(const struct faults_variant *variant, int64_t start)
{
	print_message("%s: %u faults, %u reached; %u lives went on, %u ended with an error; "
		      "%d s\n", variant->name, injections, reached, recovered, refused,
		      (int)((control_now_ms() - start) / 1000));
}

static void each_call_fails_once(void **state)
{
	const struct faults_variant *variant = *state;
	int index = (int)(variant - faults_variants), wrong = 0;
	bool all = wants_all();
	const char *only = getenv("FAULTS_ONLY");
	int64_t start = control_now_ms();
	struct report wanted = learn(index);

	for (int i = 0; faults_functions[i].name; i++) {
		const struct faults_function *what = &faults_functions[i];
		uint32_t most = all ? MOST : MOST_SHORT;

		most = wanted.counts[i] < most ? wanted.counts[i] : most;
		if (only && strcmp(only, what->name) != 0)
			continue;
		/* In the short form the variants share the calls. */
		for (uint32_t number = all || only ? 1 : (uint32_t)index + 1; number <= most;
		     number += all || only ? 1 : FAULTS_VARIANTS)
			for (int kind = 0; kind < FAULTS_KINDS && what->kinds[kind]; kind++)
				if (kind == 0 || all)
					wrong += !try_fault(index, i, number, what->kinds[kind],
							    &wanted);
	}
	tell(variant, start);
	assert_int_equal(wrong, 0);
}

/** Nothing is left from a call on, until the life has ended; or from the start. */
static void it_ends_at_each_call(void **state)
{
	const struct faults_variant *variant = *state;
	int index = (int)(variant - faults_variants), wrong = 0;
	uint32_t step = wants_all() ? 1 : 12;
	int64_t start = control_now_ms();
	struct report wanted = learn(index);

	for (int group = FAULTS_FILES; group <= FAULTS_MEMORY; group++)
		for (uint32_t number = 1; number <= wanted.group_counts[group]; number += step)
			wrong += !try_fault(index, GROUP + group, number, 0, &wanted);
	for (uint32_t number = 1; number <= 48; number += step)
		wrong += !try_fault(index, LIMIT_FILES, number, 0, &wanted);
	/* A quarter of a MiB each. Where a sanitizer needs more for itself, it ends the process. */
	for (uint32_t number = 1; number <= 160 && !getenv("SANITIZER"); number += 3 * step)
		wrong += !try_fault(index, LIMIT_MEMORY, number, 0, &wanted);
	tell(variant, start);
	assert_int_equal(wrong, 0);
}

int main(int count, char **words)
{
	struct CMUnitTest tests[2 * FAULTS_VARIANTS];
	const char *variants = getenv("FAULTS_VARIANTS");
	int first = 0, last = FAULTS_VARIANTS, calls;

	if (count == 7)
		return run_lives(words + 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (variants && sscanf(variants, "%d-%d", &first, &last) != 2)
		abort();
	calls = last - first;
	for (int i = 0; i < calls; i++) {
		void *variant = (void *)&faults_variants[first + i];

		tests[i] = (struct CMUnitTest){
			"each_call_fails_once", each_call_fails_once, NULL, NULL, variant,
		};
		tests[calls + i] = (struct CMUnitTest){
			"it_ends_at_each_call", it_ends_at_each_call, NULL, NULL, variant,
		};
	}
	count = wants_all() ? 2 * calls : calls + (calls < 2 ? calls : 2);
	if (getenv("FAULTS_ONLY"))
		count = calls;
	return _cmocka_run_group_tests(__FILE__, tests, (size_t)count, NULL, NULL);
}
