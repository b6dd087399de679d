/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Defects of DPDK's asynchronous copies that must be absent: S33 to S37. */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"

#define SMALL 64
#define LARGE 1500

static void s33_each_device_counts_for_itself(void **state)
{
	struct rte_mbuf *taken[512];
	struct bench_config config;
	struct bench *first, *second;

	bench_config_init(&config);
	first = bench_open(state, &config);
	second = bench_open(state, &config);
	assert_int_not_equal(first->vid, second->vid);
	first->held = pool_hold(&first->pool, 0, taken);
	bench_send(first, LARGE, NULL);
	bench_send(second, LARGE, NULL);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(bench_dequeue(first, 8), 0);
		assert_int_equal(bench_stats(first, TX).pool_empty, i);
	}
	assert_int_equal(bench_dequeue(second, 8), 0);
	assert_int_equal(second->from.inflight, 1);
	assert_int_equal(bench_stats(second, TX).pool_empty, 0);
	assert_int_equal(bench_stats(first, RX).pool_empty, 0);
	assert_int_equal(guest_bad_add(second->tx, GUEST_BAD_TABLE_EMPTY, first->frame, SMALL, 0),
			 0);
	guest_submit(second->tx);
	engine_behave(&second->engines[TX]);
	assert_int_equal(bench_dequeue(second, 8), 1);
	assert_int_equal(bench_stats(second, TX).dropped_bad_chain, 1);
	assert_int_equal(bench_stats(first, TX).dropped_bad_chain, 0);
	rte_pktmbuf_free_bulk(taken, first->held);
	first->held = 0;
	engine_behave(&first->engines[TX]);
	assert_int_equal(bench_dequeue(first, 8), 1);
	bench_close(second);
	bench_close(first);
}

/** What calls on a locked queue said. */
struct locked {
	struct bench *bench;
	int calls, unregistered, inflight, dequeued;
	uint16_t count;
};

static void call_locked(struct engine *engine, void *data)
{
	struct locked *locked = data;
	struct rte_mbuf *pkts[8];

	(void)engine;
	locked->calls++;
	locked->unregistered = rte_vhost_async_channel_unregister(locked->bench->vid, TX);
	locked->inflight = rte_vhost_async_get_inflight(locked->bench->vid, TX);
	locked->count = rte_vhost_async_try_dequeue_burst(locked->bench->vid, TX,
		locked->bench->pool.mp, pkts, 8, &locked->dequeued);
}

static void s34_registration_is_tested_under_the_lock(void **state)
{
	struct locked locked = { .inflight = 5, .dequeued = 5 };
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	bench = locked.bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	bench->engines[TX].hook = call_locked;
	bench->engines[TX].hook_data = &locked;
	bench_send(bench, LARGE, NULL);
	/* The burst holds the lock while it asks the engine: nobody gets past it. */
	assert_int_equal(bench_dequeue(bench, 8), 1);
	assert_int_equal(locked.calls, 1);
	assert_int_equal(locked.unregistered, -1);
	assert_int_equal(locked.inflight, -1);
	assert_int_equal(locked.dequeued, -1);
	assert_int_equal(locked.count, 0);
	assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, TX), 0);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 0);
	assert_int_equal(bench->from.inflight, -1);
	assert_int_equal(bench_register(bench, TX), 0);
	bench->engines[TX].hook = NULL;
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

/** A thread that registers and unregisters. */
struct toggler {
	struct bench *bench;
	bool stop;
	uint64_t turns;
};

static void *toggle(void *data)
{
	struct toggler *toggler = data;

	while (!__atomic_load_n(&toggler->stop, __ATOMIC_ACQUIRE)) {
		if (rte_vhost_async_channel_unregister(toggler->bench->vid, TX) < 0)
			continue;
		__atomic_add_fetch(&toggler->turns, 1, __ATOMIC_RELAXED);
		if (bench_register(toggler->bench, TX) < 0)
			abort();
	}
	return NULL;
}

static void s34_registration_may_change_during_bursts(void **state)
{
	struct toggler toggler = { 0 };
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;
	pthread_t thread;

	bench_config_init(&config);
	bench = toggler.bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(pthread_create(&thread, NULL, toggle, &toggler), 0);
	while (bench->from.returned < 3000 ||
	       __atomic_load_n(&toggler.turns, __ATOMIC_RELAXED) < 100) {
		uint16_t got;

		if (bench->from.sent - bench->from.returned < 64)
			bench_send(bench, LARGE, NULL);
		got = bench_dequeue_raw(bench, pkts, 8);
		for (uint16_t i = 0; i < got; i++)
			bench_accept(bench, pkts[i]);
		guest_tx_reap(bench->tx);
	}
	__atomic_store_n(&toggler.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	while (bench->from.returned < bench->from.sent)
		bench_dequeue(bench, 8);
	bench_close(bench);
}

/** Stop a queue's ring; the device stops with it, and is asked all the same. */
static void stop_ring(struct bench *bench, uint16_t queue, uint32_t expected)
{
	int vid = bench->vid;
	uint32_t base = 0;

	assert_int_equal(guest_get_vring_base(&bench->guest->frontend, queue, &base), 0);
	assert_int_equal(base, bench_base(&bench->guest->queues[queue], expected));
	assert_int_equal(bench->vid, -1);
	bench->vid = vid;
}

static void s35_completion_needs_no_ring(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 6, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	bench->engines[TX].slow = 5;
	stop_ring(bench, TX, 6);
	/* The guest has its buffers, the application not yet its packets. */
	assert_int_equal(guest_tx_reap(bench->tx), 6);
	bench_check(bench);
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), 6);
	assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, TX), -1);
	assert_int_equal(bench_clear(bench, 2), 2);
	assert_int_equal(bench_dequeue(bench, 2), 2);
	assert_int_equal(bench->from.inflight, 2);
	assert_int_equal(bench_clear(bench, 8), 2);
	assert_int_equal(bench_clear(bench, 8), 0);
	assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, TX), 0);
	bench_close(bench);
}

static void s35_completion_needs_no_ring_to_the_guest(void **state)
{
	struct rte_mbuf *pkts[9];
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	assert_int_equal(bench_enqueue(bench, 6, LARGE), 6);
	bench->engines[RX].slow = 5;
	stop_ring(bench, RX, 6);
	assert_int_equal(bench_receive(bench), 6);
	assert_int_equal(rte_vhost_clear_queue_thread_unsafe(bench->vid, RX, pkts, 4), 4);
	bench_take_back(bench, pkts, 4);
	bench_check(bench);
	assert_int_equal(bench_collect(bench, 8), 2);
	assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, RX), 0);
	bench_close(bench);
}

static void s37_lengths_are_added_up_in_64_bits(void **state)
{
	struct rtevhostswift_vring_stats stats;
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	/* Large enough that two lengths add up to 2^32 inside of memory; never touched. */
	config.guest.region_size = 3ULL << 30;
	bench = bench_open(state, &config);
	memset(bench->frame, 0, SMALL);
	assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_LENGTH_SUM, bench->frame, SMALL, 0),
			 0);
	assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_TOO_LARGE, bench->frame, SMALL, 0),
			 0);
	assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_LENGTH_MAX, bench->frame, SMALL, 0),
			 0);
	guest_submit(bench->tx);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench->engines[TX].offered, 0);
	assert_int_equal(bench->tx->stats.used, 3);
	stats = bench_stats(bench, TX);
	assert_int_equal(stats.dropped_too_long, 2);
	assert_int_equal(stats.dropped_unmapped, 1);
	bench_close(bench);
}

static void s37_the_longest_packet_is_65557_bytes(void **state)
{
	static const uint32_t sizes[] = { 65535, 65536, 65549, 65550, 65557 };
	static uint8_t bytes[12 + 65558];
	uint32_t lengths[34] = { 12 };
	struct bench_config config;
	struct bench *bench;

	for (int i = 1; i < 33; i++)
		lengths[i] = 2048;
	lengths[33] = 65558 - 32 * 2048;
	bench_config_init(&config);
	bench = bench_open(state, &config);
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		bench_send(bench, sizes[i], NULL);
		assert_true(guest_tx_cut(bench->tx, bytes, sizeof(bytes), lengths, 34,
					 false) >= 0);
		guest_submit(bench->tx);
		assert_int_equal(bench_dequeue(bench, 8), 0);
		assert_int_equal(bench->from.inflight, 1);
		engine_finish(&bench->engines[TX], 1);
		assert_int_equal(bench_dequeue(bench, 8), 1);
		assert_int_equal(bench_stats(bench, TX).dropped_too_long, i + 1);
		assert_int_equal(bench->tx->stats.used, 2 * (i + 1));
	}
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(s33_each_device_counts_for_itself),
		BENCH_TEST(s34_registration_is_tested_under_the_lock),
		BENCH_TEST(s34_registration_may_change_during_bursts),
		BENCH_TEST(s35_completion_needs_no_ring),
		BENCH_TEST(s35_completion_needs_no_ring_to_the_guest),
		BENCH_TEST(s37_lengths_are_added_up_in_64_bits),
		BENCH_TEST(s37_the_longest_packet_is_65557_bytes),
	};

	return BENCH_RUN(tests);
}
