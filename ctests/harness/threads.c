/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#define _GNU_SOURCE
#include <sched.h>

#include "bench.h"
#include "threads.h"

/* Where the caller could run. */
static cpu_set_t before;

/** Puts a thread on the last, or the first, of those processors. */
static void pin(pthread_t thread, bool is_last)
{
	cpu_set_t one;
	int chosen = -1;

	for (int i = 0; i < CPU_SETSIZE && (is_last || chosen < 0); i++)
		if (CPU_ISSET(i, &before))
			chosen = i;
	CPU_ZERO(&one);
	CPU_SET(chosen, &one);
	pthread_setaffinity_np(thread, sizeof(one), &one);
}

bool threads_apart(pthread_t other)
{
	assert_int_equal(pthread_getaffinity_np(pthread_self(), sizeof(before), &before), 0);
	pin(other, true);
	pin(pthread_self(), false);
	return CPU_COUNT(&before) > 1;
}

void threads_anywhere(void)
{
	pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
}
