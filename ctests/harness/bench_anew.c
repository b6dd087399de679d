/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Rings and connections that begin anew. */
#include "bench.h"

bool bench_has_device(void *data)
{
	/* Behind an IOMMU rings start when their addresses are known. */
	bench_serve(data);
	return ((struct bench *)data)->vid >= 0;
}

void bench_renew_ring(struct guest_queue *queue, uint32_t size)
{
	queue->size = size;
	guest_queue_reset(queue);
	queue->stats.added = queue->stats.used = 0;
	queue->base = bench_base(queue, 0);
}

void bench_come_back(struct bench *bench)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bench->engines[i].violations, 0);
		engine_destroy(&bench->engines[i]);
	}
	bench->started = false;
	bench->from.inflight = 0;
	assert_int_equal(guest_connect(bench->guest), 0);
	bench_start(bench);
}
