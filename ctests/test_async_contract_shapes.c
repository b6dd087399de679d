/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Sizes, shapes, thresholds, header sizes, mbuf chains and external buffers. */
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"

#define LARGE 1500

static const uint32_t thresholds[] = { 0, 1, 256, 2048, UINT32_MAX };
#define THRESHOLDS (sizeof(thresholds) / sizeof(thresholds[0]))

static const uint32_t sizes[] = {
	14, 45, 46, 255, 256, 257, 1500, 2036, 2048, 2049, 9000, 65535,
};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const struct guest_shape shapes[] = {
	{ .header_pieces = 0 },
	{ .header_pieces = 1 },
	{ .header_pieces = 1, .data_pieces = 3 },
	{ .header_pieces = 3, .data_pieces = 60 },
	{ .indirect = true },
	{ .indirect = true, .header_pieces = 1, .data_pieces = 1 },
	{ .indirect = true, .header_pieces = 12, .data_pieces = 60 },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/** Each size in each shape from the guest. */
static void pass_from_guest(struct bench *bench)
{
	for (uint32_t i = 0; i < SHAPES; i++) {
		for (uint32_t j = 0; j < SIZES; j++) {
			bench_send(bench, sizes[j], &shapes[i]);
			bench_dequeue(bench, 1);
			engine_finish(&bench->engines[TX], 1);
		}
		bench_dequeue(bench, 64);
		assert_int_equal(bench->from.inflight, 0);
	}
	assert_int_equal(bench->from.returned, SHAPES * SIZES);
}

static struct bench *open_for(void **state, uint32_t threshold, uint64_t without, uint64_t flags)
{
	struct bench_config config;

	bench_config_init(&config);
	config.async.async_threshold = threshold;
	config.guest.features &= ~without;
	config.driver_flags |= flags;
	config.guest.tx_buffers = 1024;
	config.guest.table_entries = 128;
	return bench_open(state, &config);
}

static void every_shape_comes_from_the_guest(void **state)
{
	for (uint32_t i = 0; i < THRESHOLDS; i++) {
		struct bench *bench = open_for(state, thresholds[i], 0, 0);

		pass_from_guest(bench);
		if (thresholds[i] == 0)
			assert_int_equal(bench_stats(bench, TX).engine_bytes,
					 bench->engines[TX].bytes);
		if (thresholds[i] == UINT32_MAX)
			assert_int_equal(bench->engines[TX].offered, 0);
		bench_close(bench);
	}
}

static void every_shape_comes_behind_a_header_of_ten_bytes(void **state)
{
	for (uint32_t i = 0; i < THRESHOLDS; i++) {
		struct bench *bench = open_for(state, thresholds[i],
					       GUEST_BIT(VIRTIO_F_VERSION_1) |
					       GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF), 0);

		assert_int_equal(bench->tx->header_size, 10);
		pass_from_guest(bench);
		bench_close(bench);
	}
}

static void every_shape_fits_external_buffers(void **state)
{
	for (uint32_t i = 0; i < THRESHOLDS; i++) {
		struct bench *bench = open_for(state, thresholds[i], 0,
					       RTE_VHOST_USER_EXTBUF_SUPPORT);

		pass_from_guest(bench);
		bench_close(bench);
	}
}

/** One packet; @return mbufs of it, or 0 when it was dropped as too long. */
static uint32_t one(struct bench *bench, uint32_t size)
{
	uint64_t before = bench_stats(bench, TX).dropped_too_long;
	struct rte_mbuf *pkts[2];
	uint32_t segments;
	uint16_t got;

	memset(bench->frame, (int)size, size);
	assert_int_equal(guest_tx(bench->tx, bench->frame, size, &shapes[1]), 0);
	guest_submit(bench->tx);
	got = bench_dequeue_raw(bench, pkts, 1);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(guest_tx_reap(bench->tx), 1);
	assert_int_equal(bench_stats(bench, TX).dropped_too_long, before + 1 - got);
	if (got == 0)
		return 0;
	assert_int_equal(pkts[0]->pkt_len, size);
	segments = pkts[0]->nb_segs;
	if (segments == 1)
		assert_memory_equal(rte_pktmbuf_mtod(pkts[0], void *), bench->frame, size);
	rte_pktmbuf_free(pkts[0]);
	bench_check(bench);
	return segments;
}

static void linear_and_external_buffers_are_honoured(void **state)
{
	static const struct {
		uint64_t flags;
		uint32_t segments[3];
	} cases[] = {
		{ 0, { 1, 5, 32 } },
		{ RTE_VHOST_USER_LINEARBUF_SUPPORT, { 1, 0, 0 } },
		{ RTE_VHOST_USER_EXTBUF_SUPPORT, { 1, 1, 32 } },
		{ RTE_VHOST_USER_LINEARBUF_SUPPORT | RTE_VHOST_USER_EXTBUF_SUPPORT, { 1, 1, 0 } },
	};

	for (uint32_t i = 0; i < 4; i++) {
		struct bench *bench = open_for(state, 256, 0, cases[i].flags);

		engine_behave(&bench->engines[TX]);
		assert_int_equal(one(bench, 2048), cases[i].segments[0]);
		assert_int_equal(one(bench, 9000), cases[i].segments[1]);
		assert_int_equal(one(bench, 65535), cases[i].segments[2]);
		assert_int_equal(one(bench, 2048), 1);
		bench_close(bench);
	}
}

/** Whether the receive ring has room for packets; each may leave most of a chain empty. */
static bool has_room(const struct bench *bench, uint32_t count, uint32_t size)
{
	const struct guest_queue *queue = bench->rx;
	uint64_t chains = (size + queue->header_size + queue->rx_capacity - 1) /
			  queue->rx_capacity;

	uint64_t pieces = queue->rx_shape.header_pieces + queue->rx_shape.data_pieces +
			  queue->rx_capacity / queue->slots.buffer_size + 1;

	/* The library's bound: a packet has at most 1,024 pieces. */
	return count * chains <= queue->in_flight && chains * pieces <= 1024;
}

/** Each size that fits to the guest. */
static void pass_to_guest(struct bench *bench, uint32_t longest)
{
	for (uint32_t j = 0; j < SIZES && sizes[j] <= longest; j++) {
		for (uint16_t count = 1; count < 4 && has_room(bench, count, sizes[j]); count++) {
			assert_int_equal(bench_enqueue(bench, count, sizes[j]), count);
			engine_finish(&bench->engines[RX], count);
			bench_collect(bench, 8);
			assert_int_equal(bench->to.inflight, 0);
			assert_int_equal(bench_receive(bench), count);
		}
	}
}

static void mergeable_buffers_hold_every_size(void **state)
{
	static const uint32_t capacities[] = { 600, 2048, 5000 };

	for (uint32_t i = 0; i < THRESHOLDS * 3; i++) {
		struct bench_config config;
		struct bench *bench;

		bench_config_init(&config);
		config.async.async_threshold = thresholds[i / 3];
		config.guest.rx_capacity = capacities[i % 3];
		config.guest.rx_shape = shapes[i % SHAPES];
		config.guest.ring_size = 1024;
		config.guest.rx_buffers = 4096;
		config.guest.table_entries = 128;
		bench = bench_open(state, &config);
		pass_to_guest(bench, 65535);
		bench_close(bench);
	}
}

static void buffers_that_do_not_merge_hold_what_fits(void **state)
{
	for (uint32_t i = 0; i < THRESHOLDS * 2; i++) {
		uint64_t without = GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
		struct bench_config config;
		struct bench *bench;

		if (i % 2)
			without |= GUEST_BIT(VIRTIO_F_VERSION_1);
		bench_config_init(&config);
		config.guest.features &= ~without;
		config.async.async_threshold = thresholds[i / 2];
		config.guest.rx_capacity = 9012;
		config.guest.rx_shape = shapes[i % SHAPES];
		config.guest.rx_buffers = 2048;
		config.guest.table_entries = 128;
		bench = bench_open(state, &config);
		assert_int_equal(bench->rx->header_size, i % 2 ? 10 : 12);
		pass_to_guest(bench, 9000);
		/* One that does not fit takes nothing and breaks nothing. */
		assert_int_equal(bench_enqueue(bench, 1, 9100), 0);
		pass_to_guest(bench, 256);
		bench_close(bench);
	}
}

static void buffers_lie_in_many_regions(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.guest.region_count = 8;
	config.guest.region_gap = 1 << 20;
	config.guest.tx_buffers = 1024;
	config.guest.table_entries = 128;
	bench = bench_open(state, &config);
	assert_int_equal(bench->engines[TX].guest_ranges, 8);
	pass_from_guest(bench);
	pass_to_guest(bench, 65535);
	/* Data that ends with the last byte of memory. */
	memset(bench->frame, 9, LARGE);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(guest_bad_add(bench->tx, GUEST_ODD_LAST_BYTE, bench->frame, LARGE, 0), 0);
	guest_submit(bench->tx);
	{
		struct rte_mbuf *pkts[2];

		assert_int_equal(bench_dequeue_raw(bench, pkts, 1), 1);
		assert_memory_equal(rte_pktmbuf_mtod(pkts[0], void *), bench->frame, LARGE);
		rte_pktmbuf_free(pkts[0]);
		guest_tx_reap(bench->tx);
	}
	bench_close(bench);
}

static void bursts_of_every_length(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.ring_size = 1024;
	config.guest.tx_buffers = 1024;
	config.pool_size = 2048;
	bench = bench_open(state, &config);
	for (uint16_t count = 1; count <= 512; count = (uint16_t)(count + 1 + count / 8)) {
		bench_send_many(bench, count, LARGE);
		assert_int_equal(bench_dequeue(bench, count), 0);
		assert_int_equal(bench->from.inflight, count);
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		assert_int_equal(bench_dequeue(bench, count), count);
		assert_int_equal(bench_enqueue(bench, count, LARGE), count);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		assert_int_equal(bench_collect(bench, count), count);
		assert_int_equal(bench_receive(bench), count);
	}
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(every_shape_comes_from_the_guest),
		BENCH_TEST(every_shape_comes_behind_a_header_of_ten_bytes),
		BENCH_TEST(every_shape_fits_external_buffers),
		BENCH_TEST(linear_and_external_buffers_are_honoured),
		BENCH_TEST(mergeable_buffers_hold_every_size),
		BENCH_TEST(buffers_that_do_not_merge_hold_what_fits),
		BENCH_TEST(buffers_lie_in_many_regions),
		BENCH_TEST(bursts_of_every_length),
	};

	return BENCH_RUN(tests);
}
