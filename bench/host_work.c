/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Lock-step: guest and host take turns in one thread, so neither waits for the other's core. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>

#include "guest_fast.h"
#include "host.h"
#include "host_work.h"

/** Turns in a row without a packet after which something is stuck. */
#define IDLE_LIMIT 1000000u
/** Calls of a window whose durations are kept. */
#define SAMPLES 65536u
/** A call that takes so many times as long as the median was interrupted. */
#define OUTLIER 4
/** Seconds to learn the clock's speed. */
#define CALIBRATION 0.02

void bench_pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	/* Without that CPU the windows tell by what they lost. */
	(void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

void bench_calibrate(struct bench *bench)
{
	double start = bench_now(), end;
	uint64_t ticks = bench_ticks();

	bench->tick_cost = UINT64_MAX;
	do {
		uint64_t first = bench_ticks(), second = bench_ticks();

		if (second - first < bench->tick_cost)
			bench->tick_cost = second - first;
		end = bench_now();
	} while (end - start < CALIBRATION);
	bench->ticks_per_second = (double)(bench_ticks() - ticks) / (end - start);
}

static int compare_ticks(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/**
 * Seconds a packet in the calls of a window, leaving out those in which another thread or the
 * hypervisor had the CPU: they take many times as long as most.
 */
static double typical_call(const struct bench *bench, uint32_t *ticks, uint32_t count)
{
	uint64_t sum = 0, limit;
	uint32_t kept = 0;

	if (count == 0)
		return 0;
	qsort(ticks, count, sizeof(*ticks), compare_ticks);
	limit = OUTLIER * (uint64_t)ticks[count / 2];
	while (kept < count && ticks[kept] <= limit)
		sum += ticks[kept++];
	return (double)sum / kept / bench->options.burst / bench->ticks_per_second;
}

/** Turns until the window is over. @return 0, or -1 when no packet moves. */
static int take_turns(struct bench *bench, struct bench_counts *counts, uint32_t *ticks,
		      uint32_t *calls)
{
	uint64_t length = (uint64_t)(bench->options.window * bench->ticks_per_second);
	uint64_t first = bench_ticks();
	uint32_t idle = 0;

	*calls = 0;
	while (bench_ticks() - first < length && idle < IDLE_LIMIT) {
		uint64_t before = counts->call_ticks;
		uint32_t count = bench_call(bench, counts);

		if (count == bench->options.burst && *calls < SAMPLES)
			ticks[(*calls)++] = (uint32_t)(counts->call_ticks - before);
		idle = count > 0 ? 0 : idle + 1;
		guest_fast_turn(bench->queue);
	}
	return idle < IDLE_LIMIT ? 0 : bench_fail(bench, "no packet moves in lock-step");
}

static int lock_step_window(struct bench *bench, struct bench_window *window)
{
	static uint32_t ticks[SAMPLES];
	double start, cpu = bench_cpu_time();
	uint32_t calls;
	int ret;

	start = bench_now();
	ret = take_turns(bench, &window->counts, ticks, &calls);
	window->seconds = bench_now() - start;
	cpu = bench_cpu_time() - cpu;
	window->lost[0] = cpu < window->seconds ? 1 - cpu / window->seconds : 0;
	window->call_seconds = (double)window->counts.call_ticks / bench->ticks_per_second;
	window->typical = typical_call(bench, ticks, calls);
	return ret;
}

int bench_lock_step(struct bench *bench)
{
	int ret = 0;

	for (uint32_t i = 0; i < bench->options.lock_windows && ret == 0; i++)
		ret = lock_step_window(bench, &bench->lock[i]);
	return ret;
}

int bench_count(struct bench *bench)
{
	struct bench_counts counts = { 0 };
	uint32_t idle = 0;

	while (counts.packets < bench->options.count && idle < IDLE_LIMIT) {
		idle = bench_call(bench, &counts) > 0 ? 0 : idle + 1;
		guest_fast_turn(bench->queue);
	}
	bench->options.count = counts.packets;
	return idle < IDLE_LIMIT ? 0 : bench_fail(bench, "no packet moves");
}
