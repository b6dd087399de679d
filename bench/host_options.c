/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest_packet.h"
#include "host.h"

static const char usage[] =
	"usage: host [options]\n"
	"  --library PATH       vhost library to load; default: what is linked\n"
	"  --socket PATH        vhost-user socket to make\n"
	"  --label WORD         name of this library in the output\n"
	"  --round N            number of this round in the output\n"
	"  --direction WORD     enqueue (to the guest) or dequeue\n"
	"  --ring WORD          split or packed\n"
	"  --size BYTES         of a packet (64)\n"
	"  --burst N            packets a call (32)\n"
	"  --ring-size N        descriptors (256)\n"
	"  --no-event-index     do not negotiate VIRTIO_RING_F_EVENT_IDX\n"
	"  --lock-windows N     windows in lock-step (100)\n"
	"  --free-windows N     windows free-running (200)\n"
	"  --window MS          length of each (4)\n"
	"  --count N            instead: N packets in lock-step, for callgrind\n"
	"  --cpus HOST,GUEST    CPUs (0,1)\n";

static const struct option names[] = {
	{ "library", required_argument, NULL, 'l' },
	{ "socket", required_argument, NULL, 's' },
	{ "label", required_argument, NULL, 'n' },
	{ "round", required_argument, NULL, 'r' },
	{ "direction", required_argument, NULL, 'd' },
	{ "ring", required_argument, NULL, 'f' },
	{ "size", required_argument, NULL, 'b' },
	{ "burst", required_argument, NULL, 'p' },
	{ "ring-size", required_argument, NULL, 'q' },
	{ "no-event-index", no_argument, NULL, 'E' },
	{ "lock-windows", required_argument, NULL, 'L' },
	{ "free-windows", required_argument, NULL, 'F' },
	{ "window", required_argument, NULL, 'w' },
	{ "count", required_argument, NULL, 'c' },
	{ "cpus", required_argument, NULL, 'C' },
	{ NULL, 0, NULL, 0 },
};

/** A number from a range. */
static int read_number(const char *text, uint64_t low, uint64_t high, uint32_t *number)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < low || value > high)
		return -1;
	*number = (uint32_t)value;
	return 0;
}

/** One of two words. */
static int read_word(const char *text, const char *no, const char *yes, bool *value)
{
	*value = strcmp(text, yes) == 0;
	return *value || strcmp(text, no) == 0 ? 0 : -1;
}

/** Options that are numbers. */
static int read_numeric(struct bench_options *options, int letter, const char *text)
{
	uint32_t number = 0;
	int ret = -1;

	switch (letter) {
	case 'r':
		ret = read_number(text, 0, UINT32_MAX, &number);
		options->round = number;
		break;
	case 'b':
		ret = read_number(text, GUEST_PACKET_STAMPED, BENCH_FRAME, &options->size);
		break;
	case 'p':
		ret = read_number(text, 1, BENCH_BURST, &options->burst);
		break;
	case 'q':
		ret = read_number(text, 2, GUEST_MAX_RING, &options->ring_size);
		break;
	case 'L':
		ret = read_number(text, 0, BENCH_WINDOWS, &options->lock_windows);
		break;
	case 'F':
		ret = read_number(text, 0, BENCH_WINDOWS, &options->free_windows);
		break;
	case 'w':
		ret = read_number(text, 1, 1000, &number);
		options->window = number * 1e-3;
		break;
	case 'c':
		ret = read_number(text, 1, UINT32_MAX, &number);
		options->count = number;
		break;
	}
	return ret;
}

/** Any option. */
static int read_option(struct bench_options *options, int letter, const char *text)
{
	switch (letter) {
	case 'l':
		options->library = text;
		return 0;
	case 's':
		options->socket = text;
		return 0;
	case 'n':
		options->label = text;
		return 0;
	case 'd':
		return read_word(text, "dequeue", "enqueue", &options->enqueue);
	case 'f':
		return read_word(text, "split", "packed", &options->packed);
	case 'E':
		options->event_index = false;
		return 0;
	case 'C':
		return sscanf(text, "%d,%d", &options->host_cpu, &options->guest_cpu) == 2 ?
			       0 : -1;
	default:
		return read_numeric(options, letter, text);
	}
}

int bench_read_options(struct bench_options *options, int argc, char **argv)
{
	int letter, ret = 0;

	*options = (struct bench_options){
		.label = "host", .event_index = true, .size = 64, .burst = 32, .ring_size = 256,
		.lock_windows = 100, .free_windows = 200, .window = 4e-3, .guest_cpu = 1,
	};
	while (ret == 0 && (letter = getopt_long(argc, argv, "", names, NULL)) != -1)
		ret = read_option(options, letter, optarg);
	if (ret < 0 || optind != argc || !options->socket || options->burst > options->ring_size) {
		fputs(usage, stderr);
		return -1;
	}
	return 0;
}
