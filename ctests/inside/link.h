/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A socket of the library's, a guest behind it, and stamped packets between the two. Compiled with
 * DPDK's headers or with the library's own, as the program is.
 */
#ifndef INSIDE_LINK_H
#define INSIDE_LINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_vhost.h>

#include "guest.h"
#include "guest_packet.h"

/** The library that the program is linked with; LINK_RELEASE_2211: the flavour of that release. */
#ifdef LINK_RELEASE_2211
#define LINK_SONAME "librte_vhost.so.23"
#else
#define LINK_SONAME "librtevhostswift.so.21"
#endif

/** Most packets of a call. */
#define LINK_BURST 256
/** Sockets at a time. */
#define LINK_MAX 4

/** The functions under test, whichever library has them; prototypes of 21.08 and 22.11 agree. */
struct link_library {
	int (*driver_register)(const char *path, uint64_t flags);
	int (*driver_unregister)(const char *path);
	int (*callback_register)(const char *path, const void *ops);
	int (*driver_start)(const char *path);
	uint16_t (*enqueue)(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count);
	uint16_t (*dequeue)(int vid, uint16_t queue, struct rte_mempool *pool,
			    struct rte_mbuf **packets, uint16_t count);
	int (*numa_node)(int vid);
};

/** One socket and its guest. */
struct link {
	const struct link_library *library;
	char directory[32], path[64];
	struct guest *guest;
	struct guest_queue *tx, *rx;
	int vid;
	uint64_t sent, taken;		/**< Guest to host. */
	uint64_t given, received;	/**< Host to guest. */
	uint32_t sizes[4096];
	uint8_t frame[GUEST_MAX_FRAME + 64];
};

/** The functions of this process's librtevhostswift, or of a library by its handle. */
void link_find(struct link_library *library, void *handle);

/** A running device; @p library NULL for the one that is linked. */
struct link *link_open(const struct link_library *library, uint64_t flags, bool packed);

/** The guest goes, and the socket. */
void link_close(struct link *link);

/** The guest sends @p count packets of @p size bytes. */
void link_send(struct link *link, uint32_t count, uint32_t size);

/** The guest sends @p count chains that are no packets: a header alone. */
void link_send_bad(struct link *link, uint32_t count);

/** Dequeue up to @p count; each packet that came is checked and stays the caller's. */
uint16_t link_take(struct link *link, struct rte_mempool *pool, struct rte_mbuf **packets,
		   uint16_t count);

/** Bytes of the next packet to the guest, in link->frame. */
void link_stamp(struct link *link, uint32_t size);

/** Enqueue packets that link_stamp() wrote the bytes of; asserts that all are taken. */
void link_give(struct link *link, struct rte_mbuf **packets, uint16_t count);

/** The guest receives all that came; asserts that it is what was given. */
void link_receive(struct link *link);

#endif
