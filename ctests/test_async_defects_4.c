/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Defects of DPDK's asynchronous copies that must be absent: S24 to S31, without S27. */
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"
#include "guest_snapshot.h"
#include "guest_split.h"

#define SMALL 64
#define LARGE 1500

static void no_starving(void **state, uint32_t features)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.features |= features;
	bench = bench_open(state, &config);
	for (int i = 0; i < 40; i++) {
		bench_send(bench, i % 8 ? SMALL : LARGE, NULL);
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		bench_dequeue(bench, 1);
	}
	/* More small packets wait than a call has room for, and the large ones still come. */
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	bench_send_many(bench, 100, SMALL);
	for (int i = 0; i < 5; i++)
		assert_int_equal(bench_dequeue(bench, 4), 4);
	for (uint64_t i = 0; i < 24; i += 8)
		assert_true(bench->from.seen[i]);
	while (bench->from.returned < bench->from.sent)
		assert_true(bench_dequeue(bench, 4) > 0);
	bench_close(bench);
}

static void s24_small_packets_do_not_starve_completions(void **state)
{
	no_starving(state, 0);
}

static void s24_small_packets_do_not_starve_completions_relaxed(void **state)
{
	no_starving(state, RTE_VHOST_ASYNC_RELAXED_ORDER);
}

static void s24_completions_come_when_no_descriptor_is_free(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.ring_size = 16;
	bench = bench_open(state, &config);
	bench_send_many(bench, 16, LARGE);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(bench->from.inflight, 16);
	for (int i = 0; i < 16; i++) {
		engine_finish(&bench->engines[TX], 1);
		/* Nothing new is offered. */
		assert_int_equal(bench_dequeue(bench, 1), 1);
		assert_int_equal(bench->from.inflight, 15 - i);
	}
	bench_close(bench);
}

static void s25_never_more_in_flight_than_slots(void **state)
{
	struct bench_config config;
	struct bench *bench;
	uint16_t index;

	bench_config_init(&config);
	config.guest.ring_size = 32;
	bench = bench_open(state, &config);
	bench_send_many(bench, 32, LARGE);
	assert_int_equal(bench_dequeue(bench, 64), 0);
	assert_int_equal(bench->from.inflight, 32);
	/* The guest offers all of its heads again before the device has used them. */
	index = bench->tx->published;
	guest_split_set_available_index(bench->tx, (uint16_t)(index + 32));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bench_dequeue(bench, 64), 0);
		assert_int_equal(bench->from.inflight, 32);
		assert_int_equal(bench->engines[TX].offered, 32);
	}
	guest_split_set_available_index(bench->tx, index);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 64), 32);
	assert_int_equal(bench_stats(bench, TX).ring_broken, 0);
	bench_close(bench);
}

static void s25_never_more_in_flight_than_slots_to_the_guest(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.ring_size = 32;
	bench = bench_open(state, &config);
	assert_int_equal(bench_enqueue(bench, 64, LARGE), 32);
	assert_int_equal(bench_enqueue(bench, 64, LARGE), 0);
	guest_split_set_available_index(bench->rx, (uint16_t)(bench->rx->published + 32));
	assert_int_equal(bench_enqueue(bench, 64, LARGE), 0);
	guest_split_set_available_index(bench->rx, bench->rx->published);
	engine_finish(&bench->engines[RX], ENGINE_ALL);
	assert_int_equal(bench_collect(bench, 64), 32);
	assert_int_equal(bench_receive(bench), 32);
	bench_close(bench);
}

static void s26_a_disabled_queue_gives_its_packets_back(void **state)
{
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 5, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	bench->engines[TX].slow = 10;
	assert_int_equal(guest_set_vring_enable(&bench->guest->frontend, TX, false), 0);
	/* The reply came when the engine had finished, not before. */
	assert_int_equal(engine_held(&bench->engines[TX]), 0);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 3), 3);
	assert_int_equal(bench->from.inflight, 2);
	assert_int_equal(bench_dequeue(bench, 8), 2);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 0);
	assert_int_equal(bench->from.inflight, -1);
	assert_int_equal(guest_set_vring_enable(&bench->guest->frontend, TX, true), 0);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

static void s26_a_disabled_queue_gives_the_applications_packets_back(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
	bench->engines[RX].slow = 10;
	assert_int_equal(guest_set_vring_enable(&bench->guest->frontend, RX, false), 0);
	assert_int_equal(engine_held(&bench->engines[RX]), 0);
	assert_int_equal(bench_receive(bench), 5);
	assert_int_equal(bench_enqueue(bench, 1, LARGE), 0);
	assert_int_equal(bench_collect(bench, 3), 3);
	assert_int_equal(bench_collect(bench, 8), 2);
	bench_close(bench);
}

static void s28_threshold_zero_makes_no_empty_copies(void **state)
{
	static const uint32_t sizes[] = { 14, 15, 2047, 2048, 2049, 4096, 4097, 65535 };
	struct guest_shape shape = { 0 };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	engine_behave(&bench->engines[RX]);
	/* The engine complains of a piece of no bytes; sizes end where mbufs and buffers do. */
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (shape.header_pieces = 0; shape.header_pieces < 3; shape.header_pieces++) {
			bench_send(bench, sizes[i], &shape);
			assert_int_equal(bench_dequeue(bench, 8), 1);
		}
		assert_int_equal(bench_enqueue(bench, 1, sizes[i]), 1);
		assert_int_equal(bench_collect(bench, 8), 1);
		assert_int_equal(bench_receive(bench), 1);
	}
	assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_ZERO_CHAIN, NULL, 0, 0), 0);
	guest_submit(bench->tx);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->engines[TX].bytes, bench->engines[RX].bytes * 3);
	bench_close(bench);
}

/* More of it in test_migration_async.c. */
static void s30_pages_are_dirty_when_their_copy_is_done(void **state)
{
	struct guest_snapshot copy;
	struct guest_log log;
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	bench = bench_open(state, &config);
	assert_int_equal(guest_log_start(bench->guest, &log), 0);
	assert_int_equal(guest_snapshot_begin(&copy, bench->guest), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(bench_enqueue(bench, 4, LARGE), 4);
		guest_snapshot_round(&copy, &log);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		assert_int_equal(guest_log_count(&log), 0);
		assert_int_equal(bench_collect(bench, 8), 4);
		/* The pages that are marked are all that changed, used ring included. */
		assert_true(guest_snapshot_differs(&copy, NULL) > 0);
		guest_snapshot_round(&copy, &log);
		assert_int_equal(guest_snapshot_differs(&copy, NULL), 0);
		assert_int_equal(bench_receive(bench), 4);
		/* From the guest: the used ring alone. */
		bench_send(bench, LARGE, NULL);
		assert_int_equal(bench_dequeue(bench, 8), 0);
		guest_snapshot_round(&copy, &log);
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		assert_int_equal(bench_dequeue(bench, 8), 1);
		assert_in_range(guest_log_count(&log), 1, 2);
		guest_snapshot_round(&copy, &log);
		assert_int_equal(guest_snapshot_differs(&copy, NULL), 0);
	}
	guest_snapshot_end(&copy);
	assert_int_equal(guest_log_stop(bench->guest), 0);
	guest_log_destroy(&log);
	bench_close(bench);
}

static void add_bad(struct bench *bench, struct guest_queue *queue, enum guest_bad kind)
{
	memset(bench->frame, 0, SMALL);
	assert_int_equal(guest_bad_add(queue, kind, bench->frame, SMALL, 0), 0);
	assert_int_equal(guest_submit(queue), 0);
}

static void s31_wrong_directions_and_nested_tables_are_rejected(void **state)
{
	struct rtevhostswift_vring_stats stats;
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	add_bad(bench, bench->tx, GUEST_BAD_DIRECTION);
	add_bad(bench, bench->tx, GUEST_BAD_DIRECTION_MIXED);
	add_bad(bench, bench->tx, GUEST_BAD_TABLE_NESTED);
	add_bad(bench, bench->tx, GUEST_BAD_TABLE_AND_NEXT);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 1);
	assert_int_equal(bench->tx->stats.used, 4);
	stats = bench_stats(bench, TX);
	assert_int_equal(stats.dropped_direction, 2);
	assert_int_equal(stats.dropped_bad_chain, 2);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

static void s31_wrong_directions_are_rejected_to_the_guest(void **state)
{
	struct rtevhostswift_vring_stats stats;
	struct guest_shape shape = { 0 };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.manual_rx = true;
	bench = bench_open(state, &config);
	add_bad(bench, bench->rx, GUEST_BAD_DIRECTION);
	add_bad(bench, bench->rx, GUEST_BAD_DIRECTION_MIXED);
	add_bad(bench, bench->rx, GUEST_BAD_TABLE_NESTED);
	assert_int_equal(guest_rx_post(bench->rx, 2048, &shape), 0);
	guest_submit(bench->rx);
	bench->unused = 3;
	engine_behave(&bench->engines[RX]);
	assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
	assert_int_equal(bench_collect(bench, 8), 1);
	assert_int_equal(bench_receive(bench), 1);
	assert_int_equal(bench->rx->stats.bad_header, 3);
	stats = bench_stats(bench, RX);
	assert_int_equal(stats.dropped_direction, 2);
	assert_int_equal(stats.dropped_bad_chain, 1);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(s24_small_packets_do_not_starve_completions),
		BENCH_TEST(s24_small_packets_do_not_starve_completions_relaxed),
		BENCH_TEST(s24_completions_come_when_no_descriptor_is_free),
		BENCH_TEST_SPLIT(s25_never_more_in_flight_than_slots),
		BENCH_TEST_SPLIT(s25_never_more_in_flight_than_slots_to_the_guest),
		BENCH_TEST(s26_a_disabled_queue_gives_its_packets_back),
		BENCH_TEST(s26_a_disabled_queue_gives_the_applications_packets_back),
		BENCH_TEST(s28_threshold_zero_makes_no_empty_copies),
		BENCH_TEST(s30_pages_are_dirty_when_their_copy_is_done),
		BENCH_TEST(s31_wrong_directions_and_nested_tables_are_rejected),
		BENCH_TEST(s31_wrong_directions_are_rejected_to_the_guest),
	};

	return BENCH_RUN(tests);
}
