/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Rows G06 and G09: ids, wrap counters, batches, sizes and indexes. What packed rings alone have
 * is tried on split rings with what comes nearest.
 */
#include <linux/virtio_config.h>

#include "guest_packed.h"
#include "guest_split.h"
#include "hostile.h"

#define MANY 64

static void open_sized(struct hostile *hostile, uint32_t size, bool manual_rx)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.ring_size = size;
	config.guest.manual_rx = manual_rx;
	if (size > 256) {
		config.guest.region_size = 0;
		config.guest.table_entries = 0;
		config.guest.tx_buffers = config.guest.rx_buffers = 1024;
	}
	hostile_open(hostile, &config);
}

/** A run of chains from the guest, bad where a bit of the mask is set. */
static void send_masked(struct hostile *hostile, enum guest_bad kind, uint64_t mask)
{
	static const struct guest_shape direct;
	struct bench *bench = hostile->bench;
	uint32_t bad = (uint32_t)__builtin_popcountll(mask);

	for (int i = 0; i < MANY; i++) {
		if (mask >> i & 1) {
			assert_int_equal(guest_bad_add(bench->tx, kind, NULL, 60, 5), 0);
			continue;
		}
		bench_stamp(bench, HOSTILE_FRAME);
		assert_int_equal(guest_tx(bench->tx, bench->frame, HOSTILE_FRAME, &direct), 0);
	}
	guest_submit(bench->tx);
	hostile_expect(hostile, MANY - bad, bad);
}

/** Batches of four among which any, or all, are bad; the last ones lie anywhere in a batch. */
static const uint64_t masks[] = {
	1, 2, 4, 8, 3, 6, 12, 9, 7, 14, 11, 13, 15, 1ULL << 63, 0xf0, 0xff, 0xf0f0f0f0f0f0f0f0,
	0x1111111111111111, 0x8421842184218421, 0xaaaaaaaaaaaaaaaa, 0xfffffffffffffffe, UINT64_MAX,
};

static const enum guest_bad lone_kinds[] = {
	GUEST_BAD_UNMAPPED_LONE, GUEST_BAD_CROSSING_LONE, GUEST_BAD_ZERO, GUEST_BAD_SHORT,
	GUEST_BAD_DIRECTION, GUEST_BAD_TABLE_EMPTY, GUEST_BAD_TABLE_UNMAPPED,
	GUEST_BAD_LENGTH_MAX,
};

static void G06_bad_addresses_among_four_batched_from_the_guest(struct hostile *hostile)
{
	/* No multiple of four: batches begin at every slot, and end at the wrap. */
	open_sized(hostile, hostile->packed ? 201 : 256, false);
	for (size_t kind = 0; kind < HOSTILE_COUNT(lone_kinds); kind++)
		for (size_t i = 0; i < HOSTILE_COUNT(masks); i++)
			send_masked(hostile, lone_kinds[kind], masks[i]);
	hostile_good(hostile);
	hostile_close(hostile);
}

static void give_masked(struct hostile *hostile, enum guest_bad kind, uint64_t mask)
{
	struct bench *bench = hostile->bench;
	uint32_t bad = (uint32_t)__builtin_popcountll(mask);
	struct hostile_counts before;
	uint64_t dropped;

	hostile_count(hostile, RX, &before);
	for (int i = 0; i < MANY; i++) {
		if (mask >> i & 1)
			assert_int_equal(guest_bad_add(bench->rx, kind, NULL, 60, 5), 0);
		else
			hostile_post(hostile, 1);
	}
	hostile_post(hostile, 1);
	bench->unused += bad;
	for (uint32_t left = MANY - bad + 1; left > 0;) {
		uint32_t given = hostile_give(hostile, (uint16_t)left, HOSTILE_FRAME);

		assert_true(given > 0 || bench->rx->in_flight > 0);
		left -= given;
	}
	bench->unused = bench->rx->stats.bad_header;
	hostile_fates(hostile, RX, &before, &dropped);
	assert_int_equal(dropped, bad);
	assert_int_equal(bench->rx->in_flight, 0);
}

static void G06_bad_addresses_among_four_batched_to_the_guest(struct hostile *hostile)
{
	open_sized(hostile, hostile->packed ? 203 : 256, true);
	for (size_t kind = 0; kind < HOSTILE_COUNT(lone_kinds) - 1; kind++)
		for (size_t i = 0; i < HOSTILE_COUNT(masks); i++)
			give_masked(hostile, lone_kinds[kind], masks[i]);
	hostile_good(hostile);
	hostile_close(hostile);
}

/** Nothing comes any more, it was counted once, and a restart mends it. */
static void is_broken(struct hostile *hostile, uint16_t queue,
		      const struct hostile_counts *before)
{
	uint64_t dropped;

	assert_true(hostile_fates(hostile, queue, before, &dropped) & FATE_BROKEN);
	for (int i = 0; i < 10; i++)
		assert_int_equal(queue == TX ? bench_dequeue(hostile->bench, 32) :
					       bench_enqueue(hostile->bench, 1, 60), 0);
	hostile_fates(hostile, queue, before, &dropped);
	assert_int_equal(bench_stats(hostile->bench, queue).ring_broken - before->broken, 1);
	hostile_restart(hostile);
	hostile_good(hostile);
}

static void G06_id_out_of_range(struct hostile *hostile)
{
	static const enum guest_bad kinds[] = { GUEST_BAD_HEAD_RANGE, GUEST_BAD_HEAD_MAX };

	open_sized(hostile, 64, false);
	for (uint32_t i = 0; i < 18; i++) {
		struct hostile_counts before;
		uint64_t dropped;

		hostile_count(hostile, TX, &before);
		bench_send_many(hostile->bench, i / 2, HOSTILE_FRAME);
		hostile_bad(hostile, hostile->bench->tx, kinds[i % 2], 0);
		bench_send_many(hostile->bench, 3, HOSTILE_FRAME);
		if (hostile->packed) {
			assert_int_equal(hostile_take(hostile), i / 2);
			is_broken(hostile, TX, &before);
		} else {
			assert_int_equal(hostile_take(hostile), i / 2 + 3);
			assert_int_equal(hostile_fates(hostile, TX, &before, &dropped), FATE_CHAIN);
		}
	}
	hostile_close(hostile);
}

/* Of two chains with one id: whoever is in flight breaks the ring, what is done does not. */
static void G06_the_same_id_twice(struct hostile *hostile)
{
	struct rte_mbuf *pkts[33];

	open_sized(hostile, 64, false);
	for (int i = 0; i < 20; i++) {
		struct bench *bench = hostile->bench;
		uint32_t got = 0;

		bench_stamp(bench, HOSTILE_FRAME);
		assert_int_equal(guest_bad_add(bench->tx, GUEST_BAD_HEAD_TWICE, bench->frame,
					       HOSTILE_FRAME, 0), 0);
		guest_submit(bench->tx);
		for (int turn = 0; turn < 4; turn++) {
			uint16_t more = bench_dequeue_raw(bench, pkts, 32);

			for (uint16_t j = 0; j < more; j++)
				assert_true(pkts[j]->pkt_len > 0);
			rte_pktmbuf_free_bulk(pkts, more);
			engine_finish(&bench->engines[TX], ENGINE_ALL);
			got += more;
		}
		assert_in_range(got, 1, 2);
		assert_int_equal(pool_in_use(&bench->pool), 0);
		bench->from.sent = bench->from.returned;
		hostile_restart(hostile);
		hostile_good(hostile);
	}
	hostile_close(hostile);
}

/* AVAIL and USED of the other lap at every slot: the descriptor is not there. */
static void G06_wrap_counter_flipped(struct hostile *hostile)
{
	open_sized(hostile, 5, false);
	for (int i = 0; i < 60; i++) {
		hostile_bad(hostile, hostile->bench->tx, GUEST_BAD_WRAP_COUNTER, 0);
		assert_int_equal(hostile_take(hostile), 0);
		hostile_good(hostile);
	}
	hostile_close(hostile);
}

/** Some times round a ring, with the engine some packets behind. */
static void go_round(struct hostile *hostile, uint32_t size)
{
	struct bench *bench = hostile->bench;
	uint32_t burst = size < 24 ? size : 24;

	for (uint32_t done = 0; done < 2 * size + 3 && done < 80000; done += burst) {
		bench_send_many(bench, burst, 60);
		assert_int_equal(hostile_take(hostile), burst);
		assert_int_equal(hostile_give(hostile, (uint16_t)burst, 60), burst);
	}
}

static void G06_sizes_of_rings(struct hostile *hostile)
{
	static const uint32_t packed_sizes[] = { 1, 2, 3, 5, 6, 7, 31, 33, 255, 257, 1000, 4095 };
	static const uint32_t split_sizes[] = { 1, 2, 4, 8, 32, 256, 1024, 4096 };
	const uint32_t *sizes = hostile->packed ? packed_sizes : split_sizes;
	size_t count = hostile->packed ? HOSTILE_COUNT(packed_sizes) : HOSTILE_COUNT(split_sizes);

	for (size_t i = 0; i < count; i++) {
		open_sized(hostile, sizes[i], false);
		go_round(hostile, sizes[i]);
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

/** Where the index may not be, from where the device has come to. */
static const uint32_t jumps[] = { 257, 258, 300, 511, 512, 513, 0x4000, 0x7fff, 0x8000, 0x8001,
				  0xff00, 0xfffe, 0xffff };

static void jump_from_the_guest(struct hostile *hostile, uint32_t jump)
{
	struct guest_queue *queue = hostile->bench->tx;
	struct hostile_counts before;

	for (int i = 0; i < 5; i++)
		hostile_good(hostile);
	hostile_count(hostile, TX, &before);
	guest_split_set_available_index(queue, (uint16_t)(queue->published + jump));
	assert_int_equal(hostile_take(hostile), 0);
	is_broken(hostile, TX, &before);
}

static void jump_to_the_guest(struct hostile *hostile, uint32_t jump)
{
	struct guest_queue *queue = hostile->bench->rx;
	struct hostile_counts before;

	hostile_count(hostile, RX, &before);
	/* Beyond what the device has not used: the ring is full of buffers. */
	guest_split_set_available_index(queue, (uint16_t)(queue->published - queue->in_flight +
							  jump));
	/* Looked at by whoever wants more than was offered before. */
	assert_int_equal(bench_enqueue(hostile->bench, 257, 60), 0);
	bench_drain(hostile->bench);
	is_broken(hostile, RX, &before);
}

static void G09_index_jumps_ahead_or_back(struct hostile *hostile)
{
	open_sized(hostile, 256, false);
	for (size_t i = 0; i < HOSTILE_COUNT(jumps); i++) {
		jump_from_the_guest(hostile, jumps[i]);
		jump_to_the_guest(hostile, jumps[i]);
	}
	hostile_good(hostile);
	hostile_close(hostile);
}

/** An index that is right again does not mend a ring, with packets in flight neither. */
static void G09_index_jumps_while_packets_fly(struct hostile *hostile)
{
	open_sized(hostile, 256, false);
	for (size_t i = 0; i < HOSTILE_COUNT(jumps); i++) {
		struct guest_queue *queue = hostile->bench->tx;
		struct hostile_counts before;
		uint32_t got;

		hostile_count(hostile, TX, &before);
		bench_send_many(hostile->bench, 4, HOSTILE_FRAME);
		got = bench_dequeue(hostile->bench, 4);
		guest_split_set_available_index(queue, (uint16_t)(queue->published + jumps[i]));
		got += bench_dequeue(hostile->bench, 8);
		guest_split_set_available_index(queue, queue->published);
		got += hostile_take(hostile);
		assert_int_equal(got, 4);
		is_broken(hostile, TX, &before);
	}
	hostile_close(hostile);
}

/** The 32 chains of the lap before, used and available again: these are dropped, and no more. */
static void take_again(struct hostile *hostile)
{
	struct hostile_counts before;
	struct rte_mbuf *pkts[65];
	uint64_t dropped;

	hostile_count(hostile, TX, &before);
	/* The device wrote that it read them: their lengths are 0. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(bench_dequeue_raw(hostile->bench, pkts, 64), 0);
	assert_int_equal(hostile_fates(hostile, TX, &before, &dropped), FATE_SHORT);
	assert_int_equal(dropped, 32);
	assert_int_equal(pool_in_use(&hostile->bench->pool), 0);
}

/* What a jump is to a packed ring: all of its descriptors are available, for the next lap. */
static void G09_a_whole_lap_becomes_available(struct hostile *hostile)
{
	open_sized(hostile, 32, false);
	for (int round = 0; round < 5; round++) {
		struct guest_queue *queue = hostile->bench->tx;
		struct guest_packed *packed = &queue->ring.packed;

		bench_send_many(hostile->bench, 32, HOSTILE_FRAME);
		assert_int_equal(bench_dequeue(hostile->bench, 64), hostile->async ? 0 : 32);
		for (int i = 0; i < 32; i++)
			packed->descriptors[i].flags =
				packed->avail.wrap == (i >= packed->avail.slot) ?
					GUEST_PACKED_AVAIL : GUEST_PACKED_USED;
		if (hostile->async) {
			/* What is in flight has its slots: not one more is taken. */
			for (int i = 0; i < 3; i++) {
				assert_int_equal(bench_dequeue(hostile->bench, 64), 0);
				assert_int_equal(hostile->bench->from.inflight, 32);
			}
			engine_finish(&hostile->bench->engines[TX], ENGINE_ALL);
			assert_int_equal(bench_dequeue(hostile->bench, 32), 32);
		} else {
			take_again(hostile);
		}
		hostile_restart(hostile);
		hostile_good(hostile);
	}
	hostile_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(G06_bad_addresses_among_four_batched_from_the_guest),
	HOSTILE_TEST(G06_bad_addresses_among_four_batched_to_the_guest),
	HOSTILE_TEST(G06_id_out_of_range),
	HOSTILE_TEST(G06_the_same_id_twice),
	HOSTILE_TEST_PACKED(G06_wrap_counter_flipped),
	HOSTILE_TEST(G06_sizes_of_rings),
	/* Packed rings have no index. */
	HOSTILE_TEST_SPLIT(G09_index_jumps_ahead_or_back),
	HOSTILE_TEST_SPLIT(G09_index_jumps_while_packets_fly),
	HOSTILE_TEST_PACKED(G09_a_whole_lap_becomes_available),
};

HOSTILE_MAIN(120, tests)
