/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A pool that is empty for long, and engines that die: nothing is taken that cannot be delivered,
 * and all of it arrives, in order and once, when there are mbufs again or the engine is back.
 * FAULTS_ROUNDS=n polls so often meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define LARGE 1500
/** Packets of three mbufs. */
#define LONG 6000

/** How an engine is dead. */
enum death {
	NEVER_COMPLETES,
	REFUSES,
	RETURNS_ERRORS,
};

static uint32_t rounds(void)
{
	const char *text = getenv("FAULTS_ROUNDS");

	return text && text[0] ? (uint32_t)atoi(text) : 2000;
}

/** Everything that the guest sent comes. */
static void fetch_all(struct bench *bench)
{
	for (int i = 0; i < 10000 && bench->from.returned < bench->from.sent; i++)
		bench_dequeue(bench, 32);
	assert_int_equal(bench->from.returned, bench->from.sent);
}

static void a_pool_is_empty_for_long(void **state, bool synchronous, uint32_t size)
{
	struct rte_mbuf *taken[512];
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.synchronous = synchronous;
	bench = bench_open(state, &config);
	bench_send_many(bench, 40, size);
	for (int phase = 0; phase < 3; phase++) {
		/* Not one, or too few for a packet of three. */
		bench->held = pool_hold(&bench->pool, size == LONG ? (uint32_t)phase : 0, taken);
		for (uint32_t i = 0; i < rounds(); i++) {
			assert_int_equal(bench_dequeue(bench, 32), 0);
			if (i % 100 == 0 && bench->tx->in_flight < 100)
				bench_send(bench, size, NULL);
			/* The other direction goes on. */
			if (i % 100 == 50) {
				assert_int_equal(bench_enqueue(bench, 1, LARGE), 1);
				if (!synchronous) {
					engine_finish(&bench->engines[RX], ENGINE_ALL);
					assert_int_equal(bench_collect(bench, 8), 1);
				}
				assert_int_equal(bench_receive(bench), 1);
			}
		}
		assert_true(bench_stats(bench, TX).pool_empty >= rounds());
		rte_pktmbuf_free_bulk(taken, bench->held);
		bench->held = 0;
		for (int i = 0; i < 2 && !synchronous; i++)
			engine_behave(&bench->engines[i]);
		fetch_all(bench);
		bench_send_many(bench, 10, size);
	}
	fetch_all(bench);
	bench_close(bench);
}

static void a_pool_is_empty_for_long_by_cpu(void **state)
{
	a_pool_is_empty_for_long(state, true, LARGE);
	a_pool_is_empty_for_long(state, true, LONG);
}

static void a_pool_is_empty_for_long_by_engine(void **state)
{
	a_pool_is_empty_for_long(state, false, LARGE);
	a_pool_is_empty_for_long(state, false, LONG);
}

/** A bench with three packets in flight in each direction, whose engines die. */
static struct bench *open_dead(void **state, enum death death)
{
	struct bench *bench = bench_open_busy(state, LARGE);

	for (int i = 0; i < 2; i++) {
		struct engine *engine = &bench->engines[i];

		if (death == REFUSES || death == RETURNS_ERRORS)
			engine->refusals = UINT32_MAX;
		if (death == RETURNS_ERRORS) {
			engine->refusal = engine->check_error = -EIO;
			engine->check_errors = UINT32_MAX;
		}
	}
	return bench;
}

/** Polled for long, asked to let go, and back to life. */
static void comes_back(void **state, enum death death)
{
	struct bench *bench = open_dead(state, death);

	for (uint32_t i = 0; i < rounds(); i++) {
		if (bench->tx->in_flight < 100)
			bench_send(bench, LARGE, NULL);
		assert_int_equal(bench_dequeue(bench, 32), 0);
		if (i < 40)
			bench_enqueue(bench, 2, LARGE);
		assert_int_equal(bench_collect(bench, 32), 0);
	}
	for (uint16_t queue = RX; queue <= TX; queue++) {
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), -1);
		assert_true(rte_vhost_async_get_inflight(bench->vid, queue) >= 3);
	}
	assert_int_equal(bench_clear(bench, 64), 0);
	if (death == RETURNS_ERRORS)
		assert_true(bench_stats(bench, TX).engine_errors >= rounds());
	for (int i = 0; i < 2; i++)
		engine_behave(&bench->engines[i]);
	fetch_all(bench);
	while (bench->to.inflight > 0)
		assert_true(bench_collect(bench, 64) > 0);
	assert_int_equal(bench->to.returned, bench->to.sent);
	bench_receive(bench);
	assert_int_equal(bench->to.delivered, bench->to.sent);
	for (uint16_t queue = RX; queue <= TX; queue++) {
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), 0);
		assert_int_equal(bench_register(bench, queue), 0);
	}
	bench_send_many(bench, 20, LARGE);
	fetch_all(bench);
	bench_close(bench);
}

static bool is_gone(void *data)
{
	char path[64];

	return rte_vhost_get_ifname(*(int *)data, path, sizeof(path)) < 0;
}

/** The guest goes meanwhile, then the driver. What the engine has stays until it is done. */
static void outlives_the_guest(void **state, enum death death)
{
	struct bench *bench = open_dead(state, death);
	int vid = bench->vid;

	bench_send_many(bench, 20, LARGE);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	guest_disconnect(bench->guest);
	assert_true(bench_wait(is_gone, &vid));
	/* Its engine is dead: the driver cannot go. */
	assert_int_equal(rte_vhost_driver_unregister(bench->path), -1);
	for (int i = 0; i < 2; i++) {
		struct engine *engine = &bench->engines[i];

		assert_true(engine_held(engine) >= 3);
		assert_true(engine_is_mapped(engine->guest[0].start, engine->guest[0].size));
		engine_behave(&bench->engines[i]);
	}
	while (rte_vhost_driver_unregister(bench->path) == 0)
		;
	/* The listening socket has gone with the driver. */
	bench->baseline.fds--;
	bench_hang_up(bench);
	assert_int_equal(rte_vhost_driver_register(bench->path, 0), 0);
	bench_close(bench);
}

static void an_engine_that_never_completes_comes_back(void **state)
{
	comes_back(state, NEVER_COMPLETES);
}

static void an_engine_that_refuses_comes_back(void **state)
{
	comes_back(state, REFUSES);
}

static void an_engine_that_returns_errors_comes_back(void **state)
{
	comes_back(state, RETURNS_ERRORS);
}

static void an_engine_that_never_completes_outlives_the_guest(void **state)
{
	outlives_the_guest(state, NEVER_COMPLETES);
}

static void an_engine_that_refuses_outlives_the_guest(void **state)
{
	outlives_the_guest(state, REFUSES);
}

static void an_engine_that_returns_errors_outlives_the_guest(void **state)
{
	outlives_the_guest(state, RETURNS_ERRORS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(a_pool_is_empty_for_long_by_cpu),
		BENCH_TEST(a_pool_is_empty_for_long_by_engine),
		BENCH_TEST(an_engine_that_never_completes_comes_back),
		BENCH_TEST(an_engine_that_refuses_comes_back),
		BENCH_TEST(an_engine_that_returns_errors_comes_back),
		BENCH_TEST(an_engine_that_returns_errors_outlives_the_guest),
	};
	/* Four seconds each; test_async_contract_drain.c has the first of them as well. */
	const struct CMUnitTest slow[] = {
		BENCH_TEST(an_engine_that_never_completes_outlives_the_guest),
		BENCH_TEST(an_engine_that_refuses_outlives_the_guest),
	};
	const char *all = getenv("FAULTS_ALL");
	int failed = BENCH_RUN(tests);

	if (all && all[0])
		failed += BENCH_RUN(slow);
	return failed;
}
