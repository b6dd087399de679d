/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Measures one cell and prints one line of JSON, with every window in it: what is a fair mean of
 * them is for the reader to say (bench/summary.py). See host_options.c for the options.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "host_work.h"

/** The part of the output that says what this was. */
static void print_settings(const struct bench *bench)
{
	const struct bench_options *options = &bench->options;

	printf("\"label\":\"%s\",\"round\":%u,\"ring\":\"%s\",\"direction\":\"%s\","
	       "\"size\":%" PRIu32 ",\"burst\":%" PRIu32 ",\"ring_size\":%" PRIu32 ","
	       "\"event_index\":%s",
	       options->label, options->round, options->packed ? "packed" : "split",
	       options->enqueue ? "enqueue" : "dequeue", options->size, options->burst,
	       options->ring_size, options->event_index ? "true" : "false");
}

int bench_fail(const struct bench *bench, const char *format, ...)
{
	va_list arguments;

	printf("{\"ok\":false,");
	print_settings(bench);
	printf(",\"error\":\"");
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
	const struct bench_options *options = &bench->options;

	printf("{\"ok\":true,");
	print_settings(bench);
	printf(",\"verified\":%" PRIu64 ",\"counted\":%" PRIu64, bench->verified, options->count);
	if (options->count == 0) {
		print_windows("lock_step", bench->lock, options->lock_windows);
		print_windows("free", bench->free, options->free_windows);
	}
	printf("}\n");
}

/** All of a measurement between two states in which nothing is running. */
static int measure(struct bench *bench)
{
	int ret;

	bench_pin(bench->options.host_cpu);
	ret = bench_prefill(bench);
	if (bench->options.count > 0)
		return ret == 0 ? bench_count(bench) : ret;
	if (ret == 0) {
		bench_calibrate(bench);
		ret = bench_lock_step(bench);
	}
	if (ret == 0)
		ret = bench_free_running(bench);
	if (ret == 0)
		ret = bench_verify_again(bench);
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
	if (ret == 0)
		ret = bench_connect(&bench);
	/* Under callgrind nothing is worth the time but what is counted. */
	if (ret == 0 && bench.options.count == 0)
		ret = bench_verify(&bench);
	if (ret == 0)
		ret = bench_start(&bench);
	if (ret == 0)
		ret = measure(&bench);
	if (ret == 0)
		ret = bench_finish(&bench);
	if (ret == 0)
		print_result(&bench);
	fflush(stdout);
	/* Neither library's threads are asked to end; the process does. */
	_Exit(ret == 0 ? 0 : 1);
}
