/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Rings that stop, and memory that goes, while an engine copies.
 *
 * A slow engine is waited for. One that never finishes is waited for about a second; then the
 * message fails, and what it copies from and to stays mapped until it is done. The guest waits
 * five seconds for each reply, so a library that waits for ever fails these tests.
 */
#include <errno.h>
#include <unistd.h>

#include "bench.h"

#define LARGE 1500

/** A bench with three packets in flight in each direction. */
static struct bench *open_busy(void **state, uint32_t slow)
{
	struct bench *bench = bench_open_busy(state, LARGE);

	bench->engines[TX].slow = bench->engines[RX].slow = slow;
	return bench;
}

static void fetch_all(struct bench *bench)
{
	assert_int_equal(bench_dequeue(bench, 8), 3);
	assert_int_equal(bench_collect(bench, 8), 3);
	assert_int_equal(bench_receive(bench), 3);
}

/** New packets pass in both directions. */
static void check_alive(struct bench *bench)
{
	engine_behave(&bench->engines[TX]);
	engine_behave(&bench->engines[RX]);
	bench_send_many(bench, 2, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 2);
	assert_int_equal(bench_enqueue(bench, 2, LARGE), 2);
	assert_int_equal(bench_collect(bench, 8), 2);
	assert_int_equal(bench_receive(bench), 2);
}

static void get_vring_base_waits_for_a_slow_engine(void **state)
{
	struct bench *bench = open_busy(state, 20);
	int vid = bench->vid;
	uint32_t base = 0;

	for (uint32_t queue = RX; queue <= TX; queue++) {
		assert_int_equal(guest_get_vring_base(&bench->guest->frontend, queue, &base), 0);
		assert_int_equal(base, bench_base(&bench->guest->queues[queue], 3));
		assert_int_equal(engine_held(&bench->engines[queue]), 0);
		bench->guest->queues[queue].base = base;
	}
	bench->vid = vid;
	fetch_all(bench);
	bench_start(bench);
	check_alive(bench);
	bench_close(bench);
}

static void set_mem_table_waits_for_a_slow_engine(void **state)
{
	struct bench *bench = open_busy(state, 20);

	assert_int_equal(guest_send_memory(bench->guest), 0);
	assert_int_equal(engine_held(&bench->engines[TX]), 0);
	assert_int_equal(engine_held(&bench->engines[RX]), 0);
	fetch_all(bench);
	assert_int_equal(engine_learn_memory(&bench->engines[TX]), 0);
	assert_int_equal(engine_learn_memory(&bench->engines[RX]), 0);
	check_alive(bench);
	bench_close(bench);
}

static void disable_waits_for_a_slow_engine(void **state)
{
	struct bench *bench = open_busy(state, 20);

	assert_int_equal(guest_enable_pair(bench->guest, 0, false), 0);
	assert_int_equal(engine_held(&bench->engines[TX]), 0);
	assert_int_equal(engine_held(&bench->engines[RX]), 0);
	fetch_all(bench);
	assert_int_equal(guest_enable_pair(bench->guest, 0, true), 0);
	check_alive(bench);
	bench_close(bench);
}

static void disconnect_waits_for_a_slow_engine(void **state)
{
	struct bench *bench = open_busy(state, 20);

	bench_hang_up(bench);
	assert_int_equal(engine_held(&bench->engines[TX]), 0);
	assert_int_equal(engine_held(&bench->engines[RX]), 0);
	assert_int_equal(bench->engines[TX].violations + bench->engines[RX].violations, 0);
	bench_close(bench);
}

static struct rte_mbuf *cleared[2][8];
static uint16_t cleared_count[2];

static void clear_all(struct bench *bench, int vid)
{
	(void)bench;
	for (uint16_t queue = RX; queue <= TX; queue++)
		while (rte_vhost_async_get_inflight(vid, queue) > 0)
			cleared_count[queue] += rte_vhost_clear_queue_thread_unsafe(vid, queue,
				&cleared[queue][cleared_count[queue]],
				(uint16_t)(8 - cleared_count[queue]));
}

static void packets_can_be_cleared_in_destroy_device(void **state)
{
	struct bench *bench = open_busy(state, 20);

	cleared_count[RX] = cleared_count[TX] = 0;
	bench->ending = clear_all;
	bench->held = 3;
	guest_disconnect(bench->guest);
	while (bench->vid >= 0)
		usleep(1000);
	assert_int_equal(cleared_count[TX], 3);
	assert_int_equal(cleared_count[RX], 3);
	for (int i = 0; i < 3; i++)
		bench_accept(bench, cleared[TX][i]);
	bench_take_back(bench, cleared[RX], 3);
	bench->held = 0;
	bench->from.inflight = 0;
	bench_close(bench);
}

static bool is_gone(void *data)
{
	char path[64];

	return rte_vhost_get_ifname(*(int *)data, path, sizeof(path)) < 0;
}

/** What a stuck engine works on is there, and is used when it wakes up. */
static void wake_up(struct bench *bench)
{
	for (int i = 0; i < 2; i++) {
		struct engine *engine = &bench->engines[i];

		assert_int_equal(engine_held(engine), 3);
		assert_true(engine_is_mapped(engine->guest[0].start, engine->guest[0].size));
	}
	assert_int_equal(pool_in_use(&bench->pool), 3);
	assert_int_equal(pool_in_use(&bench->app), 3);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(engine_finish(&bench->engines[i], ENGINE_ALL), 3);
		assert_int_equal(bench->engines[i].violations, 0);
	}
}

static void disconnect_outlives_a_stuck_engine(void **state)
{
	struct bench *bench = open_busy(state, 0);
	int vid = bench->vid;

	guest_disconnect(bench->guest);
	assert_true(bench_wait(is_gone, &vid));
	wake_up(bench);
	bench_hang_up(bench);
	bench_close(bench);
}

static void a_new_guest_comes_while_an_engine_is_stuck(void **state)
{
	struct bench *bench = open_busy(state, 0);
	int vid = bench->vid;
	uint64_t features, protocol, pairs;

	guest_disconnect(bench->guest);
	assert_true(bench_wait(is_gone, &vid));
	assert_int_equal(guest_probe(bench->path, 5000, &features, &protocol, &pairs), 0);
	assert_int_equal(features, bench->guest->offered);
	wake_up(bench);
	bench_close(bench);
}

static void unregister_of_the_driver_outlives_a_stuck_engine(void **state)
{
	struct bench *bench = open_busy(state, 0);

	/* Engine and pools must stay: the library still asks the one and frees into the others. */
	assert_int_equal(rte_vhost_driver_unregister(bench->path), -1);
	bench->registered = false;
	assert_int_equal(bench->vid, -1);
	assert_int_equal(rte_vhost_driver_register(bench->path, 0), -1);
	wake_up(bench);
	/* Once the engine is done, the driver goes by itself, and its listening socket with it. */
	bench->baseline.fds--;
	bench_hang_up(bench);
	while (rte_vhost_driver_unregister(bench->path) == 0)
		;
	assert_int_equal(rte_vhost_driver_register(bench->path, 0), 0);
	bench->registered = true;
	bench_close(bench);
}

static void get_vring_base_gives_a_stuck_engine_up(void **state)
{
	struct bench *bench = open_busy(state, 0);
	int vid = bench->vid, ret;
	uint32_t base = 0;

	/* It has no way to say "failed": the connection ends. */
	ret = guest_get_vring_base(&bench->guest->frontend, TX, &base);
	assert_true(ret == -ECONNRESET || ret == -EPIPE);
	assert_true(bench_wait(is_gone, &vid));
	wake_up(bench);
	bench_close(bench);
}

static void set_mem_table_gives_a_stuck_engine_up(void **state)
{
	struct bench *bench = open_busy(state, 0);

	assert_int_equal(guest_send_memory(bench->guest), -EREMOTEIO);
	wake_up(bench);
	/* The old memory is still the device's: the copies arrived, and no mbuf is lost. */
	fetch_all(bench);
	assert_int_equal(guest_send_memory(bench->guest), 0);
	assert_int_equal(engine_learn_memory(&bench->engines[TX]), 0);
	assert_int_equal(engine_learn_memory(&bench->engines[RX]), 0);
	check_alive(bench);
	bench_close(bench);
}

/* Queue 0 has no engine that is stuck; that of queue 1 is none of its business. */
static void a_refused_table_leaves_the_other_queue_alone(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 3, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	engine_behave(&bench->engines[RX]);
	assert_int_equal(guest_send_memory(bench->guest), -EREMOTEIO);
	assert_int_equal(bench_enqueue(bench, 2, LARGE), 2);
	assert_int_equal(bench_collect(bench, 8), 2);
	assert_int_equal(bench_receive(bench), 2);
	bench_close(bench);
}

static void disable_gives_a_stuck_engine_up(void **state)
{
	struct bench *bench = open_busy(state, 0);

	assert_int_equal(guest_set_vring_enable(&bench->guest->frontend, TX, false), -EREMOTEIO);
	assert_int_equal(guest_set_vring_enable(&bench->guest->frontend, RX, false), -EREMOTEIO);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 3);
	wake_up(bench);
	fetch_all(bench);
	assert_int_equal(guest_enable_pair(bench->guest, 0, true), 0);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	check_alive(bench);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(get_vring_base_waits_for_a_slow_engine),
		BENCH_TEST(set_mem_table_waits_for_a_slow_engine),
		BENCH_TEST(disable_waits_for_a_slow_engine),
		BENCH_TEST(disconnect_waits_for_a_slow_engine),
		BENCH_TEST(packets_can_be_cleared_in_destroy_device),
		BENCH_TEST(disconnect_outlives_a_stuck_engine),
		BENCH_TEST(a_new_guest_comes_while_an_engine_is_stuck),
		BENCH_TEST(unregister_of_the_driver_outlives_a_stuck_engine),
		BENCH_TEST(get_vring_base_gives_a_stuck_engine_up),
		BENCH_TEST(set_mem_table_gives_a_stuck_engine_up),
		BENCH_TEST(a_refused_table_leaves_the_other_queue_alone),
		BENCH_TEST(disable_gives_a_stuck_engine_up),
	};

	return BENCH_RUN(tests);
}
