/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Row E01: engines of all kinds, in both directions. Each mbuf that went out comes back once,
 * packets are whole and in order, and the engine itself sees that nothing freed is written to.
 */
#include <limits.h>

#include <linux/virtio_config.h>

#include "hostile.h"

#define TURNS 300
#define BURST 32
#define PIECES 5 /* Of one chain. */

static const uint32_t sizes[] = { 60, 64, 255, 256, 257, 300, 1500, 1900 };

/** What both engines do from here on, before each turn. */
typedef void (*script)(struct engine *engine, struct guest_random *random);

static void open_engines(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.ring_size = hostile->packed ? 61 : 64;
	config.guest.rx_shape.data_pieces = 2;
	config.guest.rx_capacity = 2048;
	config.pool_size = 512;
	hostile_open(hostile, &config);
}

/** Packets of any size and shape both ways, whatever the engines do. */
static void turn(struct hostile *hostile, struct guest_random *random)
{
	struct bench *bench = hostile->bench;
	uint32_t size = sizes[guest_random_range(random, 0, HOSTILE_COUNT(sizes) - 1)];

	while (bench->tx->free_count > PIECES && guest_random_range(random, 0, 3)) {
		struct guest_shape shape = {
			.header_pieces = (uint16_t)guest_random_range(random, 0, 2),
			.data_pieces = (uint16_t)guest_random_range(random, 0, 3),
			.indirect = guest_random_range(random, 0, 1),
		};

		bench_send(bench, size, &shape);
	}
	bench_dequeue(bench, (uint16_t)guest_random_range(random, 0, BURST));
	bench_enqueue(bench, (uint16_t)guest_random_range(random, 0, 8), size);
	bench_collect(bench, (uint16_t)guest_random_range(random, 0, BURST));
	bench_receive(bench);
}

/** Engines behave: all that is under way arrives. */
static void settle(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;

	for (int queue = RX; queue <= TX; queue++)
		engine_behave(&bench->engines[queue]);
	for (int i = 0; i < 1000 && (bench->from.returned < bench->from.sent ||
				     bench->to.delivered < bench->to.sent); i++) {
		bench_dequeue(bench, 64);
		bench_collect(bench, 64);
		bench_receive(bench);
	}
	assert_int_equal(bench->from.returned, bench->from.sent);
	assert_int_equal(bench->to.returned, bench->to.sent);
	assert_int_equal(bench->to.delivered, bench->to.sent);
	assert_int_equal(pool_in_use(&bench->pool) + pool_in_use(&bench->app), 0);
	/* Nobody has the mbufs: what writes to them now is seen. */
	pool_poison(&bench->pool);
	pool_poison(&bench->app);
	hostile_check(hostile);
	assert_true(pool_is_poisoned(&bench->pool));
	assert_true(pool_is_poisoned(&bench->app));
	for (int queue = RX; queue <= TX; queue++)
		bench->engines[queue].at_once = false;
}

static void run(struct hostile *hostile, script script)
{
	struct guest_random random = { .state = 3 };

	open_engines(hostile);
	for (int i = 0; i < TURNS; i++) {
		for (int queue = RX; queue <= TX; queue++)
			script(&hostile->bench->engines[queue], &random);
		turn(hostile, &random);
		if (i % 50 == 49)
			settle(hostile);
	}
	settle(hostile);
	assert_true(hostile->bench->from.sent > 200);
	assert_true(hostile->bench->to.sent > 200);
	hostile_close(hostile);
}

static void at_once(struct engine *engine, struct guest_random *random)
{
	(void)random;
	engine->at_once = true;
}

static void late(struct engine *engine, struct guest_random *random)
{
	/* Many turns of nothing, then all. */
	if (guest_random_range(random, 0, 12) == 0)
		engine_finish(engine, ENGINE_ALL);
}

static void out_of_rate(struct engine *engine, struct guest_random *random)
{
	engine->slow = guest_random_range(random, 1, 4);
	engine_finish(engine, guest_random_range(random, 0, 1) ? guest_random_range(random, 0, 20)
							       : 0);
}

static void takes_some(struct engine *engine, struct guest_random *random)
{
	static const uint32_t limits[] = { 0, 0, 1, 2, 3, 7, ENGINE_ALL };

	engine->accept = limits[guest_random_range(random, 0, HOSTILE_COUNT(limits) - 1)];
	engine_finish(engine, guest_random_range(random, 0, 8));
}

static void fails(struct engine *engine, struct guest_random *random)
{
	static const int32_t results[] = { -1, -2, -5, -4096, INT32_MIN, INT32_MIN + 1 };

	engine->refusals = guest_random_range(random, 0, 3);
	engine->refusal = results[guest_random_range(random, 0, HOSTILE_COUNT(results) - 1)];
	engine->check_errors = guest_random_range(random, 0, 3);
	engine->check_error = results[guest_random_range(random, 0, HOSTILE_COUNT(results) - 1)];
	engine_finish(engine, guest_random_range(random, 0, 8));
}

/** Fails in the middle of a packet's pieces: half of its bytes are there; it is offered again. */
static void tears(struct engine *engine, struct guest_random *random)
{
	fails(engine, random);
	engine->tears = true;
}

/** It claims to have accepted more than it was offered, which is all. */
static void over_claims(struct engine *engine, struct guest_random *random)
{
	static const int32_t claims[] = { 0, 1, 2, 1000, 65535, 65536, INT32_MAX - 64 };

	engine->accept = ENGINE_ALL;
	engine->claim = claims[guest_random_range(random, 0, HOSTILE_COUNT(claims) - 1)];
	engine_finish(engine, ENGINE_ALL);
}

static void E01_completes_at_once(struct hostile *hostile)
{
	run(hostile, at_once);
}

static void E01_completes_late(struct hostile *hostile)
{
	run(hostile, late);
}

static void E01_completes_out_of_rate(struct hostile *hostile)
{
	run(hostile, out_of_rate);
}

static void E01_accepts_none_some_or_all(struct hostile *hostile)
{
	run(hostile, takes_some);
}

static void E01_negative_results(struct hostile *hostile)
{
	run(hostile, fails);
}

static void E01_fails_in_the_middle_of_a_packets_pieces(struct hostile *hostile)
{
	run(hostile, tears);
}

static void E01_claims_more_than_it_was_offered(struct hostile *hostile)
{
	run(hostile, over_claims);
}

/*
 * It reports more copies than it has: no call returns more packets than were submitted, and they
 * are counted as errors. Their bytes are the engine's word, so only complete ones are tried.
 */
static void E01_reports_more_than_it_has(struct hostile *hostile)
{
	static const int32_t lies[] = { 1, 2, 31, 64, 65535, 65536, INT32_MAX - 64 };
	struct guest_random random = { .state = 5 };

	open_engines(hostile);
	for (int i = 0; i < TURNS; i++) {
		for (int queue = RX; queue <= TX; queue++) {
			struct engine *engine = &hostile->bench->engines[queue];

			engine->at_once = true;
			engine->over_report = lies[i % HOSTILE_COUNT(lies)];
		}
		turn(hostile, &random);
		if (i % 50 == 49)
			settle(hostile);
	}
	settle(hostile);
	for (uint16_t queue = RX; queue <= TX; queue++)
		assert_true(bench_stats(hostile->bench, queue).engine_errors > 0);
	hostile_close(hostile);
}

/** Copies that never complete. */
static void fly(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;

	bench_send_many(bench, 10, 300);
	assert_int_equal(bench_dequeue(bench, 64), 0);
	assert_int_equal(bench->from.inflight, 10);
	assert_int_equal(bench_enqueue(bench, 10, 300), 10);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(bench_dequeue(bench, 64), 0);
		assert_int_equal(bench_collect(bench, 64), 0);
	}
}

/** clear_queue() waits for nothing, and gives back what the engine lets go. */
static void E01_never_completes_then_drained(struct hostile *hostile)
{
	open_engines(hostile);
	for (int round = 0; round < 10; round++) {
		struct bench *bench = hostile->bench;
		uint32_t done = 0;

		fly(hostile);
		for (uint16_t queue = RX; queue <= TX; queue++)
			assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), -1);
		assert_int_equal(bench_clear(bench, 64), 0);
		while (done < 10) {
			engine_finish(&bench->engines[TX], 3);
			done += bench_clear(bench, 64);
		}
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		assert_int_equal(bench_collect(bench, 64), 10);
		assert_int_equal(bench_receive(bench), 10);
	}
	settle(hostile);
	hostile_close(hostile);
}

/** A thread that lets engines go on after a while: the event thread waits for it. */
static void *let_go(void *argument)
{
	struct bench *bench = argument;

	usleep(20000);
	for (int queue = RX; queue <= TX; queue++)
		engine_behave(&bench->engines[queue]);
	return NULL;
}

/** The guest hangs up while copies are held: its memory stays mapped for them. */
static void E01_never_completes_and_the_guest_goes(struct hostile *hostile)
{
	for (int round = 0; round < 5; round++) {
		pthread_t thread;

		open_engines(hostile);
		fly(hostile);
		assert_int_equal(pthread_create(&thread, NULL, let_go, hostile->bench), 0);
		hostile->bench->loose = true;
		bench_hang_up(hostile->bench);
		pthread_join(thread, NULL);
		hostile->bench->from.inflight = 0;
		hostile->bench->from.sent = hostile->bench->from.returned;
		hostile->bench->to.sent = hostile->bench->to.returned;
		hostile_close(hostile);
	}
}

/** The ring is stopped, and the memory table changed, while copies are held. */
static void E01_ring_stops_while_copies_are_held(struct hostile *hostile)
{
	open_engines(hostile);
	for (int round = 0; round < 5; round++) {
		struct bench *bench = hostile->bench;
		pthread_t thread;

		fly(hostile);
		assert_int_equal(pthread_create(&thread, NULL, let_go, bench), 0);
		assert_int_equal(guest_send_memory(bench->guest), 0);
		pthread_join(thread, NULL);
		for (int queue = RX; queue <= TX; queue++)
			assert_int_equal(engine_learn_memory(&bench->engines[queue]), 0);
		settle(hostile);
		hostile_restart(hostile);
		hostile_good(hostile);
	}
	hostile_close(hostile);
}

/** Kinds that are dropped, whichever way they are offered. */
static const enum guest_bad dropped_kinds[] = {
	GUEST_BAD_LOOP, GUEST_BAD_LOOP_SELF, GUEST_BAD_NEXT_RANGE, GUEST_BAD_TABLE_NESTED,
	GUEST_BAD_TABLE_AND_NEXT, GUEST_BAD_TABLE_EMPTY, GUEST_BAD_TABLE_ODD,
	GUEST_BAD_TABLE_UNMAPPED, GUEST_BAD_UNMAPPED, GUEST_BAD_UNMAPPED_LONE,
	GUEST_BAD_UNMAPPED_HEADER, GUEST_BAD_CROSSING, GUEST_BAD_WRAP, GUEST_BAD_LENGTH_MAX,
	GUEST_BAD_LENGTH_SUM, GUEST_BAD_ZERO, GUEST_BAD_ZERO_CHAIN, GUEST_BAD_SHORT,
	GUEST_BAD_DIRECTION, GUEST_BAD_DIRECTION_MIXED,
};

/** Some bad chains, as far as there is room; receive rings get good ones among them. */
static void offer_bad(struct hostile *hostile, struct guest_random *random)
{
	struct bench *bench = hostile->bench;

	for (int i = 0; i < 6; i++) {
		enum guest_bad kind = dropped_kinds[guest_random_range(random, 0,
			HOSTILE_COUNT(dropped_kinds) - 1)];
		bool to = guest_random_range(random, 0, 1);
		struct guest_queue *queue = to ? bench->rx : bench->tx;

		if (to && guest_random_range(random, 0, 2) && queue->free_count > PIECES)
			hostile_post(hostile, 1);
		if (queue->free_count <= PIECES || !guest_bad_suits(queue, kind))
			continue;
		hostile_bad(hostile, queue, kind, 5);
		/* The driver takes it for a packet without a header. */
		bench->unused += to;
	}
}

/** Engines of any kind, and chains of any kind between those in flight: the order is kept. */
static void bad_chains(struct hostile *hostile, uint64_t features)
{
	static const script scripts[] = { at_once, late, out_of_rate, takes_some, fails, tears };
	struct guest_random random = { .state = 11 + features };
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.ring_size = hostile->packed ? 61 : 64;
	config.guest.manual_rx = true;
	config.guest.features |= features;
	config.pool_size = 512;
	hostile_open(hostile, &config);
	for (int i = 0; i < 2 * TURNS; i++) {
		for (int queue = RX; queue <= TX; queue++) {
			struct engine *engine = &hostile->bench->engines[queue];

			engine->at_once = false;
			engine->slow = 0;
			engine->accept = ENGINE_ALL;
			scripts[(i / 20 + queue) % HOSTILE_COUNT(scripts)](engine, &random);
		}
		offer_bad(hostile, &random);
		turn(hostile, &random);
		if (i % 50 == 49)
			settle(hostile);
	}
	settle(hostile);
	assert_true(hostile->bench->from.sent > 200 && hostile->bench->to.sent > 200);
	assert_true(hostile->bench->unused > 100);
	hostile_close(hostile);
}

static void E01_bad_chains_between_copies(struct hostile *hostile)
{
	bad_chains(hostile, 0);
}

static void E01_bad_chains_between_copies_in_order(struct hostile *hostile)
{
	bad_chains(hostile, GUEST_BIT(VIRTIO_F_IN_ORDER));
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST_ASYNC(E01_bad_chains_between_copies),
	HOSTILE_TEST_ASYNC(E01_bad_chains_between_copies_in_order),
	HOSTILE_TEST_ASYNC(E01_completes_at_once),
	HOSTILE_TEST_ASYNC(E01_completes_late),
	HOSTILE_TEST_ASYNC(E01_completes_out_of_rate),
	HOSTILE_TEST_ASYNC(E01_accepts_none_some_or_all),
	HOSTILE_TEST_ASYNC(E01_negative_results),
	HOSTILE_TEST_ASYNC(E01_fails_in_the_middle_of_a_packets_pieces),
	HOSTILE_TEST_ASYNC(E01_claims_more_than_it_was_offered),
	HOSTILE_TEST_ASYNC(E01_reports_more_than_it_has),
	HOSTILE_TEST_ASYNC(E01_never_completes_then_drained),
	HOSTILE_TEST_ASYNC(E01_never_completes_and_the_guest_goes),
	HOSTILE_TEST_ASYNC(E01_ring_stops_while_copies_are_held),
};

HOSTILE_MAIN(120, tests)
