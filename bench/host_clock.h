/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * Clocks: one that costs next to nothing for each call, and two for whole windows.
 */
#ifndef BENCH_HOST_CLOCK_H
#define BENCH_HOST_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline double bench_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/** Seconds of wall clock. */
static inline double bench_now(void)
{
	return bench_clock(CLOCK_MONOTONIC);
}

/** Seconds for which this thread had a CPU. */
static inline double bench_cpu_time(void)
{
	return bench_clock(CLOCK_THREAD_CPUTIME_ID);
}

/**
 * The CPU's own counter. It is not fenced: what leaks over the edges of a burst is a few
 * nanoseconds and the same for every library, while a fence would stop the overlap that real
 * applications have.
 */
static inline uint64_t bench_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return (uint64_t)(bench_now() * 1e9);
#endif
}

/** Be kind to the other hardware thread while spinning. */
static inline void bench_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

#endif
