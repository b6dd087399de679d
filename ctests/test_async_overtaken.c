/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A connection that ends while packets have overtaken others (RTE_VHOST_ASYNC_RELAXED_ORDER), of an
 * application that does not clear its queues. The next connection goes on behind as many chains as
 * were used: those that were overtaken must be among them. Else a chain is taken that the guest has
 * back, and may have given to somebody else, and another one is never used.
 */
#include <pthread.h>
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

static _Atomic bool begun, stopped;
static uint32_t delay;

/** Take what there is, in any order. */
static void take(struct bench *bench, int vid)
{
	struct rte_mbuf *pkts[8];
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;
	int inflight;
	uint16_t count = rte_vhost_async_try_dequeue_burst(vid, TX, bench->pool.mp, pkts, 8,
							   &inflight);

	for (uint16_t i = 0; i < count; i++) {
		if (guest_packet_check(rte_pktmbuf_mtod(pkts[i], const uint8_t *),
				       pkts[i]->pkt_len, &stamp, &hash, &swapped) != 0)
			abort();
		rte_pktmbuf_free(pkts[i]);
	}
}

static void begin(struct bench *bench, int vid)
{
	(void)bench;
	(void)vid;
	begun = true;
}

static void *take_from_the_end_on(void *argument)
{
	struct bench *bench = argument;
	int vid = bench->vid;

	while (!begun)
		;
	usleep(delay);
	while (!stopped)
		take(bench, vid);
	return NULL;
}

static bool is_gone(void *data)
{
	char path[64];

	return rte_vhost_get_ifname(*(int *)data, path, sizeof(path)) < 0;
}

/** The device goes; a thread then takes what was complete and did not find room before. */
static void go_away(struct bench *bench)
{
	int vid = bench->vid;
	pthread_t thread;

	begun = stopped = false;
	bench->engines[TX].at_once = false;
	bench_send_many(bench, 8, LARGE);
	take(bench, vid);
	assert_int_equal(engine_finish(&bench->engines[TX], ENGINE_ALL), 8);
	bench_send(bench, LARGE, NULL);
	bench_send_many(bench, 7, SMALL);
	take(bench, vid);
	assert_int_equal(rte_vhost_async_get_inflight(vid, TX), 8);
	bench->engines[TX].slow = 20000;
	bench->ending = begin;
	assert_int_equal(pthread_create(&thread, NULL, take_from_the_end_on, bench), 0);
	guest_disconnect(bench->guest);
	assert_true(bench_wait(is_gone, &vid));
	stopped = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	bench_hang_up(bench);
}

/*
 * No call leaves a gap behind the last look for one: each chain is used, and once. What the thread
 * takes when the ring is gone is not used, and comes again.
 */
static void a_thread_takes_packets_until_the_ring_is_gone(void **state)
{
	struct bench *bench = open_relaxed(state);

	for (int round = 0; round < 40; round++) {
		delay = 10 * (uint32_t)round;
		go_away(bench);
		bench_come_back(bench);
		engine_behave(&bench->engines[TX]);
		for (int i = 0; i < 1000 && bench->tx->in_flight > 0; i++) {
			take(bench, bench->vid);
			guest_tx_reap(bench->tx);
		}
		assert_int_equal(bench->tx->in_flight, 0);
		assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), 0);
	}
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(overtaken_packets_from_the_guest_do_not_come_twice),
		BENCH_TEST(overtaken_packets_to_the_guest_arrive),
		BENCH_TEST(a_thread_takes_packets_until_the_ring_is_gone),
		BENCH_TEST(an_engine_that_holds_on_is_not_waited_for_in_vain),
	};

	return BENCH_RUN(tests);
}
