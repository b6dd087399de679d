/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Rows G03 and G10: chains and indirect tables that no driver may build, and one that it may. */
#include "hostile.h"

#define MOST_ENTRIES 4096

/** A kind, and what becomes of it from and to the guest. */
struct expectation {
	enum guest_bad kind;
	unsigned int from, to;
};

static const struct expectation expectations[] = {
	{ GUEST_BAD_LOOP, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_LOOP_SELF, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_NEXT_RANGE, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_NEXT_MAX, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_NESTED, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_AND_NEXT, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_EMPTY, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_ODD, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_HUGE, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_LOOP, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_NEXT_RANGE, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_UNMAPPED, FATE_UNMAPPED, FATE_UNMAPPED },
	/* Its first entry is in memory; what is wrong first depends on the bytes there. */
	{ GUEST_BAD_TABLE_CROSSING, FATE_UNMAPPED | FATE_SHORT | FATE_DIRECTION,
	  FATE_UNMAPPED | FATE_SHORT | FATE_DIRECTION },
};

static void G03_broken_chains_from_the_guest(struct hostile *hostile)
{
	hostile_open(hostile, NULL);
	for (int round = 0; round < 5; round++)
		for (size_t i = 0; i < HOSTILE_COUNT(expectations); i++)
			if (guest_bad_suits(hostile->bench->tx, expectations[i].kind))
				hostile_from_guest(hostile, expectations[i].kind, 0,
						   expectations[i].from);
	hostile_good(hostile);
	hostile_close(hostile);
}

static void G03_broken_chains_to_the_guest(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.manual_rx = true;
	hostile_open(hostile, &config);
	for (int round = 0; round < 5; round++)
		for (size_t i = 0; i < HOSTILE_COUNT(expectations); i++)
			if (guest_bad_suits(hostile->bench->rx, expectations[i].kind))
				hostile_to_guest(hostile, expectations[i].kind, 0,
						 expectations[i].to);
	hostile_good(hostile);
	hostile_close(hostile);
}

/** A ring that breaks at a chain: what came before is good, nothing comes until a restart. */
static void break_ring(struct hostile *hostile, enum guest_bad kind, uint32_t before)
{
	struct bench *bench = hostile->bench;
	struct hostile_counts counts;
	uint64_t dropped;

	hostile_count(hostile, TX, &counts);
	bench_send_many(bench, before, HOSTILE_FRAME);
	hostile_bad(hostile, bench->tx, kind, 0);
	assert_int_equal(hostile_take(hostile), before);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(hostile_fates(hostile, TX, &counts, &dropped), FATE_BROKEN);
	assert_int_equal(hostile_give(hostile, 1, HOSTILE_FRAME), 1);
	hostile_restart(hostile);
	hostile_good(hostile);
}

/* A head beyond the ring: split rings drop it, packed ones have lost their way. */
static void G03_head_out_of_range(struct hostile *hostile)
{
	static const enum guest_bad kinds[] = { GUEST_BAD_HEAD_RANGE, GUEST_BAD_HEAD_MAX };

	hostile_open(hostile, NULL);
	for (uint32_t before = 0; before < 6; before++)
		for (size_t i = 0; i < HOSTILE_COUNT(kinds); i++) {
			if (hostile->packed)
				break_ring(hostile, kinds[i], before);
			else
				hostile_from_guest(hostile, kinds[i], 0, FATE_CHAIN);
		}
	hostile_good(hostile);
	hostile_close(hostile);
}

/* NEXT in every descriptor of the ring. */
static void G03_chain_longer_than_the_ring(struct hostile *hostile)
{
	static const uint32_t sizes[] = { 2, 3, 4, 5, 64, 255, 256 };
	struct bench_config config;

	for (size_t i = 0; i < HOSTILE_COUNT(sizes); i++) {
		hostile_config(hostile, &config);
		config.guest.ring_size = sizes[i];
		if (!hostile->packed && (sizes[i] & (sizes[i] - 1)))
			continue;
		hostile_open(hostile, &config);
		if (hostile->packed)
			break_ring(hostile, GUEST_BAD_CHAIN_ENDLESS, 0);
		else
			hostile_from_guest(hostile, GUEST_BAD_LOOP, 0, FATE_CHAIN);
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

/** A table of @p count entries of 16 bytes each from the guest. @return whether it is a packet. */
static bool send_table(struct hostile *hostile, const struct guest_area *area, uint32_t count)
{
	struct bench *bench = hostile->bench;
	uint64_t data = area->gpa + MOST_ENTRIES * 16;
	struct rte_mbuf *pkts[9];
	uint16_t got;

	for (uint32_t i = 0; i < count && i < MOST_ENTRIES; i++) {
		if (hostile->packed)
			((struct vring_packed_desc *)area->host)[i] =
				(struct vring_packed_desc){ data, 16, 0, 0 };
		else
			((struct vring_desc *)area->host)[i] = (struct vring_desc){ data, 16,
				i + 1 < count ? VRING_DESC_F_NEXT : 0, (uint16_t)(i + 1) };
	}
	hostile_offer_table(bench->tx, area->gpa, count * 16);
	got = bench_dequeue_raw(bench, pkts, 8);
	if (got > 0) {
		assert_int_equal(pkts[0]->pkt_len, count * 16 - bench->tx->header_size);
		rte_pktmbuf_free(pkts[0]);
	}
	assert_int_equal(guest_tx_reap(bench->tx), 1);
	hostile_good(hostile);
	return got > 0;
}

/* Linux makes tables of more entries than a small ring has slots, so up to 256 are good. */
static void G03_table_longer_than_its_ring(struct hostile *hostile)
{
	static const uint32_t counts[] = { 8, 9, 16, 17, 255, 256, 257, 300, 512, 766, 767, 768,
					   1024, 1025, MOST_ENTRIES, 65535, 65536, 1u << 24 };

	for (uint32_t size = 8; size <= 2048; size *= 16) {
		struct bench_config config;
		struct guest_area area;

		hostile_config(hostile, &config);
		config.guest.ring_size = size;
		config.guest.table_entries = 32;
		hostile_open(hostile, &config);
		hostile_area(hostile, 1, MOST_ENTRIES * 16 + 64, &area);
		engine_behave(&hostile->bench->engines[TX]);
		for (size_t i = 0; i < HOSTILE_COUNT(counts); i++) {
			struct hostile_counts before;
			uint64_t dropped;

			hostile_count(hostile, TX, &before);
			if (send_table(hostile, &area, counts[i])) {
				assert_true(counts[i] <= 1024);
				continue;
			}
			assert_true(counts[i] > 256);
			assert_true(hostile_fates(hostile, TX, &before, &dropped) &
				    (FATE_CHAIN | FATE_LONG));
			assert_int_equal(dropped, 1);
		}
		hostile_close(hostile);
	}
}

/* NEXT, and the chain's rest is what the ring had there a lap ago. */
static void G03_chain_without_an_end(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.ring_size = 16;
	for (uint32_t begun = 0; begun < 20; begun++) {
		struct rte_mbuf *pkts[33];

		hostile_open(hostile, &config);
		engine_behave(&hostile->bench->engines[TX]);
		for (uint32_t i = 0; i < begun; i++)
			hostile_good(hostile);
		hostile_bad(hostile, hostile->bench->tx, GUEST_BAD_CHAIN_OPEN, 0);
		/* It may be taken for a packet whose last bytes are stale; that is the guest's. */
		for (int i = 0; i < 20; i++) {
			uint16_t got = bench_dequeue_raw(hostile->bench, pkts, 32);

			rte_pktmbuf_free_bulk(pkts, got);
		}
		assert_int_equal(pool_in_use(&hostile->bench->pool), 0);
		hostile->bench->tx->stats.reordered = 0;
		assert_int_equal(hostile_give(hostile, 1, HOSTILE_FRAME), 1);
		hostile_restart(hostile);
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

/* Write-only buffers for transmit, read-only ones for receive: all of a chain, or one of four. */
static void G10_buffers_of_the_wrong_direction(struct hostile *hostile)
{
	struct bench_config config;
	struct guest_area area;

	hostile_config(hostile, &config);
	config.guest.manual_rx = true;
	hostile_open(hostile, &config);
	hostile_area(hostile, 1, 4096, &area);
	for (uint32_t i = 0; i < 2 * 2 * 15; i++) {
		static const uint32_t lengths[4] = { 12, 100, 100, 100 };
		struct guest_queue *queue = &hostile->bench->guest->queues[i % 2];
		struct guest_piece pieces[4];
		uint32_t wrong = 1 + i / 4;

		hostile_cut(pieces, area.gpa, lengths, 4, queue == hostile->bench->rx);
		for (int j = 0; j < 4; j++)
			pieces[j].write ^= (wrong >> j) & 1;
		/* DPDK's driver leaves WRITE set in packed transmit tables: to read harms none. */
		if (hostile->packed && i % 2 == TX && i / 2 % 2) {
			hostile_stamp_at(hostile, area.gpa, HOSTILE_FRAME);
			hostile_offer(queue, pieces, 4, true);
			assert_int_equal(hostile_take(hostile), 1);
			continue;
		}
		hostile_drop(hostile, queue, pieces, 4, i / 2 % 2, FATE_DIRECTION);
	}
	for (int i = 0; i < 20; i++) {
		hostile_from_guest(hostile, GUEST_BAD_DIRECTION, 0, FATE_DIRECTION);
		hostile_from_guest(hostile, GUEST_BAD_DIRECTION_MIXED, 0, FATE_DIRECTION);
		hostile_to_guest(hostile, GUEST_BAD_DIRECTION, 0, FATE_DIRECTION);
		hostile_to_guest(hostile, GUEST_BAD_DIRECTION_MIXED, 0, FATE_DIRECTION);
	}
	hostile_good(hostile);
	hostile_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(G10_buffers_of_the_wrong_direction),
	HOSTILE_TEST(G03_broken_chains_from_the_guest),
	HOSTILE_TEST(G03_broken_chains_to_the_guest),
	HOSTILE_TEST(G03_head_out_of_range),
	HOSTILE_TEST(G03_chain_longer_than_the_ring),
	HOSTILE_TEST(G03_table_longer_than_its_ring),
	/* Chains of split rings end where their links do. */
	HOSTILE_TEST_PACKED(G03_chain_without_an_end),
};

HOSTILE_MAIN(120, tests)
