/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What goes wrong with pools, rings and engines, but for rings that stop meanwhile. */
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"
#include "guest_split.h"

#define SMALL 64
#define LARGE 1500

static void an_empty_pool_stops_the_burst(void **state)
{
	struct rte_mbuf *taken[512];
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 20, LARGE);
	bench->held = pool_hold(&bench->pool, 7, taken);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(bench->from.inflight, 7);
	assert_int_equal(bench_stats(bench, TX).pool_empty, 1);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(bench->from.inflight, 7);
	/* Completions come all the same. */
	engine_finish(&bench->engines[TX], 7);
	assert_int_equal(bench_dequeue(bench, 32), 7);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench->tx->stats.used, 7);
	rte_pktmbuf_free_bulk(taken, bench->held);
	bench->held = 0;
	assert_int_equal(bench_dequeue(bench, 32), 0);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 32), 13);
	bench_close(bench);
}

static void a_pool_that_ends_in_mid_packet_loses_nothing(void **state)
{
	struct rte_mbuf *taken[512];
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 500;
	bench = bench_open(state, &config);
	/* Five mbufs each; small pieces of a packet that is given up are copied by the CPU. */
	for (int i = 0; i < 4; i++)
		bench_send(bench, 9000, NULL);
	for (uint32_t leave = 0; leave < 10; leave++) {
		bench->held = pool_hold(&bench->pool, leave, taken);
		assert_int_equal(bench_dequeue(bench, 1), 0);
		assert_int_equal(bench->from.inflight, leave / 5);
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		rte_pktmbuf_free_bulk(taken, bench->held);
		bench->held = 0;
		bench_clear(bench, 8);
		if (bench->from.returned == bench->from.sent)
			bench_send(bench, 9000, NULL);
	}
	assert_true(bench->from.returned >= 4);
	bench_close(bench);
}

static void a_broken_ring_is_stopped_until_it_is_set_up(void **state, enum guest_bad kind)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 4, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(guest_bad_add(bench->tx, kind, NULL, 0, 0), 0);
	/* What is in flight still comes back, nothing more is taken, and it is counted once. */
	engine_finish(&bench->engines[TX], 2);
	assert_int_equal(bench_dequeue(bench, 8), 2);
	assert_int_equal(bench->from.inflight, 2);
	assert_int_equal(bench_stats(bench, TX).ring_broken, 1);
	guest_split_set_available_index(bench->tx, bench->tx->published);
	bench_send(bench, LARGE, NULL);
	engine_finish(&bench->engines[TX], 2);
	assert_int_equal(bench_dequeue(bench, 8), 2);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench_stats(bench, TX).ring_broken, 1);
	bench_restart_ring(bench, bench->tx, 4);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

static void an_index_too_far_ahead_breaks_the_ring(void **state)
{
	a_broken_ring_is_stopped_until_it_is_set_up(state, GUEST_BAD_INDEX_JUMP);
}

static void an_index_that_goes_back_breaks_the_ring(void **state)
{
	a_broken_ring_is_stopped_until_it_is_set_up(state, GUEST_BAD_INDEX_BACK);
}

static void an_index_half_way_round_breaks_the_ring(void **state)
{
	a_broken_ring_is_stopped_until_it_is_set_up(state, GUEST_BAD_INDEX_FAR);
}

static void a_broken_receive_ring_keeps_what_is_in_flight(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	assert_int_equal(bench_enqueue(bench, 3, LARGE), 3);
	guest_split_set_available_index(bench->rx, (uint16_t)(bench->rx->published + 257));
	/* The index is looked at by whoever wants more than was offered before. */
	assert_int_equal(bench_enqueue(bench, 500, LARGE), 0);
	assert_int_equal(bench_stats(bench, RX).ring_broken, 1);
	engine_finish(&bench->engines[RX], 3);
	assert_int_equal(bench_collect(bench, 8), 3);
	guest_split_set_available_index(bench->rx, bench->rx->published);
	assert_int_equal(bench_receive(bench), 3);
	assert_int_equal(bench_enqueue(bench, 3, LARGE), 0);
	assert_int_equal(bench_stats(bench, RX).ring_broken, 1);
	bench_close(bench);
}

static void what_the_engine_refuses_is_offered_again_to_the_guest(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	/* The application keeps what was not taken: bench_enqueue() frees it and checks. */
	for (uint32_t accept = 0; accept <= 8; accept++) {
		bench->engines[RX].accept = accept;
		assert_int_equal(bench_enqueue(bench, 8, LARGE), accept);
		assert_int_equal(bench->to.inflight, accept);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		assert_int_equal(bench_collect(bench, 8), accept);
		assert_int_equal(bench_receive(bench), accept);
	}
	bench->engines[RX].refusals = 2;
	bench->engines[RX].refusal = -22;
	assert_int_equal(bench_enqueue(bench, 8, LARGE), 0);
	assert_int_equal(bench_enqueue(bench, 100, LARGE), 0);
	assert_int_equal(bench_receive(bench), 0);
	assert_int_equal(bench_stats(bench, RX).engine_errors, 2);
	bench_close(bench);
}

static void small_packets_behind_a_refused_one_are_not_taken(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 1000;
	bench = bench_open(state, &config);
	bench->engines[RX].refusals = bench->engines[TX].refusals = 1;
	bench->engines[RX].refusal = bench->engines[TX].refusal = 0;
	bench_send_many(bench, 3, SMALL);
	bench_send(bench, LARGE, NULL);
	bench_send_many(bench, 3, SMALL);
	assert_int_equal(bench_dequeue(bench, 16), 3);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench->tx->stats.used, 3);
	/* Nothing is an error of the engine, it only had no room. */
	assert_int_equal(bench_stats(bench, TX).engine_errors, 0);
	assert_int_equal(bench_stats(bench, TX).engine_refused, 1);
	assert_int_equal(bench_dequeue(bench, 16), 0);
	assert_int_equal(bench->from.inflight, 4);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue(bench, 16), 4);
	bench_close(bench);
}

static void a_bad_chain_in_front_of_a_refused_packet_is_counted_once(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	memset(bench->frame, 0, SMALL);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_UNMAPPED, bench->frame, SMALL, 0), 0);
	bench_send(bench, LARGE, NULL);
	bench->engines[TX].refusals = 3;
	for (int i = 0; i < 3; i++)
		assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench_stats(bench, TX).dropped_unmapped, 0);
	assert_int_equal(bench->tx->stats.used, 0);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 2);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 8), 2);
	assert_int_equal(bench_stats(bench, TX).dropped_unmapped, 1);
	assert_int_equal(bench->tx->stats.used, 3);
	bench_close(bench);
}

static void bad_chains_alone_leave_nothing_in_flight(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	memset(bench->frame, 0, SMALL);
	for (int i = 0; i < 40; i++)
		assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_UNMAPPED, bench->frame, SMALL,
					       0), 0);
	guest_submit(bench->tx);
	assert_int_equal(bench_dequeue(bench, 64), 0);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench->tx->stats.used, 40);
	assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, TX), 0);
	assert_int_equal(bench_register(bench, TX), 0);
	bench_close(bench);
}

static void a_head_offered_twice_is_used_twice(void **state)
{
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	memset(bench->frame, 7, LARGE);
	assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_HEAD_TWICE, bench->frame, LARGE, 0),
			 0);
	guest_submit(bench->tx);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pkts[i]->pkt_len, LARGE);
		rte_pktmbuf_free(pkts[i]);
	}
	assert_int_equal(guest_split_used_index(bench->tx), 2);
	guest_tx_reap(bench->tx);
	assert_int_equal(bench->tx->ghosts, 0);
	bench_check(bench);
	bench_close(bench);
}

static void a_full_receive_ring_recovers(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.ring_size = 16;
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[RX]);
	for (int round = 0; round < 5; round++) {
		assert_int_equal(bench_enqueue(bench, 32, LARGE), 16);
		for (int i = 0; i < 100; i++)
			assert_int_equal(bench_enqueue(bench, 4, LARGE), 0);
		assert_int_equal(bench_collect(bench, 32), 16);
		assert_int_equal(bench_receive(bench), 16);
	}
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(an_empty_pool_stops_the_burst),
		BENCH_TEST(a_pool_that_ends_in_mid_packet_loses_nothing),
		BENCH_TEST_SPLIT(an_index_too_far_ahead_breaks_the_ring),
		BENCH_TEST_SPLIT(an_index_that_goes_back_breaks_the_ring),
		BENCH_TEST_SPLIT(an_index_half_way_round_breaks_the_ring),
		BENCH_TEST_SPLIT(a_broken_receive_ring_keeps_what_is_in_flight),
		BENCH_TEST(what_the_engine_refuses_is_offered_again_to_the_guest),
		BENCH_TEST(small_packets_behind_a_refused_one_are_not_taken),
		BENCH_TEST(a_bad_chain_in_front_of_a_refused_packet_is_counted_once),
		BENCH_TEST(bad_chains_alone_leave_nothing_in_flight),
		BENCH_TEST_SPLIT(a_head_offered_twice_is_used_twice),
		BENCH_TEST(a_full_receive_ring_recovers),
	};

	return BENCH_RUN(tests);
}
