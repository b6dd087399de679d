/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async.h"
#include "guest_packet.h"

static const char usage[] =
	"usage: async-host [options]\n"
	"  --library PATH       vhost library to load\n"
	"  --socket PATH        vhost-user socket to make\n"
	"  --release WORD       of its asynchronous functions: 21.08 or 22.11\n"
	"  --ways \"WORD ...\"    sync, copy (memcpy), dmadev; software:N, asleep:N, own:N\n"
	"                       with thresholds\n"
	"  --direction WORD     enqueue (to the guest) or dequeue\n"
	"  --ring WORD          split or packed\n"
	"  --size BYTES         of a packet (64)\n"
	"  --burst N            packets a call (32)\n"
	"  --windows N          windows of each way (10)\n"
	"  --window MS          length of each (4)\n"
	"  --turns N            instead: N turns of each way and no clock, for callgrind\n"
	"  --cpus HOST,GUEST    CPUs (0,1)\n";

static const struct option names[] = {
	{ "library", required_argument, NULL, 'l' }, { "socket", required_argument, NULL, 's' },
	{ "release", required_argument, NULL, 'r' }, { "ways", required_argument, NULL, 'W' },
	{ "direction", required_argument, NULL, 'd' }, { "ring", required_argument, NULL, 'f' },
	{ "size", required_argument, NULL, 'b' }, { "burst", required_argument, NULL, 'p' },
	{ "windows", required_argument, NULL, 'n' }, { "window", required_argument, NULL, 'w' },
	{ "turns", required_argument, NULL, 't' }, { "cpus", required_argument, NULL, 'C' },
	{ NULL, 0, NULL, 0 },
};

static bool word(const char *text, const char *no, const char *yes)
{
	if (strcmp(text, yes) != 0 && strcmp(text, no) != 0)
		more_die("%s is neither %s nor %s", text, no, yes);
	return strcmp(text, yes) == 0;
}

static void read_way(struct async_bench *bench, const char *text)
{
	static const char *const kinds[] = {
		[ASYNC_SYNC] = "sync", [ASYNC_COPY] = "copy", [ASYNC_SOFTWARE] = "software",
		[ASYNC_ASLEEP] = "asleep", [ASYNC_OWN] = "own", [ASYNC_DMADEV] = "dmadev",
	};
	struct async_way *way = &bench->ways[bench->way_count++];
	size_t length = strcspn(text, ":");
	uint32_t kind = 0;

	if (bench->way_count == ASYNC_WAYS)
		more_die("too many ways");
	while (kind < RTE_DIM(kinds) && (strlen(kinds[kind]) != length ||
					 strncmp(kinds[kind], text, length) != 0))
		kind++;
	if (kind == RTE_DIM(kinds) || (kind == ASYNC_DMADEV) > bench->release2211 ||
	    (kind >= ASYNC_SOFTWARE && kind <= ASYNC_OWN && bench->release2211))
		more_die("%s is no way of this release", text);
	way->kind = kind;
	way->threshold = text[length] == ':' ? more_number(text + length + 1, 0, UINT32_MAX) : 0;
	snprintf(way->name, sizeof(way->name), "%s", text);
}

static void read_ways(struct async_bench *bench, const char *text)
{
	char *copy = strdup(text), *rest = NULL;

	for (char *part = strtok_r(copy, " ", &rest); part; part = strtok_r(NULL, " ", &rest))
		read_way(bench, part);
	free(copy);
	if (bench->way_count == 0)
		more_die("no ways");
}

static void read_option(struct async_bench *bench, int letter, const char *text,
			const char **ways)
{
	switch (letter) {
	case 'l': bench->library = text; break;
	case 's': bench->socket = text; break;
	case 'r': bench->release2211 = word(text, "21.08", "22.11"); break;
	case 'W': *ways = text; break;
	case 'd': bench->enqueue = word(text, "dequeue", "enqueue"); break;
	case 'f': bench->packed = word(text, "split", "packed"); break;
	case 'b':
		bench->size = more_number(text, GUEST_PACKET_STAMPED, GUEST_MAX_FRAME);
		break;
	case 'p': bench->burst = more_number(text, 1, MORE_BURST); break;
	case 'n': bench->windows = more_number(text, 1, ASYNC_WINDOWS); break;
	case 'w': bench->window = more_number(text, 1, 1000) * 1e-3; break;
	case 't': bench->counted_turns = more_number(text, 1, 1000000); break;
	case 'C':
		if (sscanf(text, "%d,%d", &bench->host_cpu, &bench->guest_cpu) == 2)
			break;
		/* fall through */
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

void async_read_options(struct async_bench *bench, int argc, char **argv)
{
	const char *ways = "sync";
	int letter;

	bench->size = 64;
	bench->burst = 32;
	bench->windows = 10;
	bench->window = 4e-3;
	bench->guest_cpu = 1;
	while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1)
		read_option(bench, letter, optarg, &ways);
	read_ways(bench, ways);
	if (optind != argc || !bench->socket || !bench->library) {
		fputs(usage, stderr);
		exit(2);
	}
}
