/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * An EAL without root, huge pages or devices, and what tests ask of DPDK's mempools.
 */
#ifndef INSIDE_INSIDE_H
#define INSIDE_INSIDE_H

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include "link.h"

/** Start the EAL; @p more are further options, closed by NULL. */
void inside_start(const char *more, ...);

/** Keep what goes to DPDK's log from here on. */
void inside_catch_log(void);

/** How often it contains some words. */
unsigned int inside_count_log(const char *words);

/** All of it. */
const char *inside_log(void);

/** A packet pool with any operations; asserts that it can be made. */
struct rte_mempool *inside_pool(const char *ops, unsigned int count, unsigned int cache,
			      uint16_t private_size, uint16_t room);

/** Asserts that every object of a pool is back, in the pool or in a cache, and frees it. */
void inside_pool_end(struct rte_mempool *pool);

/** This thread's cache of a pool. */
struct rte_mempool_cache *inside_cache(struct rte_mempool *pool);

/** The exported rtevhostswift_pktmbuf_free(): how the library frees packets. */
void inside_library_free(struct rte_mbuf *packet);

/** Operations that count what they are asked for; register them before the first use. */
#define INSIDE_COUNTED_OPS "counted"
struct inside_counts {
	unsigned int gets, got, puts, put;
};
extern struct inside_counts inside_counts;

#endif
