/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * The engine of a life, by the release: 21.08's is the library's own, 22.11's a DMA device.
 */
#ifndef FAULTS_ENGINE_H
#define FAULTS_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

/** Make it. */
bool faults_engine_begin(void);
/** End it, if it was made. @return what was wrong with that, or NULL. */
const char *faults_engine_end(void);

/** Have a queue use it. */
bool faults_engine_add(int vid, uint16_t queue);
/** Nothing is in flight any more. */
void faults_engine_remove(int vid, uint16_t queue);

/** Packets of a queue that have come back, with no look at its ring. */
uint16_t faults_engine_clear(int vid, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count);
/** Packets from the guest. */
uint16_t faults_engine_dequeue(int vid, struct rte_mempool *pool, struct rte_mbuf **mbufs,
			       uint16_t count);
/** Packets to the guest: @return how many were taken. What came back is freed. */
uint16_t faults_engine_enqueue(int vid, struct rte_mbuf **mbufs, uint16_t count);

#endif
