/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Order, announcements, and long random walks with all invariants checked at each step. */
#include <unistd.h>

#include "bench.h"

#define SMALL 64
#define LARGE 1500
#define STEPS 12000

static void relaxed_order_lets_complete_packets_overtake(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.features |= RTE_VHOST_ASYNC_RELAXED_ORDER;
	bench = bench_open(state, &config);
	bench_send(bench, LARGE, NULL);
	bench_send_many(bench, 5, SMALL);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 5);
	assert_int_equal(bench->from.inflight, 2);
	assert_int_equal(bench->tx->stats.used, 5);
	assert_false(bench->from.seen[0]);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	assert_true(bench->from.seen[0]);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	assert_int_equal(bench->tx->stats.used, 7);
	bench_close(bench);
}

static void relaxed_order_has_no_effect_under_in_order(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.features |= RTE_VHOST_ASYNC_RELAXED_ORDER;
	config.guest.features |= GUEST_BIT(VIRTIO_F_IN_ORDER);
	bench = bench_open(state, &config);
	assert_true(guest_has(bench->guest, VIRTIO_F_IN_ORDER));
	bench_send(bench, LARGE, NULL);
	bench_send_many(bench, 5, SMALL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 6);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue(bench, 8), 6);
	bench_close(bench);
}

/* Completed packets in the middle must not be lost when packets behind them are refused. */
static void relaxed_order_survives_refusals(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.features |= RTE_VHOST_ASYNC_RELAXED_ORDER;
	config.guest.ring_size = 16;
	bench = bench_open(state, &config);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	for (int i = 0; i < 50; i++) {
		bench_send_many(bench, 2, SMALL);
		bench_send(bench, LARGE, NULL);
		bench_send_many(bench, 2, SMALL);
		bench->engines[TX].refusals = 1;
		assert_int_equal(bench_dequeue(bench, 8), 2);
		/* The large one in front stays; the one behind is offered again. */
		assert_int_equal(bench->from.inflight, 1);
		assert_int_equal(bench_dequeue(bench, 8), 2);
		assert_int_equal(bench->from.inflight, 2);
		engine_finish(&bench->engines[TX], 1);
		assert_int_equal(bench_dequeue(bench, 8), 1);
		assert_int_equal(bench->from.inflight, 1);
	}
	bench_close(bench);
}

static void an_announcement_comes_first(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 2, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	engine_finish(&bench->engines[TX], 2);
	assert_int_equal(guest_send_rarp(&bench->guest->frontend, mac), 0);
	/* A call with room for one: the announcement, and the packets stay in flight. */
	assert_int_equal(bench_dequeue_raw(bench, pkts, 1), 1);
	assert_int_equal(bench->from.inflight, 2);
	assert_memory_equal(rte_pktmbuf_mtod_offset(pkts[0], void *, 6), mac, 6);
	assert_int_equal(pool_in_use(&bench->pool), 3);
	rte_pktmbuf_free(pkts[0]);
	assert_int_equal(bench_dequeue(bench, 1), 1);
	assert_int_equal(bench_dequeue(bench, 1), 1);
	/* Two requests before a call are one announcement, of the last address. */
	assert_int_equal(guest_send_rarp(&bench->guest->frontend, mac), 0);
	assert_int_equal(guest_send_rarp(&bench->guest->frontend, mac), 0);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 1);
	rte_pktmbuf_free(pkts[0]);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	bench_close(bench);
}

/** What stands in the first slot, where the first chain was used. */
static uint32_t first_used_length(const struct guest_queue *queue)
{
	const struct vring_packed_desc *first = queue->ring.packed.descriptors;

	if (!guest_is_packed(queue))
		return queue->ring.split.used->ring[0].len;
	return first->flags & VRING_DESC_F_WRITE ? first->len : 0;
}

static void used_lengths_are_those_of_the_direction(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	engine_behave(&bench->engines[RX]);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	assert_int_equal(first_used_length(bench->tx), 0);
	assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
	assert_int_equal(bench_collect(bench, 8), 1);
	assert_int_equal(first_used_length(bench->rx), 12 + LARGE);
	assert_int_equal(bench_receive(bench), 1);
	bench_close(bench);
}

static void the_guest_is_interrupted_at_completion(void **state, uint64_t without)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.features &= ~without;
	bench = bench_open(state, &config);
	for (int i = 0; i < 3; i++) {
		guest_want_calls(bench->tx, true);
		guest_want_calls(bench->rx, true);
		bench_send(bench, LARGE, NULL);
		assert_int_equal(bench_dequeue(bench, 8), 0);
		assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
		assert_int_equal(guest_wait_call(bench->tx, 0), 0);
		assert_int_equal(guest_wait_call(bench->rx, 0), 0);
		engine_finish(&bench->engines[TX], 1);
		engine_finish(&bench->engines[RX], 1);
		assert_int_equal(bench_dequeue(bench, 8), 1);
		assert_int_equal(bench_collect(bench, 8), 1);
		assert_int_equal(guest_wait_call(bench->tx, 0), 1);
		assert_int_equal(guest_wait_call(bench->rx, 0), 1);
		assert_int_equal(bench_receive(bench), 1);
	}
	bench_close(bench);
}

static void the_guest_is_interrupted_at_completion_by_index(void **state)
{
	the_guest_is_interrupted_at_completion(state, 0);
}

static void the_guest_is_interrupted_at_completion_by_flag(void **state)
{
	the_guest_is_interrupted_at_completion(state, GUEST_BIT(VIRTIO_RING_F_EVENT_IDX));
}

/** A new mood of an engine. */
static void change_mood(struct engine *engine, struct guest_random *random)
{
	engine->accept = ENGINE_ALL;
	engine->at_once = false;
	engine->over_report = engine->claim = 0;
	switch (guest_random_range(random, 0, 7)) {
	case 0:
		engine->accept = guest_random_range(random, 0, 9);
		break;
	case 1:
		engine->refusals = guest_random_range(random, 1, 3);
		engine->refusal = -(int32_t)guest_random_range(random, 0, 1000);
		break;
	case 2:
		engine->check_errors = guest_random_range(random, 1, 3);
		engine->check_error = -(int32_t)guest_random_range(random, 1, 1000);
		break;
	case 3:
		engine->claim = (int32_t)guest_random_range(random, 1, 70000);
		break;
	case 4:
		engine->at_once = true;
		break;
	default:
		break;
	}
}

static void send_some(struct bench *bench, struct guest_random *random)
{
	uint32_t count = guest_random_range(random, 0, 12);

	while (count-- > 0 && bench->tx->slots.free_count > 40 && bench->tx->free_count > 40) {
		struct guest_shape shape = {
			.indirect = guest_random_range(random, 0, 1),
			.header_pieces = (uint16_t)guest_random_range(random, 0, 4),
			.data_pieces = (uint16_t)guest_random_range(random, 0, 12),
		};
		uint32_t size = guest_random_range(random, 0, 9) ? 1600 : 20000;

		bench_send(bench, guest_random_range(random, GUEST_PACKET_STAMPED, size), &shape);
	}
}

static void step(struct bench *bench, struct guest_random *random)
{
	struct engine *engine = &bench->engines[guest_random_range(random, RX, TX)];

	switch (guest_random_range(random, 0, 7)) {
	case 0:
	case 1:
		send_some(bench, random);
		break;
	case 2:
		engine_finish(engine, guest_random_range(random, 0, 20));
		break;
	case 3:
		change_mood(engine, random);
		break;
	case 4:
		bench_enqueue(bench, (uint16_t)guest_random_range(random, 0, 20),
			      guest_random_range(random, GUEST_PACKET_STAMPED, 6000));
		break;
	case 5:
		bench_collect(bench, (uint16_t)guest_random_range(random, 0, 20));
		bench_receive(bench);
		break;
	case 6:
		bench_clear(bench, (uint16_t)guest_random_range(random, 0, 5));
		break;
	default:
		bench_dequeue(bench, (uint16_t)guest_random_range(random, 0, 40));
		break;
	}
}

static void walk(void **state, uint64_t features, uint32_t async_features, uint32_t threshold)
{
	struct guest_random random = { .state = 20260801 + threshold + async_features };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.features |= features;
	config.async.features |= async_features;
	config.async.async_threshold = threshold;
	config.guest.tx_buffers = 2048;
	config.pool_size = 1024;
	bench = bench_open(state, &config);
	for (int i = 0; i < STEPS; i++)
		step(bench, &random);
	bench_drain(bench);
	while (bench->from.returned < bench->from.sent)
		assert_true(bench_dequeue(bench, 64) > 0);
	bench_receive(bench);
	assert_int_equal(bench->to.delivered, bench->to.sent);
	assert_true(bench->from.sent > STEPS / 4);
	assert_true(bench->to.sent > STEPS / 4);
	bench_close(bench);
}

static void random_walk(void **state)
{
	walk(state, 0, 0, 256);
}

static void random_walk_all_by_engine(void **state)
{
	walk(state, 0, 0, 0);
}

static void random_walk_in_order(void **state)
{
	walk(state, GUEST_BIT(VIRTIO_F_IN_ORDER), RTE_VHOST_ASYNC_RELAXED_ORDER, 300);
}

static void random_walk_relaxed(void **state)
{
	walk(state, 0, RTE_VHOST_ASYNC_RELAXED_ORDER, 700);
}

static void indices_go_round(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.ring_size = 64;
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	/* Past 65,536, with a large packet held across the turn. */
	while (bench->from.returned < 65536 + 500) {
		bench->engines[TX].at_once = bench->from.sent % 700 > 60;
		bench_send_many(bench, 40, bench->from.sent % 3 ? LARGE : SMALL);
		bench_dequeue(bench, 64);
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		bench_dequeue(bench, 64);
		assert_int_equal(bench->from.inflight, 0);
	}
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(relaxed_order_lets_complete_packets_overtake),
		BENCH_TEST(relaxed_order_has_no_effect_under_in_order),
		BENCH_TEST(relaxed_order_survives_refusals),
		BENCH_TEST(an_announcement_comes_first),
		BENCH_TEST(used_lengths_are_those_of_the_direction),
		BENCH_TEST(the_guest_is_interrupted_at_completion_by_index),
		BENCH_TEST(the_guest_is_interrupted_at_completion_by_flag),
		BENCH_TEST(random_walk),
		BENCH_TEST(random_walk_all_by_engine),
		BENCH_TEST(random_walk_in_order),
		BENCH_TEST(random_walk_relaxed),
		BENCH_TEST(indices_go_round),
	};

	return BENCH_RUN(tests);
}
