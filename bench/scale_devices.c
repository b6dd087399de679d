/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Devices, one after the other: how long each takes from connect() to the last queue's enabling,
 * and what the process's memory grows by. The frontends share one file and have next to no memory
 * of their own (ctests/scale).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "scale.h"
#include "scale_host.h"

static struct scale_frontend frontends[SCALE_HOST_DEVICES];

static void read_memory(struct scale_memory_use *use)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[512], name[256];
	bool shared = false, nameless = false;
	unsigned long value;

	memset(use, 0, sizeof(*use));
	while (file && fgets(line, sizeof(line), file)) {
		int fields = sscanf(line, "%lx-%*x %*s %*x %*s %*u %255s", &value, name);

		/* Fields begin with a capital letter. */
		if (fields >= 1 && (line[0] < 'A' || line[0] > 'Z')) {
			shared = fields == 2 && strstr(name, "memfd:scale") != NULL;
			nameless = fields == 1 || name[0] == '[';
			use->mappings++;
		} else if (sscanf(line, "Size: %lu", &value) == 1) {
			use->mapped += nameless ? value : 0;
		} else if (sscanf(line, "Rss: %lu", &value) == 1) {
			use->resident += shared ? 0 : value;
		} else if (sscanf(line, "Anonymous: %lu", &value) == 1) {
			use->anonymous += value;
		}
	}
	if (!file)
		more_die("no /proc/self/smaps");
	fclose(file);
}

static void print_growth(const struct scale_memory_use *before,
			 const struct scale_memory_use *after, uint32_t count)
{
	printf(",\"resident_kib\":%.2f,\"anonymous_kib\":%.2f,\"mapped_kib\":%.2f,"
	       "\"mappings\":%.2f",
	       ((double)after->resident - (double)before->resident) / count,
	       ((double)after->anonymous - (double)before->anonymous) / count,
	       ((double)after->mapped - (double)before->mapped) / count,
	       ((double)after->mappings - (double)before->mappings) / count);
}

static uint32_t start_device(const struct scale_options *options, uint32_t number)
{
	struct scale_frontend *frontend = &frontends[number];
	int queues = 2 * (int)options->pairs;
	double start = bench_now();

	snprintf(frontend->path, sizeof(frontend->path), "%s", options->socket);
	scale_connect(frontend);
	scale_start(frontend, (int)number, queues, queues - 2, true);
	frontend->vid = more_device(number);
	return (uint32_t)((bench_now() - start) * 1e9);
}

void scale_devices(const struct scale_options *options)
{
	static uint32_t times[SCALE_HOST_DEVICES];
	struct scale_memory_use before, after;
	struct rlimit limit;
	double start;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	scale_memory_create();
	more_serve(options->socket, 0);
	/* The first one brings what all need. */
	start_device(options, 0);
	read_memory(&before);
	for (uint32_t i = 0; i < options->devices; i++)
		times[i] = start_device(options, i + 1);
	read_memory(&after);
	if (more_device_count() != options->devices + 1)
		more_die("%u devices of %u", more_device_count(), options->devices + 1);
	start = bench_now();
	for (uint32_t i = 0; i <= options->devices; i++)
		guest_frontend_destroy(&frontends[i].frontend);
	more_await_count(0);
	start = (bench_now() - start) / (options->devices + 1);
	if (more_library.driver_unregister(options->socket) < 0)
		more_die("rte_vhost_driver_unregister failed");
	printf("{\"ok\":true,\"end_nanoseconds\":%.0f", start * 1e9);
	print_growth(&before, &after, options->devices);
	printf(",");
	more_print_numbers("nanoseconds", times, options->devices);
	printf("}\n");
}
