/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What holds after every step of every test, whatever guest and engine do. */
#include "bench.h"

struct rtevhostswift_vring_stats bench_stats(struct bench *bench, uint16_t queue)
{
	struct rtevhostswift_vring_stats stats;

	memset(&stats, 0, sizeof(stats));
	assert_int_equal(rtevhostswift_vring_stats_get(bench->vid, queue, &stats, sizeof(stats)),
			 0);
	return stats;
}

uint64_t bench_dropped(const struct rtevhostswift_vring_stats *stats)
{
	return stats->dropped_bad_chain + stats->dropped_unmapped + stats->dropped_short +
	       stats->dropped_direction + stats->dropped_too_long;
}

uint32_t bench_segments(const struct bench *bench, uint32_t size)
{
	uint32_t room = bench->pool.capacity;
	uint32_t external = ((RTE_PKTMBUF_HEADROOM + size + 7) & ~7u) +
			    (uint32_t)sizeof(struct rte_mbuf_ext_shared_info);

	/* An mbuf's lengths have 16 bits, those of an external buffer too. */
	if (bench->config.driver_flags & RTE_VHOST_USER_EXTBUF_SUPPORT && external <= UINT16_MAX)
		return 1;
	return size <= room ? 1 : (size + room - 1) / room;
}

/** The guest saw nothing that an honest device does not do. */
static void check_guest(const struct bench *bench, const struct guest_queue *queue)
{
	const struct guest_stats *stats = &queue->stats;

	if (!bench->relaxed)
		assert_int_equal(stats->reordered, 0);
	assert_int_equal(stats->bad_id + stats->bad_index, bench->faults);
	assert_int_equal(stats->bad_length, 0);
	assert_true(stats->bad_header <= (queue == bench->rx ? bench->unused : 0));
	assert_int_equal(stats->torn, 0);
	/* Each available head is used once: those not used are the device's. */
	assert_int_equal(stats->added, stats->used + queue->in_flight);
	assert_int_equal(guest_slots_damaged(&queue->slots), 0);
}

/** Packets from the guest: the pool lacks exactly those in flight. */
static void check_from_guest(struct bench *bench)
{
	const struct bench_flow *flow = &bench->from;
	/* -1 is said where nothing is in flight. */
	uint32_t inflight = flow->inflight < 0 ? 0 : (uint32_t)flow->inflight;
	uint32_t mbufs = bench->held;

	assert_true(inflight <= bench->tx->size);
	assert_true(flow->returned + inflight <= flow->sent);
	if (bench->loose)
		return;
	for (uint32_t i = 0; i < inflight && !bench->relaxed; i++)
		mbufs += bench_segments(bench,
					flow->sizes[(flow->returned + i) % BENCH_PENDING]);
	if (bench->relaxed)
		assert_true(pool_in_use(&bench->pool) >= mbufs + inflight);
	else
		assert_int_equal(pool_in_use(&bench->pool), mbufs);
}

/** Packets to the guest: the application's pool lacks exactly those submitted. */
static void check_to_guest(struct bench *bench)
{
	const struct bench_flow *flow = &bench->to;
	uint32_t mbufs = 0;

	assert_true(flow->sent - flow->returned <= bench->rx->size);
	for (uint64_t i = flow->returned; i < flow->sent && !bench->relaxed; i++)
		mbufs += flow->mbufs[i % BENCH_PENDING]->nb_segs;
	if (!bench->relaxed)
		assert_int_equal(pool_in_use(&bench->app), mbufs);
}

static void check_counts(struct bench *bench)
{
	int from = rte_vhost_async_get_inflight(bench->vid, TX);
	int to = rte_vhost_async_get_inflight(bench->vid, RX);

	if (from >= 0) {
		assert_int_equal(from, bench->from.inflight);
		assert_int_equal(bench_stats(bench, TX).in_flight, from);
	}
	if (to >= 0)
		assert_int_equal(to, bench->to.sent - bench->to.returned);
}

void bench_check(struct bench *bench)
{
	assert_int_equal(bench->engines[RX].violations, 0);
	assert_int_equal(bench->engines[TX].violations, 0);
	check_guest(bench, bench->tx);
	check_guest(bench, bench->rx);
	check_from_guest(bench);
	check_to_guest(bench);
	if (bench->vid >= 0)
		check_counts(bench);
	if (bench->checked)
		bench->checked(bench);
}
