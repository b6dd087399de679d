/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A pool of mbufs whose mbufs are all known, so that a test can tell free ones from others.
 *
 * Pools here have no per-thread caches: the library's event thread frees mbufs too, and levels
 * are to be exact.
 */
#ifndef HARNESS_POOL_H
#define HARNESS_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/** A pool and its mbufs. */
struct pool {
	struct rte_mempool *mp;
	struct rte_mbuf **mbufs;	/**< All of them, by address. */
	bool *at_rest;			/**< By position in mbufs, as of the last pool_mark(). */
	uint32_t count;
	uint32_t capacity;		/**< Bytes behind an mbuf's headroom. */
};

/** Make a pool; @p data_room includes the headroom. @return 0 or a negative errno. */
int pool_create(struct pool *pool, uint32_t count, uint16_t data_room);

/** Free everything; safe on a zeroed object. */
void pool_destroy(struct pool *pool);

/** Position of the mbuf in whose buffer [address, address + length) lies, or -1. */
int pool_find(const struct pool *pool, uint64_t address, uint64_t length);

/** Note which mbufs are free now. */
void pool_mark(struct pool *pool);

/** Fill the buffers of all free mbufs with a pattern. @return how many. */
uint32_t pool_poison(struct pool *pool);

/** Whether the buffers of all free mbufs are as pool_poison() left them. */
bool pool_is_poisoned(struct pool *pool);

/** Mbufs that somebody has. */
uint32_t pool_in_use(const struct pool *pool);

/** Take all mbufs but @p leave. @return how many; they are in @p taken, pool->count places. */
uint32_t pool_hold(struct pool *pool, uint32_t leave, struct rte_mbuf **taken);

#endif
