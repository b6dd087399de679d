/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A vhost backend of DPDK 22.11's in a process of its own, on whichever librte_vhost.so.23 the
 * dynamic linker finds, and what an attack does to it.
 */
#ifndef PUBLIC_H
#define PUBLIC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "guest.h"

/** How long an answer may take. */
#define PUBLIC_PATIENCE_MS 4000

/** Bytes of a good packet, which no bad one has. */
#define PUBLIC_GOOD 333

/** What backend and test share. */
struct public_shared {
	volatile bool ready;
	volatile bool gives;		/**< The backend sends packets to the guest. */
	volatile uint64_t rounds;	/**< Of the data plane. */
	volatile uint64_t packets;	/**< From the guest... */
	volatile uint64_t good;		/**< ...of PUBLIC_GOOD bytes. */
	volatile uint64_t taken;	/**< To the guest. */
	volatile int vid;		/**< The device that runs, or -1. */
};

/** A backend. */
struct public_backend {
	char directory[32];
	char path[96];
	pid_t pid;
	struct public_shared *shared;
	int fds;			/**< Before the attack. */
	long kib;
};

/** What an attack says of itself: printed before the rest. */
extern char public_remark[256];

/** Good packets behind the bad ones were lost. */
extern bool public_is_stuck;

/** Start a backend. @return 0 or -1. */
int public_start(struct public_backend *backend);
/** Descriptors and resident memory now. */
void public_measure(const struct public_backend *backend, int *fds, long *kib);
/** Write what became of the backend. @return whether it serves on and lost nothing. */
bool public_verdict(struct public_backend *backend, char *text, size_t size);
/** A guest of the backend, started. @return NULL when that fails. */
struct guest *public_guest(const struct public_backend *backend, bool packed, uint64_t protocol);
/** A connection with nothing said, or -1. */
int public_connect(const struct public_backend *backend);
/** Wait until the data plane has gone round. */
void public_turn(const struct public_backend *backend);

/** An attack. */
struct public_case {
	const char *id;
	const char *what;
	void (*attack)(struct public_backend *backend);
};

extern const struct public_case public_cases[];
extern const unsigned int public_case_count;

#endif
