/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * What many queues, regions and devices cost: one process, one thread that is host and guests in
 * turn.
 */
#ifndef BENCH_SCALE_HOST_H
#define BENCH_SCALE_HOST_H

#include "more.h"

/** Queues of one direction, and devices, at most. */
#define SCALE_HOST_QUEUES 1024
#define SCALE_HOST_DEVICES 1024
/** Queue pairs of a device, at most. */
#define SCALE_HOST_PAIRS 128

/** The command line. */
struct scale_options {
	const char *library, *socket;
	bool devices_only;	/**< Memory and set-up time; else packets. */
	bool packed, enqueue;
	bool empty;		/**< Nothing to take: what a poll costs. */
	uint32_t queues, regions, ring_size, size, burst, windows;
	uint32_t devices, pairs;
	double window;
	int cpu;
};

/** A process's memory, in KiB but for the count. */
struct scale_memory_use {
	uint64_t resident;	/**< Without what guests share. */
	uint64_t anonymous;	/**< Resident anonymous memory. */
	uint64_t mapped;	/**< Anonymous mappings, touched or not. */
	uint64_t mappings;	/**< All of them. */
};

/* scale_rate.c: packets of many queues, or through many regions. Prints the rest of the line. */
void scale_rate(const struct scale_options *options);

/* scale_devices.c: devices, one after the other. Prints the rest of the line. */
void scale_devices(const struct scale_options *options);

#endif
