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

/** What this thread did since it was set to zero last; 0 when that is not known. */
static uint64_t total(void)
{
	char path[512], line[4096];
	unsigned long found = 0;

	CALLGRIND_DUMP_STATS;
	part++;
	for (int thread = 1; thread < 16; thread++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s.%d-%02d", getenv("BOUNDS_OUT"), part, thread);
		file = fopen(path, "re");
		if (!file)
			continue;
		while (fgets(line, sizeof(line), file))
			if (strncmp(line, "totals:", 7) == 0 || strncmp(line, "summary:", 8) == 0)
				found = strtoul(strchr(line, ':') + 1, NULL, 10);
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
