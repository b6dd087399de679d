/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * Very many frontends in little memory: they share one file for their rings, and eventfds.
 */
#ifndef SCALE_H
#define SCALE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest_frontend.h"

/** Sockets, and devices: DPDK 21.08's limits. */
#define SCALE_DEVICES 1024
/** Queues of a device. */
#define SCALE_QUEUES 256
/** Entries of a ring. */
#define SCALE_RING 64
/** Bytes that a ring takes in the shared file. */
#define SCALE_RING_BYTES 4096

/** End the program with a message unless a condition holds. */
#define SCALE_REQUIRE(condition, ...) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "scale: %s:%d: ", __FILE__, __LINE__); \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr); \
			exit(1); \
		} \
	} while (0)

/** One frontend. */
struct scale_frontend {
	struct guest_frontend frontend;
	char path[108];
	int vid;
};

/** Make the shared memory and eventfds. */
void scale_memory_create(void);
/** Zero all rings. */
void scale_memory_clear(void);
void scale_memory_destroy(void);

/** Connect and agree on features. */
void scale_connect(struct scale_frontend *frontend);
/**
 * Memory, and so many queues that run; rings from @p first_own on are the frontend's own, those
 * below are everybody's.
 * @param eventfds whether queues have some, or the backend polls.
 */
void scale_start(struct scale_frontend *frontend, int number, int queues, int first_own,
		 bool eventfds);
/** Wait until all that was said is handled. */
void scale_sync(struct scale_frontend *frontend);
/** Put one packet into a transmit ring that is the frontend's own. */
void scale_send(int number, int own);
/** Put one empty buffer into a receive ring that is the frontend's own. */
void scale_post(int number, int own);
/** The used index of such a ring. */
uint16_t scale_used(int number, int own);

#endif
