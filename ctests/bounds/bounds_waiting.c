/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * The most instructions of one call that finds a ring full of work which other calls left: chains
 * behind a packet that the engine has kept for long.
 */
#include "bounds.h"

#include "guest_packed.h"

#include <rtevhostswift.h>

#define BURST BOUNDS_BURST

/** Where each call looks at all that is in flight. */
#define RELAXED_RING 8192

static const struct bounds_shape bad = { "a packet, and bad chains behind it", 1, false, 76, 0,
	UNMAPPED, 64, .where = ANYWHERE };
static const struct bounds_shape good = { "packets, none of them done", 1, false, 76, 0, GOOD,
	64, .where = ANYWHERE, .ring = RELAXED_RING };

static uint64_t rows;

static void row(const struct bounds_world *world, const char *name, uint32_t packets,
		uint64_t cost)
{
	struct bounds_work work = { .packets = BURST, .used = world->queue->size };
	uint64_t bound = bounds_allowed(&work);

	bounds_print("| %s | %s | %u | %s | %u | %lu | %lu |%s\n",
		     world->packed ? "packed" : "split",
		     bounds_call_name(world, world->to_guest), world->queue->size, name, packets,
		     cost, bound, cost > bound ? " beyond" : "");
	assert_in_range(cost, 1, bound);
	rows++;
}

/** The first chain is good. */
static void mend_first(struct bounds_world *world)
{
	if (world->packed) {
		world->queue->ring.packed.descriptors[0].addr = world->pages[0];
		return;
	}
	world->queue->ring.split.descriptors[1] = (struct vring_desc){ world->pages[0], 76,
		world->to_guest ? VRING_DESC_F_WRITE : 0, 0 };
	world->queue->ring.split.available->ring[0] = 1;
}

/** One call that is not counted. @return packets that came out of it. */
static uint32_t move(struct bounds_world *world, struct rte_mbuf *packet)
{
	struct rte_mbuf *mbufs[BURST], *done[BURST];
	int vid = world->iommu.device.vid, inflight;
	uint32_t back = 0;

	if (!world->to_guest)
		return rte_vhost_async_try_dequeue_burst(vid, 1, control_pool(), mbufs, BURST,
							 &inflight);
	for (int i = 0; i < BURST; i++)
		mbufs[i] = packet;
	rte_vhost_submit_enqueue_burst(vid, 0, mbufs, BURST, done, &back);
	return back;
}

/** The engine is done with everything; all packets come back. */
static void empty(struct bounds_world *world, struct rte_mbuf *packet, struct rte_mbuf **mbufs,
		  uint32_t found)
{
	int vid = world->iommu.device.vid, inflight;
	uint16_t queue = (uint16_t)world->queue->index;

	bounds_engine_holds = false;
	do {
		/* To the guest it is one packet again and again. */
		if (!world->to_guest)
			rte_pktmbuf_free_bulk(mbufs, found);
		found = world->to_guest
			? rte_vhost_poll_enqueue_completed(vid, queue, mbufs, BURST)
			: rte_vhost_async_try_dequeue_burst(vid, queue, control_pool(), mbufs,
							    BURST, &inflight);
	} while (found > 0);
	assert_int_equal(rte_vhost_async_get_inflight(vid, queue), 0);
	rte_pktmbuf_free(packet);
}

/** Calls until nothing is left in the ring, while the engine keeps all; then one that counts. */
static void wait_and_collect(struct bounds_world *world, const struct bounds_shape *shape,
			     bool isDone)
{
	struct rte_mbuf *packet = rte_pktmbuf_alloc(control_pool()), *mbufs[BURST];
	uint32_t size = shape->ring ? shape->ring : BOUNDS_RING, found;
	struct rtevhostswift_vring_stats stats;
	int vid = world->iommu.device.vid, inflight = 0;
	uint64_t cost;

	assert_non_null(packet);
	assert_non_null(rte_pktmbuf_append(packet, 64));
	bounds_engine_holds = true;
	for (uint32_t i = 0; i <= size / BURST; i++)
		assert_int_equal(move(world, packet), 0);
	bounds_engine_holds = !isDone;
	bounds_count_begin();
	found = world->to_guest ? rte_vhost_poll_enqueue_completed(vid, 0, mbufs, BURST)
		: rte_vhost_async_try_dequeue_burst(vid, 1, control_pool(), mbufs, BURST,
						    &inflight);
	cost = bounds_count_end();
	row(world, shape->name, found, cost);
	stats = control_stats(vid, (uint16_t)world->queue->index);
	if (isDone) {
		/* All of them went back in this one call. */
		assert_int_equal(found, 1);
		assert_int_equal(stats.dropped_unmapped, size - 1);
		assert_int_equal(world->packed ? world->queue->ring.packed.descriptors[0].flags &
				 GUEST_PACKED_USED : world->queue->ring.split.used->idx,
				 world->packed ? GUEST_PACKED_USED : size);
	} else {
		assert_int_equal(found, 0);
		assert_int_equal(rte_vhost_async_get_inflight(vid, (uint16_t)world->queue->index),
				 size);
	}
	empty(world, packet, mbufs, found);
}

static void calls_on_what_others_left(void **state)
{
	(void)state;
	bounds_print("| ring | call | entries | in flight | packets | instructions | allowed |\n"
		     "|---|---|---|---|---|---|---|\n");
	for (unsigned int kind = 0; kind < 8; kind++) {
		const struct bounds_shape *shape = kind & 4 ? &good : &bad;
		struct bounds_world world = { .packed = kind & 1, .to_guest = kind & 2,
			.async = true, .relaxed = kind & 4 };

		bounds_open(&world, shape->ring ? shape->ring : BOUNDS_RING);
		bounds_fill(&world, shape);
		if (shape == &bad)
			mend_first(&world);
		wait_and_collect(&world, shape, shape == &bad);
		bounds_close(&world);
	}
	bounds_print("\n%lu of 8 rows within their bounds\n\n", rows);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(calls_on_what_others_left),
};

int main(void)
{
	return bounds_main(tests, CONTROL_COUNT(tests));
}
