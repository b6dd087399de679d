/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest_packet.h"
#include "scale_host.h"

static const char usage[] =
	"usage: scale-host [options]\n"
	"  --library PATH       vhost library to load\n"
	"  --socket PATH        vhost-user socket to make\n"
	"  --direction WORD     enqueue (to the guest) or dequeue\n"
	"  --ring WORD          split or packed\n"
	"  --queues N           of that direction, served by one core (1)\n"
	"  --regions N          of guest memory, buffers in each in turn (1)\n"
	"  --ring-size N        descriptors (256)\n"
	"  --size BYTES         of a packet (64)\n"
	"  --burst N            packets a call (32)\n"
	"  --empty              polls of queues with nothing in them\n"
	"  --windows N          windows (20)\n"
	"  --window MS          length of each (4)\n"
	"  --devices N          instead: so many devices, their memory and set-up time\n"
	"  --pairs N            queue pairs of each (1)\n"
	"  --cpus HOST          CPU (0)\n";

static const struct option names[] = {
	{ "library", required_argument, NULL, 'l' }, { "socket", required_argument, NULL, 's' },
	{ "direction", required_argument, NULL, 'd' }, { "ring", required_argument, NULL, 'f' },
	{ "queues", required_argument, NULL, 'q' }, { "regions", required_argument, NULL, 'r' },
	{ "empty", no_argument, NULL, 'E' },
	{ "ring-size", required_argument, NULL, 'R' },
	{ "size", required_argument, NULL, 'b' }, { "burst", required_argument, NULL, 'p' },
	{ "windows", required_argument, NULL, 'n' }, { "window", required_argument, NULL, 'w' },
	{ "devices", required_argument, NULL, 'D' }, { "pairs", required_argument, NULL, 'P' },
	{ "cpus", required_argument, NULL, 'C' }, { NULL, 0, NULL, 0 },
};

static bool read_option(struct scale_options *options, int letter, const char *text)
{
	switch (letter) {
	case 'l': options->library = text; break;
	case 's': options->socket = text; break;
	case 'd': options->enqueue = strcmp(text, "enqueue") == 0; break;
	case 'f': options->packed = strcmp(text, "packed") == 0; break;
	case 'q': options->queues = more_number(text, 1, SCALE_HOST_QUEUES); break;
	case 'r': options->regions = more_number(text, 1, GUEST_MAX_REGIONS); break;
	case 'E': options->empty = true; break;
	case 'R': options->ring_size = more_number(text, 64, 4096); break;
	case 'b': options->size = more_number(text, GUEST_PACKET_STAMPED, 1518); break;
	case 'p': options->burst = more_number(text, 1, MORE_BURST); break;
	case 'n': options->windows = more_number(text, 1, 10000); break;
	case 'w': options->window = more_number(text, 1, 1000) * 1e-3; break;
	case 'D':
		options->devices_only = true;
		options->devices = more_number(text, 1, SCALE_HOST_DEVICES - 1);
		break;
	case 'P': options->pairs = more_number(text, 1, SCALE_HOST_PAIRS); break;
	/* "HOST,GUEST" is fine. */
	case 'C': options->cpu = atoi(text); break;
	default: return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct scale_options options = {
		.queues = 1, .regions = 1, .ring_size = 256, .size = 64, .burst = 32,
		.windows = 20, .window = 4e-3, .pairs = 1,
	};
	bool good = true;
	int letter;

	while (good && (letter = getopt_long(argc, argv, "", names, NULL)) != -1)
		good = read_option(&options, letter, optarg);
	if (!good || optind != argc || !options.library || !options.socket) {
		fputs(usage, stderr);
		return 2;
	}
	more_load(options.library);
	more_start(options.cpu, options.cpu, NULL);
	more_pin(options.cpu);
	more_calibrate();
	if (options.devices_only)
		scale_devices(&options);
	else
		scale_rate(&options);
	fflush(stdout);
	/* Neither library's threads are asked to end; the process does. */
	_Exit(0);
}
