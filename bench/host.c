/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Reads cells, measures them and prints a line of JSON for each, with every window in it: what is
 * a fair mean of them is for the reader to say (bench/figures.py). See host_options.c for the
 * words of a cell.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "host_clock.h"

int bench_fail(const struct bench *bench, const char *format, ...)
{
	va_list arguments;

	(void)bench;
	printf("{\"ok\":false,\"error\":\"");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\"}\n");
	return -1;
}

/** Windows as rows of numbers; the first row names the columns. */
static void print_windows(const char *name, const struct bench_window *windows, uint32_t count)
{
	printf(",\"%s\":[[\"packets\",\"seconds\",\"call_seconds\",\"idle_calls\","
	       "\"typical\",\"ping_before\",\"ping_after\",\"lost_host\",\"lost_guest\"]", name);
	for (uint32_t i = 0; i < count; i++) {
		const struct bench_window *window = &windows[i];

		printf(",[%" PRIu64 ",%.6g,%.6g,%" PRIu64 ",%.4g,%.3g,%.3g,%.3g,%.3g]",
		       window->counts.packets, window->seconds, window->call_seconds,
		       window->counts.idle_calls, window->typical, window->ping[0],
		       window->ping[1], window->lost[0], window->lost[1]);
	}
	printf("]");
}

static void print_result(const struct bench *bench)
{
	const struct bench_cell *cell = &bench->cell;

	printf("{\"ok\":true,\"verified\":%" PRIu64 ",\"ring_size\":%" PRIu32
	       ",\"features\":\"0x%" PRIx64 "\",\"setup\":%.4f,\"counted\":%" PRIu64,
	       bench->verified, bench->plan.ring_size, bench->guest->features,
	       bench->setup_seconds, cell->count);
	if (cell->count == 0) {
		print_windows("lock_step", bench->lock, cell->lock_windows);
		print_windows("free", bench->free, cell->free_windows);
	}
	printf("}\n");
}

/** All of a measurement between two states in which nothing is running. */
static int measure(struct bench *bench)
{
	int ret = bench_prefill(bench);

	if (ret == 0)
		ret = bench_warm(bench);
	if (bench->cell.count > 0)
		return ret == 0 ? bench_count(bench) : ret;
	if (ret == 0)
		ret = bench_lock_step(bench);
	if (ret == 0)
		ret = bench_free_running(bench);
	if (ret == 0)
		ret = bench_verify_again(bench);
	return ret;
}

/** One cell, from nothing to nothing. */
static int run_cell(struct bench *bench)
{
	double start = bench_now();
	int ret;

	memset(bench->lock, 0, BENCH_WINDOWS * sizeof(*bench->lock));
	memset(bench->free, 0, BENCH_WINDOWS * sizeof(*bench->free));
	bench->verified = 0;
	bench->next_lane = 0;
	ret = bench_connect(bench);
	if (ret == 0 && bench->cell.verify)
		ret = bench_verify(bench);
	if (ret == 0)
		ret = bench_start(bench);
	bench->setup_seconds = bench_now() - start;
	if (ret == 0)
		ret = measure(bench);
	if (ret == 0)
		print_result(bench);
	/* What failed leaves no state worth taking down. */
	return ret == 0 ? bench_close(bench) : ret;
}

/** Cell after cell until there are no more, or one fails. */
static int serve_cells(struct bench *bench)
{
	char *line = NULL;
	size_t room = 0;
	int ret = 0;

	while (ret == 0 && getline(&line, &room, stdin) > 0) {
		ret = bench_read_cell(bench, line);
		if (ret == 0)
			ret = run_cell(bench);
		fflush(stdout);
	}
	free(line);
	return ret;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	int ret = bench_read_options(&bench.options, argc, argv);

	if (ret < 0)
		return 2;
	bench.lock = calloc(BENCH_WINDOWS, sizeof(*bench.lock));
	bench.free = calloc(BENCH_WINDOWS, sizeof(*bench.free));
	if (!bench.lock || !bench.free)
		return 1;
	ret = bench_load(&bench);
	if (ret == 0)
		ret = bench_make_pool(&bench);
	if (ret == 0) {
		bench_pin(bench.options.host_cpu);
		bench_calibrate(&bench);
		ret = serve_cells(&bench);
	}
	fflush(stdout);
	/* Neither library's threads are asked to end; the process does. */
	_Exit(ret == 0 ? 0 : 1);
}
