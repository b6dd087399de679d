/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What each function of rte_vhost_async.h promises. */
#include <unistd.h>

#include "bench.h"

#define SMALL 64
#define LARGE 1500
#define NO_VID 1023

static void register_needs_what_it_needs(void **state)
{
	struct rte_vhost_async_channel_ops half = engine_ops;
	struct rte_vhost_async_config async = { 0 };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.bare = true;
	bench = bench_open(state, &config);
	assert_int_equal(rte_vhost_async_channel_register(bench->vid, TX, async, &engine_ops), -1);
	async.features = RTE_VHOST_ASYNC_RELAXED_ORDER;
	assert_int_equal(rte_vhost_async_channel_register(bench->vid, TX, async, &engine_ops), -1);
	async.features = RTE_VHOST_ASYNC_INORDER;
	assert_int_equal(rte_vhost_async_channel_register(bench->vid, TX, async, NULL), -1);
	half.transfer_data = NULL;
	assert_int_equal(rte_vhost_async_channel_register(bench->vid, TX, async, &half), -1);
	half = engine_ops;
	half.check_completed_copies = NULL;
	assert_int_equal(rte_vhost_async_channel_register(bench->vid, TX, async, &half), -1);
	assert_int_equal(rte_vhost_async_channel_register(NO_VID, TX, async, &engine_ops), -1);
	assert_int_equal(rte_vhost_async_channel_register(-1, TX, async, &engine_ops), -1);
	assert_int_equal(rte_vhost_async_channel_register(bench->vid, 2, async, &engine_ops), -1);
	assert_int_equal(rte_vhost_async_channel_register(bench->vid, 65535, async, &engine_ops),
			 -1);
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), -1);
	/* Both directions, once; the table of callbacks is copied. */
	half = engine_ops;
	for (uint16_t queue = RX; queue <= TX; queue++) {
		assert_int_equal(rte_vhost_async_channel_register(bench->vid, queue, async, &half),
				 0);
		assert_int_equal(rte_vhost_async_channel_register(bench->vid, queue, async, &half),
				 -1);
		assert_int_equal(rte_vhost_async_get_inflight(bench->vid, queue), 0);
	}
	memset(&half, 0, sizeof(half));
	engine_behave(&bench->engines[TX]);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

static void register_needs_the_drivers_flag(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.driver_flags = 0;
	config.bare = true;
	bench = bench_open(state, &config);
	assert_int_equal(bench_register(bench, TX), -1);
	assert_int_equal(bench_register(bench, RX), -1);
	assert_int_equal(rte_vhost_async_channel_register_thread_unsafe(bench->vid, TX,
			 config.async, &engine_ops), -1);
	bench_close(bench);
}

static void thread_unsafe_variants_work_in_callbacks(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.callback = true;
	bench = bench_open(state, &config);
	assert_int_equal(bench->changes, 2);
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, RX), 0);
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), 0);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(rte_vhost_async_channel_unregister_thread_unsafe(bench->vid, TX), -1);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	assert_int_equal(rte_vhost_async_channel_unregister_thread_unsafe(bench->vid, TX), 0);
	assert_int_equal(rte_vhost_async_channel_unregister_thread_unsafe(bench->vid, TX), 0);
	assert_int_equal(rte_vhost_async_channel_unregister_thread_unsafe(bench->vid, 2), -1);
	assert_int_equal(rte_vhost_async_channel_unregister_thread_unsafe(NO_VID, TX), -1);
	bench_close(bench);
}

static void unregister_waits_for_nothing(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	assert_int_equal(rte_vhost_async_channel_unregister(NO_VID, TX), -1);
	assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, 2), -1);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
	for (uint16_t queue = RX; queue <= TX; queue++) {
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), -1);
		engine_finish(&bench->engines[queue], 1);
		/* Done is not returned. */
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), -1);
	}
	assert_int_equal(bench_dequeue(bench, 8), 1);
	assert_int_equal(bench_collect(bench, 8), 1);
	for (uint16_t queue = RX; queue <= TX; queue++) {
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), 0);
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), 0);
		assert_int_equal(rte_vhost_async_get_inflight(bench->vid, queue), -1);
		assert_int_equal(bench_register(bench, queue), 0);
	}
	bench_close(bench);
}

static void get_inflight_counts_packets(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	for (int i = 1; i <= 5; i++) {
		bench_send(bench, LARGE, NULL);
		assert_int_equal(bench_dequeue(bench, 8), 0);
		assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), i);
		assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
		assert_int_equal(rte_vhost_async_get_inflight(bench->vid, RX), i);
	}
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, 2), -1);
	assert_int_equal(rte_vhost_async_get_inflight(-1, TX), -1);
	assert_int_equal(rte_vhost_async_get_inflight(NO_VID, TX), -1);
	bench_close(bench);
}

static void submit_returns_what_needs_no_engine(void **state)
{
	struct rte_mbuf *pkts[4] = { NULL }, *done[4];
	struct bench_config config;
	struct bench *bench;
	uint32_t count = 9;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	/* Small packets come back at once, in comp_pkts: bench_enqueue() books them. */
	assert_int_equal(bench_enqueue(bench, 3, SMALL), 3);
	assert_int_equal(bench->to.inflight, 0);
	assert_int_equal(bench_receive(bench), 3);
	/* Behind a large one they wait. */
	assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
	assert_int_equal(bench_enqueue(bench, 2, SMALL), 2);
	assert_int_equal(bench->to.inflight, 3);
	assert_int_equal(bench_receive(bench), 0);
	engine_finish(&bench->engines[RX], 1);
	assert_int_equal(bench_collect(bench, 2), 2);
	assert_int_equal(bench_collect(bench, 2), 1);
	assert_int_equal(bench_receive(bench), 3);
	/* A NULL packet ends the burst; others are errors. */
	assert_int_equal(rte_vhost_submit_enqueue_burst(bench->vid, RX, pkts, 4, done, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(rte_vhost_submit_enqueue_burst(bench->vid, RX, NULL, 4, done, &count), 0);
	assert_int_equal(rte_vhost_submit_enqueue_burst(bench->vid, RX, pkts, 4, NULL, &count), 0);
	assert_int_equal(rte_vhost_submit_enqueue_burst(bench->vid, RX, pkts, 4, done, NULL), 0);
	assert_int_equal(bench_enqueue(bench, 0, LARGE), 0);
	bench_close(bench);
}

static void enqueue_calls_want_their_queue(void **state)
{
	struct rte_mbuf *pkts[1], *done[1];
	struct bench_config config;
	struct bench *bench;
	uint32_t count;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	pkts[0] = rte_pktmbuf_alloc(bench->app.mp);
	rte_pktmbuf_append(pkts[0], SMALL);
	for (int i = 0; i < 3; i++) {
		static const uint16_t queues[] = { TX, 2, 65535 };

		count = 9;
		assert_int_equal(rte_vhost_submit_enqueue_burst(bench->vid, queues[i], pkts, 1,
								done, &count), 0);
		assert_int_equal(count, 0);
		assert_int_equal(rte_vhost_poll_enqueue_completed(bench->vid, queues[i], done, 1),
				 0);
	}
	assert_int_equal(rte_vhost_submit_enqueue_burst(NO_VID, RX, pkts, 1, done, &count), 0);
	assert_int_equal(rte_vhost_poll_enqueue_completed(NO_VID, RX, done, 1), 0);
	assert_int_equal(rte_vhost_poll_enqueue_completed(bench->vid, RX, NULL, 1), 0);
	assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, RX), 0);
	assert_int_equal(rte_vhost_submit_enqueue_burst(bench->vid, RX, pkts, 1, done, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(rte_vhost_poll_enqueue_completed(bench->vid, RX, done, 1), 0);
	rte_pktmbuf_free(pkts[0]);
	bench_check(bench);
	bench_close(bench);
}

static int inflight_of(struct bench *bench, int vid, uint16_t queue)
{
	struct rte_mbuf *pkts[4];
	int inflight = 77;

	assert_int_equal(rte_vhost_async_try_dequeue_burst(vid, queue, bench->pool.mp, pkts, 4,
							   &inflight), 0);
	return inflight;
}

static void dequeue_says_minus_one_where_there_is_nothing(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	assert_int_equal(inflight_of(bench, bench->vid, TX), 0);
	assert_int_equal(inflight_of(bench, -1, TX), -1);
	assert_int_equal(inflight_of(bench, NO_VID, TX), -1);
	assert_int_equal(inflight_of(bench, 1 << 20, TX), -1);
	assert_int_equal(inflight_of(bench, bench->vid, RX), -1);
	assert_int_equal(inflight_of(bench, bench->vid, 3), -1);
	assert_int_equal(inflight_of(bench, bench->vid, 65535), -1);
	assert_int_equal(guest_set_vring_enable(&bench->guest->frontend, TX, false), 0);
	assert_int_equal(inflight_of(bench, bench->vid, TX), -1);
	assert_int_equal(guest_set_vring_enable(&bench->guest->frontend, TX, true), 0);
	assert_int_equal(inflight_of(bench, bench->vid, TX), 0);
	assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, TX), 0);
	assert_int_equal(inflight_of(bench, bench->vid, TX), -1);
	bench_close(bench);
}

static void dequeue_takes_what_there_is_room_for(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 20, LARGE);
	/* Up to count new ones in each call, whatever is in flight. */
	assert_int_equal(bench_dequeue(bench, 0), 0);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench_dequeue(bench, 7), 0);
	assert_int_equal(bench->from.inflight, 7);
	assert_int_equal(bench_dequeue(bench, 7), 0);
	assert_int_equal(bench->from.inflight, 14);
	engine_finish(&bench->engines[TX], 10);
	assert_int_equal(bench_dequeue(bench, 6), 6);
	assert_int_equal(bench->from.inflight, 14);
	engine_finish(&bench->engines[TX], 10);
	assert_int_equal(bench_dequeue(bench, 30), 14);
	assert_int_equal(bench->from.inflight, 0);
	bench_close(bench);
}

static void clear_queue_serves_both_directions(void **state)
{
	struct bench *bench = bench_open_busy(state, LARGE);
	struct rte_mbuf *pkts[8];

	assert_int_equal(bench_clear(bench, 8), 0);
	engine_finish(&bench->engines[TX], 2);
	engine_finish(&bench->engines[RX], 2);
	/* It takes nothing new. */
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_clear(bench, 8), 2);
	assert_int_equal(bench->tx->stats.used, 2);
	assert_int_equal(rte_vhost_clear_queue_thread_unsafe(bench->vid, RX, pkts, 8), 2);
	bench_take_back(bench, pkts, 2);
	assert_int_equal(bench_receive(bench), 2);
	assert_int_equal(rte_vhost_clear_queue_thread_unsafe(bench->vid, 2, pkts, 8), 0);
	assert_int_equal(rte_vhost_clear_queue_thread_unsafe(NO_VID, TX, pkts, 8), 0);
	assert_int_equal(rte_vhost_clear_queue_thread_unsafe(bench->vid, TX, NULL, 8), 0);
	bench_close(bench);
}

static void synchronous_calls_do_not_overtake(void **state)
{
	struct bench_config config;
	struct rte_mbuf *pkts[8];
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 2, LARGE);
	assert_int_equal(bench_dequeue(bench, 1), 0);
	assert_int_equal(rte_vhost_dequeue_burst(bench->vid, TX, bench->pool.mp, pkts, 8), 0);
	bench_check(bench);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_clear(bench, 8), 1);
	assert_int_equal(rte_vhost_dequeue_burst(bench->vid, TX, bench->pool.mp, pkts, 8), 1);
	bench_accept(bench, pkts[0]);
	guest_tx_reap(bench->tx);
	bench_close(bench);
}

static void a_new_connection_starts_without_a_channel(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	bench_send_many(bench, 5, LARGE);
	assert_int_equal(bench_dequeue(bench, 3), 3);
	bench_hang_up(bench);
	assert_int_equal(bench->vid, -1);
	assert_int_equal(guest_connect(bench->guest), 0);
	bench_start(bench);
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), -1);
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, RX), -1);
	assert_int_equal(bench_stats(bench, TX).packets, 0);
	assert_int_equal(bench_register(bench, TX), 0);
	assert_int_equal(bench_dequeue(bench, 8), 2);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(register_needs_what_it_needs),
		BENCH_TEST(register_needs_the_drivers_flag),
		BENCH_TEST(thread_unsafe_variants_work_in_callbacks),
		BENCH_TEST(unregister_waits_for_nothing),
		BENCH_TEST(get_inflight_counts_packets),
		BENCH_TEST(submit_returns_what_needs_no_engine),
		BENCH_TEST(enqueue_calls_want_their_queue),
		BENCH_TEST(dequeue_says_minus_one_where_there_is_nothing),
		BENCH_TEST(dequeue_takes_what_there_is_room_for),
		BENCH_TEST(clear_queue_serves_both_directions),
		BENCH_TEST(synchronous_calls_do_not_overtake),
		BENCH_TEST(a_new_connection_starts_without_a_channel),
	};

	return BENCH_RUN(tests);
}
