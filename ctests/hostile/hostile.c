/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "hostile.h"

#include <linux/virtio_config.h>

#define REGION (2u << 20)
#define REGION_GAP (1u << 20)
#define TABLE 300
#define BUFFERS 320
#define POOL 1024

struct hostile hostile;

void hostile_config(struct hostile *hostile, struct bench_config *config)
{
	bench_config_init(config);
	config->synchronous = !hostile->async;
	config->async.async_threshold = hostile->threshold;
	config->guest.table_entries = TABLE;
	config->guest.tx_buffers = config->guest.rx_buffers = BUFFERS;
	config->guest.region_count = 2;
	config->guest.region_size = 3 * REGION;
	config->guest.region_gap = REGION_GAP;
	config->pool_size = POOL;
}

/**
 * The innocent: a small ring of the other format, copied by the processor; or one like the test's
 * with a packet in flight each way.
 */
static void open_innocent(struct hostile *hostile)
{
	struct bench_config config;
	void *state;

	bench_config_init(&config);
	config.synchronous = !hostile->alike || !hostile->async;
	config.async.async_threshold = hostile->threshold;
	if (!hostile->alike)
		config.guest.features ^= GUEST_BIT(VIRTIO_F_RING_PACKED);
	config.guest.ring_size = 32;
	config.pool_size = 64;
	hostile->innocent = bench_open(&state, &config);
}

void hostile_connect(struct hostile *hostile, const struct bench_config *wanted)
{
	struct bench_config config;
	void *state;

	hostile_config(hostile, &config);
	open_innocent(hostile);
	bench_measure_idle(&hostile->before);
	hostile->guarded = hostile_guarded();
	hostile->bench = bench_connect(&state, wanted ? wanted : &config);
	hostile->bench->by_hand = hostile->bench->config.guest.manual_rx;
	hostile->bench->checked = hostile_checked;
}

void hostile_open(struct hostile *hostile, const struct bench_config *wanted)
{
	hostile_connect(hostile, wanted);
	bench_start(hostile->bench);
	hostile_assert_guards(hostile);
}

void hostile_close(struct hostile *hostile)
{
	hostile_check(hostile);
	bench_close(hostile->bench);
	hostile->bench = NULL;
	hostile_assert_flat(hostile);
	bench_close(hostile->innocent);
	hostile->innocent = NULL;
}

/** What the device had of a queue is lost, and no longer counted. */
static void forget(struct guest_queue *queue)
{
	queue->stats.added = queue->stats.used;
	queue->stats.bad_id = queue->stats.bad_index = 0;
}

void hostile_restart(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;

	if (hostile->async)
		bench_drain(bench);
	assert_int_equal(guest_stop(bench->guest), 0);
	guest_reset(bench->guest);
	forget(bench->tx);
	forget(bench->rx);
	bench->faults = 0;
	bench->from.sent = bench->from.returned;
	bench->to.sent = bench->to.returned = bench->to.delivered;
	bench_start(bench);
	/* Late again: the drain made them behave. */
	for (int queue = RX; queue <= TX; queue++)
		bench->engines[queue].at_once = false;
}

/** Asynchronously: all by the engine, then pieces of 256 bytes and more. */
void hostile_run(void **state)
{
	static const uint32_t thresholds[] = { 0, 256 };
	const struct hostile_case *test = *state;

	*state = NULL;
	for (int i = 0; i < (test->async ? 2 : 1); i++) {
		void *nothing;

		memset(&hostile, 0, sizeof(hostile));
		hostile.packed = test->packed;
		hostile.async = test->async;
		hostile.threshold = thresholds[i];
		if (test->packed)
			bench_setup_packed(&nothing);
		else
			bench_setup_split(&nothing);
		test->body(&hostile);
		assert_null(hostile.bench);
		assert_true(hostile.checks > 0);
	}
}

int hostile_teardown(void **state)
{
	if (hostile.is_child)
		_exit(1);
	*state = NULL;
	hostile.bench = hostile.innocent = NULL;
	return bench_teardown(state);
}
