/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * One call of the library and what a host does around it.
 */
#ifndef BENCH_HOST_WORK_H
#define BENCH_HOST_WORK_H

#include "host.h"
#include "host_clock.h"

/** Receive a burst and give the mbufs back. */
static inline uint32_t bench_dequeue(struct bench *bench, const struct bench_lane *lane,
				     struct bench_counts *counts)
{
	struct rte_mbuf *packets[BENCH_BURST];
	uint64_t before = bench_ticks(), after;
	uint32_t count = bench->library.dequeue_burst(bench->vid, lane->queue_id, bench->pool,
						      packets, (uint16_t)bench->cell.burst);

	after = bench_ticks();
	if (count == 0) {
		counts->idle_calls++;
		return 0;
	}
	counts->packets += count;
	counts->call_ticks += after - before - bench->tick_cost;
	for (uint32_t i = 0; i < count; i++)
		rte_pktmbuf_free(packets[i]);
	return count;
}

/** Send a burst; the packets stay with the host, which sends them again later. */
static inline uint32_t bench_enqueue(struct bench *bench, const struct bench_lane *lane,
				     struct bench_counts *counts)
{
	uint64_t before = bench_ticks(), after;
	uint32_t count = bench->library.enqueue_burst(bench->vid, lane->queue_id,
						      &bench->packets[bench->next_packet],
						      (uint16_t)bench->cell.burst);

	after = bench_ticks();
	if (count == 0) {
		counts->idle_calls++;
		return 0;
	}
	counts->packets += count;
	counts->call_ticks += after - before - bench->tick_cost;
	bench->next_packet += count;
	if (bench->next_packet >= bench->packet_count)
		bench->next_packet -= bench->packet_count;
	return count;
}

/** One call of the kind that is measured. @return packets. */
static inline uint32_t bench_call(struct bench *bench, const struct bench_lane *lane,
				  struct bench_counts *counts)
{
	if (bench->cell.enqueue)
		return bench_enqueue(bench, lane, counts);
	return bench_dequeue(bench, lane, counts);
}

/** The queue whose turn it is. */
static inline struct bench_lane *bench_next_lane(struct bench *bench)
{
	struct bench_lane *lane = &bench->lanes[bench->next_lane];

	bench->next_lane = bench->next_lane + 1 == bench->cell.queues ? 0 : bench->next_lane + 1;
	return lane;
}

#endif
