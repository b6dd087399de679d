/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A ring that begins anew with fewer slots than there are packets of the one before, which are
 * complete, and which the application has not fetched. The guest's driver chooses the number of
 * slots, and when: one that is loaded anew, or one that means harm.
 */
#include <unistd.h>

#include "bench.h"

#define LARGE 1500
#define FEW 2
#define WAITING 3

/** A bench with packets that wait; the ring of queue @p index then has fewer slots. */
static struct bench *open_resized(void **state, uint32_t index)
{
	struct bench *bench = bench_open_busy(state, LARGE);
	struct guest_queue *queue = &bench->guest->queues[index];

	bench->engines[TX].slow = bench->engines[RX].slow = 20;
	assert_int_equal(guest_get_vring_base(&bench->guest->frontend, index, &queue->base), 0);
	assert_int_equal(engine_held(&bench->engines[index]), 0);
	bench_renew_ring(queue, FEW);
	assert_int_equal(guest_send_ring(bench->guest, index), 0);
	assert_true(bench_wait(bench_has_device, bench));
	engine_behave(&bench->engines[TX]);
	engine_behave(&bench->engines[RX]);
	return bench;
}

static void more_packets_wait_than_the_receive_ring_has_slots(void **state)
{
	struct bench *bench = open_resized(state, RX);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(bench->app.mp), *done;
	uint32_t completed = 0;

	guest_rx_fill(bench->rx);
	guest_submit(bench->rx);
	assert_non_null(rte_pktmbuf_append(mbuf, LARGE));
	/* No more in flight than the ring has slots. */
	assert_int_equal(rte_vhost_submit_enqueue_burst(bench->vid, RX, &mbuf, 1, &done,
							&completed), 0);
	rte_pktmbuf_free(mbuf);
	/* Of those that are complete, as many as it had places for. */
	assert_int_equal(completed, 1);
	bench_take_back(bench, &done, 1);
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, RX), WAITING - 1);
	assert_int_equal(bench_collect(bench, 8), WAITING - 1);
	/* The guest forgot them with its ring. */
	bench->to.delivered = WAITING;
	assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
	assert_int_equal(bench_collect(bench, 8), 1);
	assert_int_equal(bench_receive(bench), 1);
	bench_close(bench);
}

static void more_packets_wait_than_the_transmit_ring_has_slots(void **state)
{
	struct bench *bench = open_resized(state, TX);
	struct rte_mbuf *pkts[WAITING + 2];

	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 0), 0);
	assert_int_equal(bench->from.inflight, WAITING);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 1), 1);
	assert_int_equal(bench->from.inflight, WAITING - 1);
	bench_accept(bench, pkts[0]);
	while (bench->from.inflight > 0)
		assert_int_equal(bench_dequeue(bench, 1), 1);
	if (bench->from.returned < bench->from.sent)
		assert_int_equal(bench_dequeue(bench, 1), 1);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(more_packets_wait_than_the_receive_ring_has_slots),
		BENCH_TEST(more_packets_wait_than_the_transmit_ring_has_slots),
	};

	return BENCH_RUN(tests);
}
