/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Windows of all ways in turns; one line of JSON with every one of them in it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "async.h"

/** Turns at the start of a window that are compared and not timed. */
#define FIRST_TURNS 4
/** Of a tick: what samples are counted in. */
#define FRACTION 64
/** Turns until everything in flight must be back. */
#define LAST_TURNS 1000

/** One turn of each. @return ticks in the calls of the data plane. */
static uint64_t take_turn(struct async_bench *bench, uint32_t *moved)
{
	more_on_guest(async_guest_turn, bench);
	return async_host_turn(bench, moved);
}

/** Turns whose packets are compared, byte by byte. */
static void verify(struct async_bench *bench)
{
	uint64_t before = bench->verified;
	uint32_t moved;

	bench->verify = true;
	for (uint32_t i = 0; i < FIRST_TURNS; i++)
		take_turn(bench, &moved);
	/* What went to the guest is compared when it is the guest's turn. */
	if (bench->enqueue && async_way->kind != ASYNC_COPY)
		more_on_guest(async_guest_turn, bench);
	bench->verify = false;
	/* DPDK 22.11 looks at 128 copies a call, so that a few long packets come of it. */
	if (bench->verified == before && !(bench->enqueue &&
							 async_way->kind == ASYNC_COPY))
		more_die("%s: packets do not come", async_way->name);
}

/** Nothing is in flight after this. */
static void drain(struct async_bench *bench)
{
	uint32_t moved = 0;

	bench->drains = true;
	/* The last burst that was published, and what it was in flight with. */
	for (uint32_t i = 0; i < LAST_TURNS && (i < 3 || bench->inflight > 0 || moved > 0); i++)
		take_turn(bench, &moved);
	more_on_guest(async_guest_turn, bench);
	bench->drains = false;
	if (bench->inflight > 0)
		more_die("%s: %d packets stay in flight", async_way->name, bench->inflight);
}

static void measure(struct async_bench *bench, struct async_window *window)
{
	static uint32_t samples[ASYNC_SAMPLES];
	double start = bench_now(), cpu = bench_cpu_time();
	uint64_t length = (uint64_t)(bench->window * more_tick_rate), first = bench_ticks();
	uint64_t since = 0;
	uint32_t moved, calls = 0;

	while (bench_ticks() - first < length) {
		uint64_t ticks = take_turn(bench, &moved);

		window->packets += moved;
		window->ticks += ticks;
		/* A call that only took packets is a part of what the next ones cost. */
		since += ticks;
		if (moved == 0 || calls == ASYNC_SAMPLES)
			continue;
		samples[calls++] = (uint32_t)(since * FRACTION / moved);
		since = 0;
	}
	window->lost = more_lost(start, cpu);
	window->typical = more_typical(samples, calls) / FRACTION;
}

/** A window of one way, with a channel of its own. */
static void run_window(struct async_bench *bench, const struct async_way *way,
		       struct async_window *window)
{
	async_attach(bench, way);
	verify(bench);
	window->ping[0] = more_ping();
	measure(bench, window);
	window->ping[1] = more_ping();
	verify(bench);
	drain(bench);
	async_detach(bench, way);
}

/** A number of turns; callgrind counts what the calls take. */
static void count_turns(struct async_bench *bench, const struct async_way *way)
{
	uint32_t moved;

	async_attach(bench, way);
	for (uint32_t i = 0; i < bench->counted_turns; i++) {
		take_turn(bench, &moved);
		bench->moved += moved;
	}
	drain(bench);
	async_detach(bench, way);
}

static void print_windows(const struct async_bench *bench)
{
	printf(",\"ways\":{");
	for (uint32_t way = 0; way < bench->way_count; way++) {
		printf("%s\"%s\":[[\"packets\",\"call_seconds\",\"typical\",\"ping_before\","
		       "\"ping_after\",\"lost\"]", way > 0 ? "," : "", bench->ways[way].name);
		for (uint32_t i = 0; i < bench->windows; i++) {
			const struct async_window *window = &bench->results[way][i];

			printf(",[%" PRIu64 ",%.6g,%.5g,%.3g,%.3g,%.3g]", window->packets,
			       (double)window->ticks / more_tick_rate, window->typical,
			       window->ping[0], window->ping[1], window->lost);
		}
		printf("]");
	}
	printf("}");
}

int main(int argc, char **argv)
{
	static struct async_bench bench;

	async_read_options(&bench, argc, argv);
	async_begin(&bench);
	if (bench.counted_turns > 0)
		for (uint32_t way = 0; way < bench.way_count; way++)
			count_turns(&bench, &bench.ways[way]);
	else
		for (uint32_t i = 0; i < bench.windows; i++)
			for (uint32_t way = 0; way < bench.way_count; way++)
				run_window(&bench, &bench.ways[way], &bench.results[way][i]);
	async_end(&bench);
	printf("{\"ok\":true,\"burst\":%" PRIu32 ",\"ring_size\":%" PRIu32
	       ",\"verified\":%" PRIu64 ",\"counted\":%" PRIu64,
	       bench.burst, bench.queue->size, bench.verified, bench.moved);
	if (bench.counted_turns == 0)
		print_windows(&bench);
	printf("}\n");
	fflush(stdout);
	/* Neither library's threads are asked to end; the process does. */
	_Exit(0);
}
