/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#define _GNU_SOURCE
#include "../faults_engine.h"

#include <rte_vhost_async.h>

#include "control.h"

#define BURST 32
#define STATISTICS 64

static bool is_begun;

/* Each queue has a channel of its own. */
bool faults_engine_begin(void)
{
	is_begun = true;
	return rte_vhost_async_dma_configure(0, 0) == 0 && rte_vhost_async_dma_configure(0, 1) == 0;
}

const char *faults_engine_end(void)
{
	const char *broken = NULL;

	/* One that could not be configured is not there. */
	for (uint16_t channel = 0; channel < 2 && is_begun; channel++)
		if (rte_vhost_async_dma_configure(0, channel) == 0 &&
		    rte_vhost_async_dma_unconfigure(0, channel) < 0)
			broken = "a channel of the engine is busy";
	is_begun = false;
	return broken;
}

bool faults_engine_add(int vid, uint16_t queue)
{
	return rte_vhost_async_channel_register_thread_unsafe(vid, queue) == 0;
}

void faults_engine_remove(int vid, uint16_t queue)
{
	rte_vhost_async_channel_unregister_thread_unsafe(vid, queue);
}

uint16_t faults_engine_clear(int vid, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_vhost_clear_queue_thread_unsafe(vid, queue, mbufs, count, 0, queue);
}

/* What only this release tells of a queue. */
static void look(int vid, uint16_t queue)
{
	struct rte_vhost_stat_name names[STATISTICS];
	struct rte_vhost_stat statistics[STATISTICS];
	struct rte_vhost_power_monitor_cond condition;

	(void)rte_vhost_vring_stats_get_names(vid, queue, names, STATISTICS);
	(void)rte_vhost_vring_stats_get(vid, queue, statistics, STATISTICS);
	(void)rte_vhost_get_monitor_addr(vid, queue, &condition);
	(void)rte_vhost_vring_call_nonblock(vid, queue);
}

uint16_t faults_engine_dequeue(int vid, struct rte_mempool *pool, struct rte_mbuf **mbufs,
			       uint16_t count)
{
	int in_flight;

	return rte_vhost_async_try_dequeue_burst(vid, 1, pool, mbufs, count, &in_flight, 0, 1);
}

uint16_t faults_engine_enqueue(int vid, struct rte_mbuf **mbufs, uint16_t count)
{
	struct rte_mbuf *done[BURST];
	uint16_t got = rte_vhost_poll_enqueue_completed(vid, 0, done, BURST, 0, 0);

	rte_pktmbuf_free_bulk(done, got);
	if (got > 0)
		look(vid, 0);
	return rte_vhost_submit_enqueue_burst(vid, 0, mbufs, count, 0, 0);
}
