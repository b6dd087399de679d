/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The asynchronous calls of 21.08, and the engine that only it has. */
#include <rtevhostswift_dma.h>

#include "rig_operations.h"

const bool rig_may_reorder = true;
const bool rig_has_own_engines = true;

void rig_choose_channel(uint16_t queue, unsigned int choice)
{
	(void)queue;
	(void)choice;
}

int rig_register(int vid, uint16_t queue, const struct rig_channel *channel)
{
	struct rte_vhost_async_channel_ops nothing = { 0 };
	struct rte_vhost_async_channel_ops *operations = channel->is_null ? NULL :
		channel->has_nothing ? &nothing : &rig_engine_operations;
	struct rte_vhost_async_config config = {
		.async_threshold = channel->threshold, .features = channel->features,
	};

	return channel->is_unsafe ?
		rte_vhost_async_channel_register_thread_unsafe(vid, queue, config, operations) :
		rte_vhost_async_channel_register(vid, queue, config, operations);
}

int rig_unregister(int vid, uint16_t queue, bool is_unsafe)
{
	return is_unsafe ? rte_vhost_async_channel_unregister_thread_unsafe(vid, queue) :
		rte_vhost_async_channel_unregister(vid, queue);
}

uint16_t rig_submit(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count,
	struct rte_mbuf **completed, uint32_t *done)
{
	return rte_vhost_submit_enqueue_burst(vid, queue, packets, count, completed, done);
}

uint16_t rig_poll(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
	return rte_vhost_poll_enqueue_completed(vid, queue, packets, count);
}

uint16_t rig_clear(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
	return rte_vhost_clear_queue_thread_unsafe(vid, queue, packets, count);
}

uint16_t rig_dequeue(int vid, uint16_t queue, struct rte_mempool *pool, struct rte_mbuf **packets,
	uint16_t count, int *inflight)
{
	return rte_vhost_async_try_dequeue_burst(vid, queue, pool, packets, count, inflight);
}

/* The built-in engine has threads of its own; what needs none of them. */
void rig_call_release(int vid, uint16_t queue, const char *path, const struct record *record)
{
	struct rtevhostswift_dma_stats stats;
	struct rtevhostswift_dma_faults faults = { 0 };

	(void)path;
	(void)record;
	FUZZ_CHECK(rtevhostswift_dma_attach(NULL, vid, queue) != 0);
	FUZZ_CHECK(rtevhostswift_dma_detach(vid, queue) != 0);
	FUZZ_CHECK(rtevhostswift_dma_stats_get(vid, queue, &stats) != 0);
	FUZZ_CHECK(rtevhostswift_dma_inject(vid, queue, &faults) != 0);
}
