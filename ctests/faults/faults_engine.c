/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#define _GNU_SOURCE
#include "faults_engine.h"

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

#include "control.h"

#define BURST 32

static struct rtevhostswift_dma *engine;

bool faults_engine_begin(void)
{
	engine = rtevhostswift_dma_create(NULL);
	return engine;
}

const char *faults_engine_end(void)
{
	bool is_busy = engine && rtevhostswift_dma_destroy(engine) < 0;

	engine = NULL;
	return is_busy ? "the engine cannot be destroyed" : NULL;
}

bool faults_engine_add(int vid, uint16_t queue)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };
	struct rte_vhost_async_channel_ops *ops = rtevhostswift_dma_ops();

	return ops && rtevhostswift_dma_attach(engine, vid, queue) == 0 &&
	       rte_vhost_async_channel_register_thread_unsafe(vid, queue, config, ops) == 0;
}

void faults_engine_remove(int vid, uint16_t queue)
{
	rte_vhost_async_channel_unregister_thread_unsafe(vid, queue);
	rtevhostswift_dma_detach(vid, queue);
}

uint16_t faults_engine_clear(int vid, uint16_t queue, struct rte_mbuf **mbufs, uint16_t count)
{
	return rte_vhost_clear_queue_thread_unsafe(vid, queue, mbufs, count);
}

uint16_t faults_engine_dequeue(int vid, struct rte_mempool *pool, struct rte_mbuf **mbufs,
			       uint16_t count)
{
	int in_flight;

	return rte_vhost_async_try_dequeue_burst(vid, 1, pool, mbufs, count, &in_flight);
}

uint16_t faults_engine_enqueue(int vid, struct rte_mbuf **mbufs, uint16_t count)
{
	struct rte_mbuf *done[BURST];
	uint32_t done_count = 0;
	uint16_t sent = rte_vhost_poll_enqueue_completed(vid, 0, done, BURST);

	rte_pktmbuf_free_bulk(done, sent);
	sent = rte_vhost_submit_enqueue_burst(vid, 0, mbufs, count, done, &done_count);
	rte_pktmbuf_free_bulk(done, done_count);
	return sent;
}
