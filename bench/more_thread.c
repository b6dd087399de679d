/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * The guest's thread, which sleeps while it is the data plane's turn, so that an engine's thread
 * can have the core; and clocks.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "more.h"

/** Round trips of one ping, and those before that wake the thread and warm it. */
#define ROUND_TRIPS 200u
#define WARM_TRIPS 20u
/** A call that takes so many times as long as the median was interrupted. */
#define OUTLIER 4
/** Seconds to learn the clock's speed. */
#define CALIBRATION 0.02
/** Looks at something before the thread lets others have its CPU. */
#define LOOKS 2000u
/** For members that different threads write. */
#define OWN_LINE __attribute__((aligned(128)))

double more_tick_rate;
uint64_t more_tick_cost;

static struct {
	pthread_t thread;
	int cpu;
	void (*job)(void *argument);
	void *argument;
	OWN_LINE atomic_uint order;	/**< Written by the host: jobs given. */
	OWN_LINE atomic_uint done;	/**< Written by the guest: jobs done. */
	OWN_LINE atomic_uint ping;
	OWN_LINE atomic_uint pong;
} guest;

void more_pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	/* Without that CPU the windows tell by what they lost. */
	(void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

void more_nap(long nanoseconds)
{
	const struct timespec nap = { .tv_nsec = nanoseconds };

	nanosleep(&nap, NULL);
}

void more_calibrate(void)
{
	double start = bench_now(), end;
	uint64_t ticks = bench_ticks();

	more_tick_cost = UINT64_MAX;
	do {
		uint64_t first = bench_ticks(), second = bench_ticks();

		if (second - first < more_tick_cost)
			more_tick_cost = second - first;
		end = bench_now();
	} while (end - start < CALIBRATION);
	more_tick_rate = (double)(bench_ticks() - ticks) / (end - start);
}

static void *guest_main(void *opaque)
{
	unsigned int seen = 0;

	(void)opaque;
	more_pin(guest.cpu);
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	for (;;) {
		while (atomic_load_explicit(&guest.order, memory_order_acquire) == seen)
			syscall(SYS_futex, &guest.order, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
		guest.job(guest.argument);
		atomic_store_explicit(&guest.done, ++seen, memory_order_release);
	}
	return NULL;
}

void more_begin_guest(int cpu)
{
	guest.cpu = cpu;
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	if (pthread_create(&guest.thread, NULL, guest_main, NULL) != 0)
		more_die("no thread");
}

void more_give_guest(void (*job)(void *argument), void *argument)
{
	guest.job = job;
	guest.argument = argument;
	atomic_fetch_add_explicit(&guest.order, 1, memory_order_release);
	syscall(SYS_futex, &guest.order, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void more_await_guest(void)
{
	unsigned int order = atomic_load_explicit(&guest.order, memory_order_relaxed);

	/* Yielding is for machines with fewer CPUs than threads, valgrind's above all. */
	for (uint32_t looks = 0;
	     atomic_load_explicit(&guest.done, memory_order_acquire) != order; looks++) {
		if (looks < LOOKS)
			bench_pause();
		else
			sched_yield();
	}
}

void more_on_guest(void (*job)(void *argument), void *argument)
{
	more_give_guest(job, argument);
	more_await_guest();
}

/** The other end of more_ping(). */
static void answer_pings(void *opaque)
{
	unsigned int pong = atomic_load_explicit(&guest.pong, memory_order_relaxed);

	(void)opaque;
	for (uint32_t i = 0; i < ROUND_TRIPS + WARM_TRIPS; i++) {
		while (atomic_load_explicit(&guest.ping, memory_order_acquire) == pong)
			;
		atomic_store_explicit(&guest.pong, ++pong, memory_order_release);
	}
}

double more_ping(void)
{
	unsigned int value = atomic_load_explicit(&guest.ping, memory_order_relaxed);
	double start = 0;

	more_give_guest(answer_pings, NULL);
	for (uint32_t i = 0; i < ROUND_TRIPS + WARM_TRIPS; i++) {
		if (i == WARM_TRIPS)
			start = bench_now();
		atomic_store_explicit(&guest.ping, ++value, memory_order_release);
		while (atomic_load_explicit(&guest.pong, memory_order_acquire) != value)
			;
	}
	start = (bench_now() - start) / ROUND_TRIPS;
	more_await_guest();
	return start;
}

static int compare_ticks(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

double more_typical(uint32_t *ticks, uint32_t count)
{
	uint64_t sum = 0, limit;
	uint32_t kept = 0;

	if (count == 0)
		return 0;
	qsort(ticks, count, sizeof(*ticks), compare_ticks);
	limit = OUTLIER * (uint64_t)ticks[count / 2];
	while (kept < count && ticks[kept] <= limit)
		sum += ticks[kept++];
	return (double)sum / kept / more_tick_rate;
}

double more_lost(double wall, double cpu)
{
	wall = bench_now() - wall;
	cpu = bench_cpu_time() - cpu;
	return cpu < wall ? 1 - cpu / wall : 0;
}
