/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "bounds.h"

#include <sys/epoll.h>
#include <valgrind/callgrind.h>

/** Callgrind's files: PREFIX.PART-THREAD, one of the thread that asks after each request. */
static int part;

/** What the event thread does between two waits is counted, and how much that was. */
static bool is_armed;
static uint64_t of_event_thread;

/** Objects that a file may name: programs and shared libraries, by number. */
#define MOST_OBJECTS 64

/** What a file says. */
struct profile {
	bool is_test[MOST_OBJECTS];	/**< The object is the test's own. */
	size_t caller, callee;		/**< Of the line at hand. */
	uint64_t all, into, out;	/**< By the thread; by calls to the test, and from it. */
};

/** Whether an object's instructions are the test's: the program itself, and what asserts in it. */
static bool is_test(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return strcmp(name, program_invocation_short_name) == 0 ||
		strncmp(name, "libcmocka.", 10) == 0;
}

/** The object of "(NUMBER) PATH", whose path stands only where the number is new. */
static size_t object_of(struct profile *profile, char *text)
{
	size_t number = strtoul(text + 1, &text, 10);

	/* Beyond them nothing is the test's: too much is counted, and not too little. */
	if (number >= MOST_OBJECTS)
		return 0;
	text[strcspn(text, "\n")] = 0;
	if (text[0] == ')' && text[1] == ' ')
		profile->is_test[number] = is_test(text + 2);
	return number;
}

/** What a call took with all that was called from there, those that have not returned included. */
static void add_call(struct profile *profile, const char *line)
{
	bool isFromTest = profile->is_test[profile->caller];
	const char *cost = strchr(line, ' ');
	uint64_t count = cost ? strtoul(cost, NULL, 10) : 0;

	if (isFromTest == profile->is_test[profile->callee])
		return;
	if (isFromTest)
		profile->out += count;
	else
		profile->into += count;
}

/**
 * The instructions of the library, and of libc and the loader for it. Not those of functions one by
 * one: valgrind 3.19 has been seen to add 150,000 of before the last zero to one of them, while
 * the thread's sum and those of the calls were right. So: what the thread did, without what it did
 * in the test, which begins with a call into it and ends with a call out of it.
 */
static uint64_t of_library(FILE *file)
{
	struct profile profile = { .all = 0 };
	bool isCall = false;
	char line[4096];

	while (fgets(line, sizeof(line), file)) {
		if (isCall) {
			add_call(&profile, line);
			/* Where the next one's is not named it is the caller's. */
			profile.callee = profile.caller;
		}
		isCall = strncmp(line, "calls=", 6) == 0;
		if (strncmp(line, "ob=", 3) == 0)
			profile.caller = profile.callee = object_of(&profile, line + 3);
		else if (strncmp(line, "cob=", 4) == 0)
			profile.callee = object_of(&profile, line + 4);
		else if (strncmp(line, "summary:", 8) == 0)
			profile.all = strtoul(line + 8, NULL, 10);
	}
	/* What is not plausible is not known. */
	if (profile.into > profile.all + profile.out)
		return 0;
	return profile.all + profile.out - profile.into;
}

/** What the library did on this thread since all was set to zero last; 0 when that is not known. */
static uint64_t total(void)
{
	uint64_t found = 0;
	char path[512];

	CALLGRIND_DUMP_STATS;
	part++;
	for (int thread = 1; thread < 16; thread++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s.%d-%02d", getenv("BOUNDS_OUT"), part, thread);
		file = fopen(path, "re");
		if (!file)
			continue;
		found = of_library(file);
		fclose(file);
		if (!getenv("BOUNDS_KEEP"))
			unlink(path);
	}
	return found;
}

/** In the place of libc's, for the library's event thread: a round begins and ends here. */
int epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	int ret;

	if (__atomic_load_n(&is_armed, __ATOMIC_ACQUIRE))
		__atomic_add_fetch(&of_event_thread, total(), __ATOMIC_ACQ_REL);
	ret = epoll_pwait(fd, events, most, timeout, NULL);
	CALLGRIND_ZERO_STATS;
	return ret;
}

void bounds_count_begin(void)
{
	CALLGRIND_ZERO_STATS;
}

uint64_t bounds_count_end(void)
{
	return total();
}

void bounds_message_begin(void)
{
	/* The messages before have their own rounds. */
	control_sleep_ms(50);
	of_event_thread = 0;
	__atomic_store_n(&is_armed, true, __ATOMIC_RELEASE);
}

uint64_t bounds_message_end(void)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	uint64_t now = 0, before;

	/* What comes behind the reply belongs to the message as well: until nothing more comes. */
	do {
		before = now;
		control_sleep_ms(100);
		now = __atomic_load_n(&of_event_thread, __ATOMIC_ACQUIRE);
	} while ((now == 0 || now != before) && control_now_ms() < deadline);
	__atomic_store_n(&is_armed, false, __ATOMIC_RELEASE);
	return now;
}

void bounds_print(const char *format, ...)
{
	const char *path = getenv("BOUNDS_TABLE");
	FILE *file = path ? fopen(path, "ae") : NULL;
	va_list list;

	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	fflush(stdout);
	if (!file)
		return;
	va_start(list, format);
	vfprintf(file, format, list);
	va_end(list);
	fclose(file);
}

int bounds_main(const struct CMUnitTest *tests, size_t count)
{
	if (!RUNNING_ON_VALGRIND || !getenv("BOUNDS_OUT")) {
		fprintf(stderr, "to be run under callgrind: make bounds\n");
		return 2;
	}
	alarm(3000);
	setenv("RTEVHOSTSWIFT_LOG", "error", 0);
	control_directory();
	/* What is made once is not counted. */
	control_pool();
	return _cmocka_run_group_tests("bounds", tests, count, NULL, NULL);
}
