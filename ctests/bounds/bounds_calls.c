/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Calls on rings full of chains, counted. */
#include "bounds.h"

/** Each of them on what the one before left. */
#define CALLS 2

const char *bounds_call_name(const struct bounds_world *world, bool polls)
{
	if (polls)
		return "poll_enqueue_completed";
	if (world->to_guest)
		return world->async ? "submit_enqueue_burst" : "enqueue_burst";
	return world->async ? "async_try_dequeue_burst" : "dequeue_burst";
}

/** A packet for the guest, of as many mbufs as it takes; what it says does not matter. */
static struct rte_mbuf *packet_of(uint32_t size)
{
	static const uint8_t bytes[GUEST_MAX_FRAME];
	struct rte_mbuf *packet = control_chain(bytes, size, 2048);

	assert_non_null(packet);
	return packet;
}

struct bounds_cost bounds_give(struct bounds_world *world, uint32_t packet, uint32_t burst)
{
	struct rte_mbuf *mbufs[BOUNDS_MOST_BURST], *done[BOUNDS_MOST_BURST];
	struct bounds_cost cost = { 0, 0, 0 };
	int vid = world->iommu.device.vid;
	uint32_t back = 0;
	uint16_t taken, count = (uint16_t)burst;

	for (uint32_t i = 0; i < burst; i++)
		mbufs[i] = packet_of(packet);
	bounds_count_begin();
	taken = world->async
		? rte_vhost_submit_enqueue_burst(vid, 0, mbufs, count, done, &back)
		: rte_vhost_enqueue_burst(vid, 0, mbufs, count);
	cost.call = bounds_count_end();
	cost.packets = taken;
	rte_pktmbuf_free_bulk(mbufs + taken, burst - taken);
	if (!world->async) {
		rte_pktmbuf_free_bulk(mbufs, taken);
		return cost;
	}
	rte_pktmbuf_free_bulk(done, back);
	bounds_count_begin();
	taken = rte_vhost_poll_enqueue_completed(vid, 0, done, count);
	cost.poll = bounds_count_end();
	rte_pktmbuf_free_bulk(done, taken);
	return cost;
}

struct bounds_cost bounds_take(struct bounds_world *world, uint32_t burst)
{
	struct rte_mbuf *mbufs[BOUNDS_MOST_BURST];
	struct bounds_cost cost = { 0, 0, 0 };
	int vid = world->iommu.device.vid, inflight;
	uint16_t got, count = (uint16_t)burst;

	bounds_count_begin();
	got = world->async
		? rte_vhost_async_try_dequeue_burst(vid, 1, control_pool(), mbufs, count,
						    &inflight)
		: rte_vhost_dequeue_burst(vid, 1, control_pool(), mbufs, count);
	cost.call = bounds_count_end();
	cost.packets = got;
	rte_pktmbuf_free_bulk(mbufs, got);
	return cost;
}

bool bounds_leaves_traces(const struct bounds_world *world, const struct bounds_shape *shape)
{
	switch (shape->ending) {
	case UNMAPPED:
	case UNMAPPED_FIRST:
	case UNKNOWN:
	case RARE:
		return world->memory & BOUNDS_IOMMU;
	case ENDLESS:
		return world->packed || shape->ring;
	case JUMP:
		return true;
	default:
		return shape->ring;
	}
}

struct bounds_cost bounds_measure(struct bounds_world *world, const struct bounds_shape *shape,
				  uint32_t burst)
{
	struct bounds_cost worst = { 0, 0, 0 };
	bool isAlone = bounds_leaves_traces(world, shape);

	if (world->queue && isAlone)
		bounds_close(world);
	if (!world->queue)
		bounds_open(world, shape->ring ? shape->ring : BOUNDS_RING);
	bounds_fill(world, shape);
	for (int call = 0; call < CALLS; call++) {
		struct bounds_cost cost = world->to_guest ? bounds_give(world, shape->packet, burst)
			: bounds_take(world, burst);

		if (cost.call > worst.call) {
			worst.call = cost.call;
			worst.packets = cost.packets;
		}
		if (cost.poll > worst.poll)
			worst.poll = cost.poll;
	}
	if (isAlone)
		bounds_close(world);
	return worst;
}
