/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Lock-step: guest and host take turns in one thread, so neither waits for the other's core. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#if defined(__has_include)
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif

#include "guest_fast.h"
#include "host.h"
#include "host_work.h"

/** Turns in a row without a packet after which something is stuck. */
#define IDLE_LIMIT 1000000u
/** Calls of a window, at most. */
#define SAMPLES 8192u
/** A call that takes so many times as long as the median was interrupted. */
#define OUTLIER 4
/** Seconds to learn the clock's speed. */
#define CALIBRATION 0.02
/** Rounds of each ring before anything is measured. */
#define WARM_ROUNDS 2

/** One call. */
struct sample {
	float each;		/**< Ticks a packet. */
	uint32_t packets;
};

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

/** A turn of one queue: the host's call, then the guest. @return packets, or -1 when stuck. */
static inline int take_turn(struct bench *bench, struct bench_counts *counts, uint32_t *idle)
{
	struct bench_lane *lane = bench_next_lane(bench);
	uint32_t count = bench_call(bench, lane, counts);

	*idle = count > 0 ? 0 : *idle + 1;
	if (count == 0 && (bench_serve(bench) < 0 || *idle > IDLE_LIMIT))
		return -1;
	guest_fast_turn(lane->queue);
	return (int)count;
}

/** Take turns until so many packets have moved. */
static int move_packets(struct bench *bench, uint64_t packets)
{
	struct bench_counts counts = { 0 };
	uint32_t idle = 0;

	while (counts.packets < packets)
		if (take_turn(bench, &counts, &idle) < 0)
			return bench_fail(bench, "no packet moves after %llu",
					  (unsigned long long)counts.packets);
	return 0;
}

int bench_warm(struct bench *bench)
{
	uint64_t packets = 0;

	for (uint32_t i = 0; i < bench->cell.queues; i++)
		packets += bench->lanes[i].queue->in_flight / bench->plan.chains;
	return move_packets(bench, WARM_ROUNDS * packets + bench->cell.burst);
}

static int compare_samples(const void *left, const void *right)
{
	float a = ((const struct sample *)left)->each, b = ((const struct sample *)right)->each;

	return (a > b) - (a < b);
}

/**
 * Seconds a packet in the calls of a window, leaving out those in which another thread or the
 * hypervisor had the CPU: they take many times as long as most.
 */
static double typical_call(const struct bench *bench, struct sample *samples, uint32_t count)
{
	double sum = 0, packets = 0, limit;

	if (count == 0)
		return 0;
	qsort(samples, count, sizeof(*samples), compare_samples);
	limit = OUTLIER * (double)samples[count / 2].each;
	for (uint32_t i = 0; i < count && samples[i].each <= limit; i++) {
		sum += (double)samples[i].each * samples[i].packets;
		packets += samples[i].packets;
	}
	return sum / packets / bench->ticks_per_second;
}

/** Turns until the window is over. @return calls that moved packets, or -1 when none does. */
static int take_turns(struct bench *bench, struct bench_counts *counts, struct sample *samples)
{
	uint64_t length = (uint64_t)(bench->cell.window * bench->ticks_per_second);
	uint64_t first = bench_ticks();
	uint32_t calls = 0, idle = 0;

	while (bench_ticks() - first < length && calls < SAMPLES) {
		uint64_t before = counts->call_ticks;
		int count = take_turn(bench, counts, &idle);

		if (count < 0)
			return bench_fail(bench, "no packet moves in lock-step");
		if (count > 0)
			samples[calls++] = (struct sample){
				.each = (float)(counts->call_ticks - before) / (float)count,
				.packets = (uint32_t)count,
			};
	}
	return (int)calls;
}

static int lock_step_window(struct bench *bench, struct bench_window *window)
{
	static struct sample samples[SAMPLES];
	double start, cpu = bench_cpu_time();
	int calls;

	start = bench_now();
	calls = take_turns(bench, &window->counts, samples);
	window->seconds = bench_now() - start;
	cpu = bench_cpu_time() - cpu;
	window->lost[0] = cpu < window->seconds ? 1 - cpu / window->seconds : 0;
	window->call_seconds = (double)window->counts.call_ticks / bench->ticks_per_second;
	window->typical = calls > 0 ? typical_call(bench, samples, (uint32_t)calls) : 0;
	return calls < 0 ? -1 : 0;
}

int bench_lock_step(struct bench *bench)
{
	int ret = 0;

	for (uint32_t i = 0; i < bench->cell.lock_windows && ret == 0; i++)
		ret = lock_step_window(bench, &bench->lock[i]);
	return ret;
}

int bench_count(struct bench *bench)
{
#ifdef CALLGRIND_START_INSTRUMENTATION
	int ret;

	/* What comes before and after is not worth the time; --toggle-collect says what counts. */
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
	ret = move_packets(bench, bench->cell.count);
	CALLGRIND_DUMP_STATS;
	CALLGRIND_STOP_INSTRUMENTATION;
	return ret;
#else
	return bench_fail(bench, "built without valgrind's headers");
#endif
}
