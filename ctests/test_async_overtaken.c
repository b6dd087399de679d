/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A connection that ends while packets have overtaken others (RTE_VHOST_ASYNC_RELAXED_ORDER), of an
 * application that does not clear its queues. The next connection goes on behind as many chains as
 * were used: those that were overtaken must be among them. Else a chain is taken that the guest has
 * back, and may have given to somebody else, and another one is never used.
 */
#include <unistd.h>

#include "bench.h"

#define LARGE 1500
#define SMALL 100

static struct bench *open_relaxed(void **state)
{
	struct bench_config config;

	bench_config_init(&config);
	config.async.features |= RTE_VHOST_ASYNC_RELAXED_ORDER;
	return bench_open(state, &config);
}

static void overtaken_packets_from_the_guest_do_not_come_twice(void **state)
{
	struct bench *bench = open_relaxed(state);
	struct rte_mbuf *pkts[9];

	bench_send(bench, LARGE, NULL);
	bench_send_many(bench, 3, SMALL);
	bench_send_many(bench, 2, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 3);
	assert_int_equal(bench->from.inflight, 3);
	bench->engines[TX].slow = 20;
	bench_hang_up(bench);
	/* The first one was overtaken, and is lost; nobody did the last two. */
	guest_tx_reap(bench->tx);
	assert_int_equal(bench->tx->in_flight, 2);
	bench_come_back(bench);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 2);
	for (int i = 0; i < 2; i++)
		bench_accept(bench, pkts[i]);
	guest_tx_reap(bench->tx);
	assert_int_equal(bench->tx->in_flight, 0);
	bench_send_many(bench, 5, SMALL);
	assert_int_equal(bench_dequeue(bench, 8), 5);
	bench_close(bench);
}

static void overtaken_packets_to_the_guest_arrive(void **state)
{
	struct bench *bench = open_relaxed(state);

	assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
	assert_int_equal(bench_enqueue(bench, 3, SMALL), 3);
	assert_int_equal(bench_enqueue(bench, 2, LARGE), 2);
	assert_int_equal(bench_receive(bench), 3);
	bench->engines[RX].slow = 20;
	bench_hang_up(bench);
	bench->to.returned = bench->to.sent;
	/* The last two were not shown to the guest. */
	assert_int_equal(bench_receive(bench), 1);
	bench->to.delivered = bench->to.sent;
	bench_come_back(bench);
	engine_behave(&bench->engines[RX]);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(bench_enqueue(bench, 2, i & 1 ? LARGE : SMALL), 2);
		bench_collect(bench, 8);
		assert_int_equal(bench_receive(bench), 2);
	}
	bench_close(bench);
}

/* What holds the event thread up has its bound. */
static void an_engine_that_holds_on_is_not_waited_for_in_vain(void **state)
{
	struct bench *bench = open_relaxed(state);
	struct guest *guest = bench->guest;

	bench_send(bench, LARGE, NULL);
	bench_send(bench, SMALL, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	guest_disconnect(guest);
	sleep(2);
	assert_int_equal(bench->vid, -1);
	guest_tx_reap(bench->tx);
	assert_int_equal(bench->tx->in_flight, 1);
	assert_int_equal(engine_finish(&bench->engines[TX], ENGINE_ALL), 1);
	bench_hang_up(bench);
	bench->from.inflight = 0;
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(overtaken_packets_from_the_guest_do_not_come_twice),
		BENCH_TEST(overtaken_packets_to_the_guest_arrive),
		BENCH_TEST(an_engine_that_holds_on_is_not_waited_for_in_vain),
	};

	return BENCH_RUN(tests);
}
