/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The command line, the lines that ask for cells, and what follows from a cell. */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest_packet.h"
#include "host.h"

/** The header of the virtio-net devices here, which are all modern ones. */
#define HEADER ((uint32_t)sizeof(struct virtio_net_hdr_v1))
/** Descriptors of a ring, unless the largest burst needs more. */
#define RING 256u
/** The largest burst of the matrix. */
#define LARGEST_BURST 64u

static const char usage[] =
	"usage: host [options] <cells >results\n"
	"  --library PATH       vhost library to load; default: what is linked\n"
	"  --socket PATH        vhost-user socket to make\n"
	"  --cpus HOST,GUEST    CPUs (0,1)\n"
	"A cell is a line of words, each of them may be left out:\n"
	"  direction=dequeue|enqueue ring=split|packed layout=direct|chained|indirect\n"
	"  mergeable=0|1 event_index=0|1 offloads=0|1 log=0|1 iommu=off|region|page\n"
	"  size=BYTES burst=N queues=PAIRS regions=N ring_size=N verify=0|1\n"
	"  lock=WINDOWS free=WINDOWS window=MILLISECONDS\n"
	"  count=PACKETS (in place of windows, for callgrind)\n"
	"A result is a line of JSON. After one that says \"ok\":false the host ends.\n";

static const struct option names[] = {
	{ "library", required_argument, NULL, 'l' },
	{ "socket", required_argument, NULL, 's' },
	{ "cpus", required_argument, NULL, 'C' },
	{ NULL, 0, NULL, 0 },
};

/** A word of a cell that is a number. */
struct number_word {
	const char *name;
	size_t offset;		/**< Of an uint32_t. */
	uint32_t low, high;
};

#define NUMBER(name, member, low, high) \
	{ name, offsetof(struct bench_cell, member), low, high }

static const struct number_word numbers[] = {
	NUMBER("size", size, GUEST_PACKET_STAMPED, BENCH_FRAME),
	NUMBER("burst", burst, 1, BENCH_BURST),
	NUMBER("queues", queues, 1, BENCH_PAIRS),
	NUMBER("regions", regions, 1, GUEST_MAX_REGIONS),
	NUMBER("ring_size", ring_size, 2, GUEST_MAX_RING),
	NUMBER("lock", lock_windows, 0, BENCH_WINDOWS),
	NUMBER("free", free_windows, 0, BENCH_WINDOWS),
};

/** A word of a cell with a few values: the position of the value is what is stored. */
struct choice_word {
	const char *name;
	size_t offset;		/**< Of a bool, or of an unsigned int if there are three. */
	const char *values[3];
};

#define CHOICE(name, member, ...) { name, offsetof(struct bench_cell, member), { __VA_ARGS__ } }

static const struct choice_word choices[] = {
	CHOICE("direction", enqueue, "dequeue", "enqueue"),
	CHOICE("ring", packed, "split", "packed"),
	CHOICE("mergeable", mergeable, "0", "1"),
	CHOICE("event_index", event_index, "0", "1"),
	CHOICE("offloads", offloads, "0", "1"),
	CHOICE("log", log, "0", "1"),
	CHOICE("verify", verify, "0", "1"),
	CHOICE("layout", layout, "direct", "chained", "indirect"),
	CHOICE("iommu", iommu, "off", "region", "page"),
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

int bench_read_options(struct bench_options *options, int argc, char **argv)
{
	int letter, ret = 0;

	*options = (struct bench_options){ .guest_cpu = 1 };
	while (ret == 0 && (letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (letter == 'l')
			options->library = optarg;
		else if (letter == 's')
			options->socket = optarg;
		else if (letter != 'C' || sscanf(optarg, "%d,%d", &options->host_cpu,
						 &options->guest_cpu) != 2)
			ret = -1;
	}
	if (ret < 0 || optind != argc || !options->socket) {
		fputs(usage, stderr);
		return -1;
	}
	return 0;
}

/** A number from a range. */
static int read_number(const char *text, uint64_t low, uint64_t high, uint64_t *number)
{
	char *end;

	*number = strtoull(text, &end, 10);
	return *text == '\0' || *end != '\0' || *number < low || *number > high ? -1 : 0;
}

static int read_choice(struct bench_cell *cell, const struct choice_word *word, const char *value)
{
	char *member = (char *)cell + word->offset;

	for (unsigned int i = 0; i < COUNT(word->values) && word->values[i]; i++) {
		if (strcmp(value, word->values[i]) != 0)
			continue;
		if (word->values[2])
			*(unsigned int *)(void *)member = i;
		else
			*(bool *)member = i == 1;
		return 0;
	}
	return -1;
}

/** One word. @return 0, or -1 for an unknown name or value. */
static int read_word(struct bench_cell *cell, const char *name, const char *value)
{
	uint64_t number = 0;
	int ret;

	for (size_t i = 0; i < COUNT(choices); i++)
		if (strcmp(name, choices[i].name) == 0)
			return read_choice(cell, &choices[i], value);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		if (strcmp(name, numbers[i].name) != 0)
			continue;
		ret = read_number(value, numbers[i].low, numbers[i].high, &number);
		*(uint32_t *)(void *)((char *)cell + numbers[i].offset) = (uint32_t)number;
		return ret;
	}
	if (strcmp(name, "count") == 0)
		return read_number(value, 0, UINT32_MAX, &cell->count);
	if (strcmp(name, "window") != 0)
		return -1;
	ret = read_number(value, 1, 1000, &number);
	cell->window = (double)number * 1e-3;
	return ret;
}

int bench_read_cell(struct bench *bench, char *line)
{
	struct bench_cell *cell = &bench->cell;
	char *rest = NULL;

	*cell = (struct bench_cell){
		.mergeable = true, .event_index = true, .verify = true, .size = 64, .burst = 32,
		.queues = 1, .regions = 1, .lock_windows = 8, .free_windows = 12, .window = 2e-3,
	};
	for (char *word = strtok_r(line, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest)) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		if (!value || read_word(cell, word, value) < 0)
			return bench_fail(bench, "not understood: %s %s", word,
					  value ? value : "");
	}
	bench_make_plan(cell, &bench->plan);
	if (cell->burst * bench->plan.chains > bench->plan.ring_size)
		return bench_fail(bench, "the burst is larger than the ring");
	if (cell->iommu == BENCH_IOMMU_PAGE && cell->regions > 1)
		return bench_fail(bench, "pages behind an IOMMU are those of one region");
	return 0;
}

/** A chain that holds a whole packet. */
static void plan_chain(const struct bench_cell *cell, struct bench_plan *plan)
{
	uint32_t whole = HEADER + cell->size;

	plan->chains = 1;
	if (cell->layout == BENCH_DIRECT) {
		plan->pieces = 1;
		plan->buffer_size = plan->capacity = whole > BENCH_BUFFER ? whole : BENCH_BUFFER;
	} else if (whole <= BENCH_BUFFER) {
		plan->pieces = 2;
		plan->buffer_size = plan->capacity = BENCH_BUFFER;
	} else {
		uint32_t pages = (cell->size + BENCH_PAGE - 1) / BENCH_PAGE;

		plan->pieces = 1 + pages;
		plan->buffer_size = BENCH_PAGE;
		plan->capacity = HEADER + pages * BENCH_PAGE;
	}
}

/** Small buffers, as many as a packet needs. */
static void plan_mergeable(const struct bench_cell *cell, struct bench_plan *plan)
{
	plan->chains = (HEADER + cell->size + BENCH_BUFFER - 1) / BENCH_BUFFER;
	plan->pieces = cell->layout == BENCH_DIRECT ? 1 : 2;
	plan->buffer_size = plan->capacity = BENCH_BUFFER;
}

void bench_make_plan(const struct bench_cell *cell, struct bench_plan *plan)
{
	uint32_t descriptors;

	memset(plan, 0, sizeof(*plan));
	if (cell->enqueue && cell->mergeable)
		plan_mergeable(cell, plan);
	else
		plan_chain(cell, plan);
	plan->shape.indirect = cell->layout == BENCH_INDIRECT;
	plan->shape.header_pieces = cell->layout != BENCH_DIRECT;
	descriptors = plan->chains * (plan->shape.indirect ? 1 : plan->pieces);
	plan->ring_size = cell->ring_size ? cell->ring_size : RING;
	while (!cell->ring_size && plan->ring_size < LARGEST_BURST * descriptors)
		plan->ring_size *= 2;
	plan->slots = plan->ring_size * (plan->shape.indirect ? plan->pieces : 1);
}
