/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Rows G11, G12 and G13: full rings, queues that always have work, headers of all sizes. */
#include <linux/virtio_config.h>

#include "hostile.h"

#define BURST 32
#define ROUNDS 300
#define OTHER_RX 2
#define OTHER_TX 3

/* CVE-2020-16843: a receive ring that is full for long takes packets again once refilled. */
static void G11_receive_ring_full_for_long_then_refilled(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.manual_rx = true;
	config.guest.ring_size = 64;
	hostile_open(hostile, &config);
	for (uint32_t round = 0; round < 8; round++) {
		struct bench *bench = hostile->bench;
		uint32_t buffers = round % 2 ? 64 : 1 + round;

		hostile_post(hostile, buffers);
		for (uint32_t sent = 0; sent < buffers;)
			sent += bench_enqueue(bench, BURST, HOSTILE_FRAME);
		for (int i = 0; i < 500; i++) {
			assert_int_equal(bench_enqueue(bench, 1 + i % 4, HOSTILE_FRAME), 0);
			/* The other direction goes on. */
			if (i % 50 == 0)
				bench_send(bench, HOSTILE_FRAME, NULL);
		}
		assert_int_equal(hostile_take(hostile), 10);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		if (hostile->async)
			bench_collect(bench, 64);
		assert_int_equal(bench_receive(bench), buffers);
	}
	hostile_good(hostile);
	hostile_close(hostile);
}

/** A second queue pair, with engines of its own where copies are asynchronous. */
static struct engine others[2];

static void open_pairs(struct hostile *hostile, uint32_t ring_size, bool manual_rx)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.queue_pairs = 2;
	config.guest.ring_size = ring_size;
	config.guest.manual_rx = manual_rx;
	config.guest.region_size = 0;
	config.guest.region_count = 1;
	config.guest.table_entries = ring_size > 256 ? 0 : 300;
	config.guest.tx_buffers = config.guest.rx_buffers = ring_size + 400;
	hostile_open(hostile, &config);
	for (uint16_t i = 0; i < 2 && hostile->async; i++) {
		struct bench *bench = hostile->bench;
		uint16_t queue = OTHER_RX + i;

		/* Of a test that failed. */
		engine_destroy(&others[i]);
		engine_init(&others[i], bench->vid, queue, i ? &bench->pool : &bench->app);
		assert_int_equal(engine_learn_memory(&others[i]), 0);
		others[i].at_once = true;
		assert_int_equal(bench_register(bench, queue), 0);
	}
}

static void close_pairs(struct hostile *hostile)
{
	for (uint16_t i = 0; i < 2 && hostile->async; i++) {
		assert_int_equal(others[i].violations, 0);
		assert_int_equal(rte_vhost_async_channel_unregister(hostile->bench->vid,
								    OTHER_RX + i), 0);
		engine_destroy(&others[i]);
	}
	hostile_close(hostile);
}

/** One call for the busy queue. @return packets, which are freed. */
static uint16_t take_busy(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;
	struct rte_mbuf *pkts[BURST];
	int inflight;
	uint16_t got;

	if (hostile->async)
		got = rte_vhost_async_try_dequeue_burst(bench->vid, OTHER_TX, bench->pool.mp, pkts,
							BURST, &inflight);
	else
		got = rte_vhost_dequeue_burst(bench->vid, OTHER_TX, bench->pool.mp, pkts, BURST);
	assert_true(got <= BURST);
	rte_pktmbuf_free_bulk(pkts, got);
	return got;
}

/** Fill the busy queue with chains of a kind, or with good packets. */
static void fill_busy(struct guest_queue *queue, enum guest_bad kind)
{
	static const struct guest_shape direct;
	static uint8_t frame[HOSTILE_FRAME];

	guest_tx_reap(queue);
	while ((kind == GUEST_BAD_COUNT ? guest_tx(queue, frame, sizeof(frame), &direct) :
		guest_bad_add(queue, kind, frame, sizeof(frame), 0)) == 0)
		;
	guest_submit(queue);
}

/* CVE-2019-3900: each call takes at most what it was asked for, bad chains included. */
static void G12_busy_queue_from_the_guest(struct hostile *hostile)
{
	static const enum guest_bad kinds[] = {
		GUEST_BAD_COUNT, GUEST_BAD_UNMAPPED_LONE, GUEST_BAD_ZERO, GUEST_BAD_ALIASES,
		GUEST_BAD_TABLE_LONG, GUEST_BAD_TOO_LARGE, GUEST_BAD_LOOP_SELF,
	};

	open_pairs(hostile, 256, false);
	for (size_t kind = 0; kind < HOSTILE_COUNT(kinds); kind++)
		for (int round = 0; round < ROUNDS / 10; round++) {
			struct guest_queue *busy = guest_tx_queue(hostile->bench->guest, 1);
			uint64_t used;

			if (!guest_bad_suits(busy, kinds[kind]) && kinds[kind] != GUEST_BAD_COUNT)
				continue;
			fill_busy(busy, kinds[kind]);
			used = busy->stats.used;
			bench_send(hostile->bench, HOSTILE_FRAME, NULL);
			take_busy(hostile);
			guest_tx_reap(busy);
			assert_in_range(busy->stats.used - used, 1, BURST);
			assert_int_equal(hostile_take(hostile), 1);
		}
	close_pairs(hostile);
}

/** A guest that refills its queue all the time, while calls run. */
struct refiller {
	pthread_t thread;
	struct guest_queue *queue;
	bool stop;
};

static void *refill(void *argument)
{
	struct refiller *refiller = argument;

	static const struct guest_shape direct;
	static uint8_t frame[HOSTILE_FRAME];
	struct guest_queue *queue = refiller->queue;

	while (!__atomic_load_n(&refiller->stop, __ATOMIC_ACQUIRE)) {
		guest_tx_reap(queue);
		while (guest_tx(queue, frame, sizeof(frame), &direct) == 0 &&
		       guest_bad_add(queue, GUEST_BAD_UNMAPPED_LONE, NULL, 60, 0) == 0)
			guest_submit(queue);
		guest_submit(queue);
		usleep(1);
	}
	return NULL;
}

static void G12_queue_refilled_while_calls_run(struct hostile *hostile)
{
	struct refiller refiller = { 0 };
	uint64_t packets = 0;

	open_pairs(hostile, 256, false);
	refiller.queue = guest_tx_queue(hostile->bench->guest, 1);
	assert_int_equal(pthread_create(&refiller.thread, NULL, refill, &refiller), 0);
	for (int round = 0; round < 5 * ROUNDS; round++) {
		packets += take_busy(hostile);
		if (round % 5)
			continue;
		bench_send(hostile->bench, HOSTILE_FRAME, NULL);
		assert_int_equal(hostile_take(hostile), 1);
	}
	__atomic_store_n(&refiller.stop, true, __ATOMIC_RELEASE);
	pthread_join(refiller.thread, NULL);
	assert_true(packets > 0);
	assert_int_equal(refiller.queue->stats.bad_id + refiller.queue->stats.bad_index +
			 refiller.queue->stats.reordered, 0);
	close_pairs(hostile);
}

/** One packet for the guest on the busy pair. @return whether it was taken. */
static uint16_t give_busy(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(bench->app.mp), *done[BURST];
	uint32_t completed = 0;
	uint16_t taken;

	assert_non_null(rte_pktmbuf_append(mbuf, HOSTILE_FRAME));
	if (!hostile->async) {
		taken = rte_vhost_enqueue_burst(bench->vid, OTHER_RX, &mbuf, 1);
		rte_pktmbuf_free(mbuf);
		return taken;
	}
	taken = rte_vhost_submit_enqueue_burst(bench->vid, OTHER_RX, &mbuf, 1, done, &completed);
	if (!taken)
		rte_pktmbuf_free(mbuf);
	rte_pktmbuf_free_bulk(done, completed);
	completed = rte_vhost_poll_enqueue_completed(bench->vid, OTHER_RX, done, BURST);
	rte_pktmbuf_free_bulk(done, completed);
	return taken;
}

/* A receive ring of nothing but bad chains: each call ends long before the ring does. */
static void G12_busy_queue_to_the_guest(struct hostile *hostile)
{
	uint64_t most = 0;

	open_pairs(hostile, 4096, true);
	for (int round = 0; round < ROUNDS; round++) {
		struct guest_queue *busy = guest_rx_queue(hostile->bench->guest, 1);
		uint64_t used;

		while (guest_bad_add(busy, GUEST_BAD_UNMAPPED_LONE, NULL, 60, 0) == 0)
			;
		guest_submit(busy);
		used = busy->stats.used;
		assert_int_equal(give_busy(hostile), 0);
		guest_tx_reap(busy);
		used = busy->stats.used - used;
		assert_true(used > 0);
		most = used > most ? used : most;
		if (round % 10 == 0)
			hostile_good(hostile);
	}
	assert_in_range(most, 1, 512);
	close_pairs(hostile);
}

/** Both directions, and packets of several buffers where they are mergeable. */
static void features_work(struct hostile *hostile, uint64_t features)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.features = features;
	config.guest.ring_size = 64;
	config.guest.region_count = 1;
	config.guest.region_size = 0;
	config.guest.table_entries = features & GUEST_BIT(VIRTIO_RING_F_INDIRECT_DESC) ? 32 : 0;
	config.guest.tx_buffers = config.guest.rx_buffers = 128;
	if (!(features & GUEST_BIT(GUEST_F_PROTOCOL_FEATURES)))
		config.guest.protocol_features = 0;
	hostile_open(hostile, &config);
	for (uint32_t size = 14; size <= 1900; size = size * 3 + 1) {
		struct guest_shape shape = { .header_pieces = (uint16_t)(size % 3),
			.data_pieces = (uint16_t)(size % 4),
			.indirect = config.guest.table_entries && size % 2 };

		bench_send(hostile->bench, size, &shape);
		assert_int_equal(hostile_take(hostile), 1);
		assert_int_equal(hostile_give(hostile, 1, size), 1);
	}
	if (features & GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF))
		assert_int_equal(hostile_give(hostile, 1, 9000), 1);
	hostile_close(hostile);
}

/* CVE-2023-6693: every combination of features that changes the header or the ring. */
static void G13_every_combination_of_header_features(struct hostile *hostile)
{
	static const unsigned int bits[] = {
		VIRTIO_NET_F_MRG_RXBUF, VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX,
		VIRTIO_RING_F_INDIRECT_DESC, VIRTIO_F_IN_ORDER, VIRTIO_NET_F_CSUM,
		GUEST_F_PROTOCOL_FEATURES,
	};

	for (unsigned int mask = 0; mask < 1u << HOSTILE_COUNT(bits); mask++) {
		uint64_t features = hostile->packed ? GUEST_BIT(VIRTIO_F_RING_PACKED) : 0;

		for (size_t i = 0; i < HOSTILE_COUNT(bits); i++)
			if (mask & (1u << i))
				features |= GUEST_BIT(bits[i]);
		features_work(hostile, features);
	}
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(G11_receive_ring_full_for_long_then_refilled),
	HOSTILE_TEST(G12_busy_queue_from_the_guest),
	HOSTILE_TEST(G12_queue_refilled_while_calls_run),
	HOSTILE_TEST(G12_busy_queue_to_the_guest),
	HOSTILE_TEST(G13_every_combination_of_header_features),
};

HOSTILE_MAIN(200, tests)
