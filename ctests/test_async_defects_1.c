/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Defects of DPDK's asynchronous copies that must be absent: S1 to S9. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"

#define SMALL 64
#define LARGE 1500

static void s01_completions_are_appended(void **state)
{
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	config.async.features |= RTE_VHOST_ASYNC_RELAXED_ORDER;
	bench = bench_open(state, &config);
	bench_send_many(bench, 3, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 3);
	/* Packets copied by the CPU and completions come from one call, side by side. */
	engine_finish(&bench->engines[TX], 3);
	bench_send_many(bench, 4, SMALL);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 7);
	for (int i = 0; i < 7; i++)
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(pkts[i], pkts[j]);
	for (int i = 0; i < 7; i++)
		bench_accept(bench, pkts[i]);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench->from.returned, 7);
	bench_close(bench);
}

static void order_is_kept(void **state, uint64_t features)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.features |= features;
	bench = bench_open(state, &config);
	assert_int_equal(bench->guest->features & features, features);
	bench_send(bench, LARGE, NULL);
	bench_send_many(bench, 3, SMALL);
	bench_send(bench, LARGE, NULL);
	bench_send(bench, SMALL, NULL);
	/* The small ones are complete, and wait behind the large one: bench_dequeue() checks. */
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 6);
	assert_int_equal(bench->tx->stats.used, 0);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue(bench, 8), 4);
	assert_int_equal(bench->tx->stats.used, 4);
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue(bench, 8), 2);
	assert_int_equal(bench->tx->stats.used, 6);
	bench_close(bench);
}

static void s02_order_is_kept(void **state)
{
	order_is_kept(state, 0);
}

static void s02_order_is_kept_under_in_order(void **state)
{
	order_is_kept(state, GUEST_BIT(VIRTIO_F_IN_ORDER));
}

/* On a packed ring too. */
static void s03_an_announcement_leaves_the_lock_free(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_connect(state, &config);
	assert_true(bench->guest->offered & GUEST_BIT(VIRTIO_F_RING_PACKED));
	bench_start(bench);
	assert_int_equal(guest_send_rarp(&bench->guest->frontend, mac), 0);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 1);
	assert_int_equal(pool_in_use(&bench->pool), 1);
	rte_pktmbuf_free(pkts[0]);
	/* Not -1: nobody holds the lock. */
	assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), 0);
	bench_send(bench, LARGE, NULL);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

static void s04_a_bad_ring_address_leaves_the_lock_free(void **state)
{
	struct guest_vring_addr good, bad;
	struct bench_config config;
	struct bench *bench;
	uint32_t base;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	guest_ring_addr(bench->tx, &good);
	bad = good;
	bad.descriptors = 0x1000;
	assert_int_equal(guest_get_vring_base(&bench->guest->frontend, TX, &base), 0);
	assert_int_equal(guest_set_vring_addr(&bench->guest->frontend, &bad), 0);
	assert_int_equal(guest_set_vring_call(&bench->guest->frontend, TX, bench->tx->call_fd), 0);
	assert_int_equal(guest_set_vring_kick(&bench->guest->frontend, TX, bench->tx->kick_fd),
			 -EREMOTEIO);
	/* The device stopped with GET_VRING_BASE; its vid is still that of the engine. */
	assert_int_equal(rte_vhost_async_get_inflight(bench->engines[TX].vid, TX), 0);
	bench->vid = bench->engines[TX].vid;
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(guest_set_vring_addr(&bench->guest->frontend, &good), 0);
	assert_int_equal(guest_set_vring_kick(&bench->guest->frontend, TX, bench->tx->kick_fd), 0);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

/* The reference held the IOTLB's lock from then on. */
static void s04_a_ring_without_translation_leaves_the_lock_free(void **state)
{
	struct guest_vring_addr good, bad;
	struct guest_frontend *frontend;
	struct bench_config config;
	struct bench *bench;
	uint32_t base;

	bench_config_init(&config);
	config.driver_flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
	config.guest.features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	config.guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	bench = bench_open(state, &config);
	frontend = &bench->guest->frontend;
	engine_behave(&bench->engines[TX]);
	guest_ring_addr(bench->tx, &good);
	bad = good;
	bad.descriptors = 0x1000;
	assert_int_equal(guest_get_vring_base(frontend, TX, &base), 0);
	assert_int_equal(guest_set_vring_addr(frontend, &bad), 0);
	assert_int_equal(guest_set_vring_call(frontend, TX, bench->tx->call_fd), 0);
	/* Not wrong: not known yet. */
	assert_int_equal(guest_set_vring_kick(frontend, TX, bench->tx->kick_fd), 0);
	bench->vid = bench->engines[TX].vid;
	bench_send(bench, LARGE, NULL);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), 0);
		assert_int_equal(bench_dequeue(bench, 8), 0);
	}
	/* Messages that take the queue's lock, and a ring that comes into being at last. */
	assert_true(guest_service(bench->guest) > 0);
	assert_int_equal(guest_set_vring_addr(frontend, &good), 0);
	for (int i = 0; i < 1000 && bench_dequeue(bench, 8) == 0; i++) {
		assert_true(guest_service(bench->guest) >= 0);
		usleep(1000);
	}
	assert_int_equal(bench->from.returned, bench->from.sent);
	bench_close(bench);
}

static void s05_the_inflight_pointer_is_checked_first(void **state)
{
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;
	int inflight = 5;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(rte_vhost_async_try_dequeue_burst(bench->vid, TX, bench->pool.mp, pkts,
							   8, NULL), 0);
	assert_int_equal(rte_vhost_async_try_dequeue_burst(bench->vid, TX, NULL, pkts, 8,
							   &inflight), 0);
	assert_int_equal(rte_vhost_async_try_dequeue_burst(bench->vid, TX, bench->pool.mp, NULL,
							   8, &inflight), 0);
	assert_int_equal(rte_vhost_async_try_dequeue_burst(-1, TX, NULL, NULL, 8, NULL), 0);
	bench_check(bench);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

static void s06_segments_are_counted_with_one_cursor(void **state)
{
	struct guest_shape shape = { .header_pieces = 1 };
	struct bench_config config;
	uint64_t pieces = 0;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.guest.tx_buffers = 2048;
	config.guest.ring_size = 1024;
	bench = bench_open(state, &config);
	/* Past packet 32 and 64, each with another number of segments. */
	for (uint32_t i = 0; i < 100; i++) {
		shape.data_pieces = (uint16_t)(1 + i % 9);
		pieces += shape.data_pieces;
		bench_send(bench, 900, &shape);
	}
	assert_int_equal(bench_dequeue(bench, 100), 0);
	assert_int_equal(bench->from.inflight, 100);
	assert_int_equal(bench->engines[TX].pieces, pieces);
	assert_int_equal(bench->engines[TX].bytes, 100 * 900);
	assert_int_equal(engine_finish(&bench->engines[TX], ENGINE_ALL), 100);
	assert_int_equal(bench_dequeue(bench, 100), 100);
	bench_close(bench);
}

static void s07_a_flush_in_mid_burst_resets_the_cursor(void **state)
{
	struct guest_shape shape = { .header_pieces = 1, .data_pieces = 16 };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 1;
	config.guest.tx_buffers = 4096;
	config.guest.table_entries = 64;
	config.guest.ring_size = 256;
	shape.indirect = true;
	bench = bench_open(state, &config);
	for (int i = 0; i < 200; i++)
		bench_send(bench, 1600, &shape);
	assert_int_equal(bench_dequeue(bench, 200), 0);
	assert_int_equal(bench->from.inflight, 200);
	assert_true(bench->engines[TX].transfers > 1);
	assert_int_equal(bench->engines[TX].pieces, 200 * 16);
	/* A source that ran into a destination would have changed a later packet. */
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 200), 200);
	bench_close(bench);
}

static void s08_segments_of_a_packet_are_bounded(void **state)
{
	struct guest_shape shape = { .header_pieces = 1, .data_pieces = 1000 };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.guest.ring_size = 4096;
	config.guest.buffer_size = 80;
	config.guest.tx_buffers = 3200;
	/* 32 bytes an mbuf: one packet crosses about 2,800 borders. */
	config.data_room = RTE_PKTMBUF_HEADROOM + 32;
	config.pool_size = 8192;
	bench = bench_open(state, &config);
	for (int i = 0; i < 3; i++)
		bench_send(bench, 60000, &shape);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 3);
	assert_true(bench->engines[TX].longest > 1000);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 8), 3);
	bench_close(bench);
}

static void s08_aliases_of_one_buffer_are_dropped(void **state)
{
	struct rtevhostswift_vring_stats stats;
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.guest.region_size = 1 << 22;
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	/* 255 descriptors over all of memory: about 1 GiB of data in one packet. */
	assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_ALIASES, NULL, 0, 0), 0);
	assert_int_equal(guest_submit(bench->tx), 0);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	stats = bench_stats(bench, TX);
	assert_int_equal(stats.dropped_too_long, 1);
	assert_int_equal(bench->tx->stats.used, 2);
	bench_close(bench);
}

static void s09_a_negative_transfer_takes_nothing(void **state)
{
	static const int32_t results[] = { -1, -28, INT32_MIN };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 5, LARGE);
	for (uint32_t i = 0; i < 3; i++) {
		bench->engines[TX].refusals = 1;
		bench->engines[TX].refusal = results[i];
		assert_int_equal(bench_dequeue(bench, 32), 0);
		assert_int_equal(bench->from.inflight, 0);
		assert_int_equal(bench_stats(bench, TX).engine_errors, i + 1);
		assert_int_equal(bench_stats(bench, TX).engine_refused, 5 * (i + 1));
	}
	assert_int_equal(bench->tx->stats.used, 0);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(bench_dequeue(bench, 32), 5);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(s01_completions_are_appended),
		BENCH_TEST(s02_order_is_kept),
		BENCH_TEST(s02_order_is_kept_under_in_order),
		BENCH_TEST(s03_an_announcement_leaves_the_lock_free),
		BENCH_TEST(s04_a_bad_ring_address_leaves_the_lock_free),
		BENCH_TEST(s04_a_ring_without_translation_leaves_the_lock_free),
		BENCH_TEST(s05_the_inflight_pointer_is_checked_first),
		BENCH_TEST(s06_segments_are_counted_with_one_cursor),
		BENCH_TEST(s07_a_flush_in_mid_burst_resets_the_cursor),
		BENCH_TEST(s08_segments_of_a_packet_are_bounded),
		BENCH_TEST(s08_aliases_of_one_buffer_are_dropped),
		BENCH_TEST(s09_a_negative_transfer_takes_nothing),
	};

	return BENCH_RUN(tests);
}
