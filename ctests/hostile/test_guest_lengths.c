/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Rows G04 and G05: lengths of nothing, of a header's part, and beyond 32 bits. */
#include <linux/virtio_config.h>

#include "hostile.h"

#define ROOM 4096
#define LEGACY_HEADER 10
#define HUGE (1u << 24)

static struct guest_area area;

/** A device with headers of 12 or 10 bytes, chains by hand, and memory for these. */
static void open_lengths(struct hostile *hostile, uint32_t header)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.manual_rx = true;
	if (header == LEGACY_HEADER)
		config.guest.features &= ~(GUEST_BIT(VIRTIO_F_VERSION_1) |
					   GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF));
	hostile_open(hostile, &config);
	assert_int_equal(hostile->bench->tx->header_size, header);
	hostile_area(hostile, 1, ROOM, &area);
}

static void G04_zero_length_descriptors(struct hostile *hostile)
{
	open_lengths(hostile, 12);
	for (int i = 0; i < 20; i++) {
		hostile_from_guest(hostile, GUEST_BAD_ZERO, 0, FATE_SHORT);
		hostile_from_guest(hostile, GUEST_BAD_ZERO_CHAIN, 0, FATE_SHORT);
		hostile_from_guest(hostile, GUEST_BAD_ZERO_MIXED, 0, FATE_GOOD);
		hostile_to_guest(hostile, GUEST_BAD_ZERO, 0, FATE_SHORT);
		hostile_to_guest(hostile, GUEST_BAD_ZERO_CHAIN, 0, FATE_SHORT);
		hostile_to_guest(hostile, GUEST_BAD_ZERO_MIXED, 0, FATE_GOOD);
	}
	hostile_good(hostile);
	hostile_close(hostile);
}

/** A good packet cut like this, from the guest and to it. */
static void both_ways(struct hostile *hostile, const uint32_t *lengths, uint32_t count,
		      bool indirect)
{
	struct guest_piece pieces[512];

	hostile_stamp_at(hostile, area.gpa, HOSTILE_FRAME);
	hostile_cut(pieces, area.gpa, lengths, count, false);
	hostile_offer(hostile->bench->tx, pieces, count, indirect);
	assert_int_equal(hostile_take(hostile), 1);
	hostile_cut(pieces, area.gpa, lengths, count, true);
	hostile_offer(hostile->bench->rx, pieces, count, indirect);
	hostile_receive_at(hostile, area.gpa, HOSTILE_FRAME);
}

/* Empty descriptors at all places among good ones, those at address 0 too. */
static void G04_zero_length_descriptors_anywhere(struct hostile *hostile)
{
	open_lengths(hostile, 12);
	for (uint32_t mask = 0; mask < 32; mask++)
		for (int indirect = 0; indirect < 2; indirect++) {
			static const uint32_t good[4] = { 5, 7, 100, HOSTILE_FRAME - 100 };
			uint32_t lengths[9], count = 0;

			for (int i = 0; i < 5; i++) {
				if (mask & (1u << i))
					lengths[count++] = 0;
				if (i < 4)
					lengths[count++] = good[i];
			}
			both_ways(hostile, lengths, count, indirect);
		}
	hostile_close(hostile);
}

/** Take a packet that is too short to be stamped. @return its bytes, or -1. */
static int take_short(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;
	struct rte_mbuf *pkts[9];
	int length = -1;

	for (int turn = 0; turn < 3 && length < 0; turn++) {
		if (bench_dequeue_raw(bench, pkts, 8) == 1) {
			length = (int)pkts[0]->pkt_len;
			assert_memory_equal(rte_pktmbuf_mtod(pkts[0], void *),
					    area.host + bench->tx->header_size, length);
			rte_pktmbuf_free(pkts[0]);
		}
		engine_finish(&bench->engines[TX], ENGINE_ALL);
	}
	assert_int_equal(guest_tx_reap(bench->tx), 1);
	hostile_check(hostile);
	return length;
}

/** Total length from 0 to 13 in these pieces, from the guest. */
static void total_length(struct hostile *hostile, uint32_t total, const uint32_t *lengths,
			 uint32_t count, bool indirect)
{
	uint32_t header = hostile->bench->tx->header_size;
	struct guest_piece pieces[16];
	struct hostile_counts before;
	uint64_t dropped;
	int length;

	for (uint32_t i = 0; i < ROOM; i++)
		area.host[i] = i < header ? 0 : (uint8_t)i;
	hostile_count(hostile, TX, &before);
	hostile_cut(pieces, area.gpa, lengths, count, false);
	hostile_offer(hostile->bench->tx, pieces, count, indirect);
	length = take_short(hostile);
	assert_int_equal(length, total > header ? (int)(total - header) : -1);
	assert_int_equal(hostile_fates(hostile, TX, &before, &dropped),
			 total > header ? 0 : FATE_SHORT);
	assert_int_equal(dropped, total <= header);
}

static void all_lengths_from_the_guest(struct hostile *hostile)
{
	for (uint32_t total = 0; total <= 13; total++)
		for (int indirect = 0; indirect < 2; indirect++) {
			uint32_t bytes[16];

			total_length(hostile, total, &total, 1, indirect);
			for (uint32_t first = 0; first <= total; first++) {
				uint32_t two[2] = { first, total - first };

				total_length(hostile, total, two, 2, indirect);
			}
			for (uint32_t i = 0; i < total; i++)
				bytes[i] = 1;
			if (total > 0)
				total_length(hostile, total, bytes, total, indirect);
			hostile_good(hostile);
		}
}

/* A receive chain that holds a header and nothing else is legal where packets may go on. */
static void all_lengths_to_the_guest(struct hostile *hostile, uint32_t header)
{
	for (uint32_t total = 0; total < header; total++)
		for (int indirect = 0; indirect < 2; indirect++)
			for (uint32_t first = 0; first <= total; first++) {
				uint32_t two[2] = { first, total - first };
				struct guest_piece pieces[2];

				hostile_cut(pieces, area.gpa, two, 2, true);
				hostile_drop(hostile, hostile->bench->rx, pieces, 2, indirect,
					     FATE_SHORT);
			}
	for (uint32_t total = header; total <= 13 && header == 12; total++) {
		hostile_to_guest(hostile, GUEST_BAD_SHORT, total, FATE_GOOD);
		hostile_to_guest(hostile, GUEST_BAD_SHORT_CHAIN, total, FATE_GOOD);
	}
}

static void G04_total_length_0_to_13(struct hostile *hostile)
{
	for (uint32_t header = LEGACY_HEADER; header <= 12; header += 2) {
		open_lengths(hostile, header);
		all_lengths_from_the_guest(hostile);
		all_lengths_to_the_guest(hostile, header);
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

/* The header in up to four descriptors cut at every byte, the last alone or with the frame. */
static void G04_header_cut_at_every_byte(struct hostile *hostile)
{
	for (uint32_t header = LEGACY_HEADER; header <= 12; header += 2) {
		open_lengths(hostile, header);
		for (uint32_t a = 0; a <= header; a++)
			for (uint32_t b = a; b <= header; b++)
				for (uint32_t c = b; c <= header; c += b % 3 + 1) {
					uint32_t apart[5] = { a, b - a, c - b, header - c,
							      HOSTILE_FRAME };
					uint32_t joined[4] = { a, b - a, c - b,
							       header - c + HOSTILE_FRAME };

					both_ways(hostile, apart, 5, (a + b + c) % 2);
					both_ways(hostile, joined, 4, (a + b + c) % 2 == 0);
				}
		hostile_close(hostile);
	}
}

/* Header in one, two, three descriptors; in tables and not. */
static void G04_header_cut_over_one_two_three(struct hostile *hostile)
{
	for (uint32_t header = LEGACY_HEADER; header <= 12; header += 2) {
		open_lengths(hostile, header);
		for (uint32_t a = 0; a <= header; a++)
			for (int form = 0; form < 4; form++) {
				uint32_t one[2] = { a, header - a + HOSTILE_FRAME };
				uint32_t two[3] = { a, header - a, HOSTILE_FRAME };
				uint32_t over[2] = { header + a, HOSTILE_FRAME - a };

				both_ways(hostile, form & 1 ? one : over, 2, form & 2);
				both_ways(hostile, two, 3, form & 2);
			}
		hostile_close(hostile);
	}
}

static void G04_every_byte_a_descriptor(struct hostile *hostile)
{
	uint32_t lengths[12 + HOSTILE_FRAME];

	open_lengths(hostile, 12);
	/* 255 descriptors: the last one has the rest. */
	for (int i = 0; i < 254; i++)
		lengths[i] = 1;
	lengths[254] = 12 + HOSTILE_FRAME - 254;
	for (int i = 0; i < 20; i++)
		both_ways(hostile, lengths, 255, i % 2);
	hostile_close(hostile);
}

/** Regions of 24 MiB, so that 256 descriptors over one of them have more than 32 bits of bytes. */
static void open_huge(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.manual_rx = true;
	config.guest.region_size = HUGE + (12u << 20);
	hostile_open(hostile, &config);
	hostile_area(hostile, 1, HUGE + ROOM, &area);
}

/** 256 descriptors over the same bytes. */
static void alias(struct guest_piece pieces[256], uint32_t length, bool write)
{
	for (int i = 0; i < 256; i++)
		pieces[i] = (struct guest_piece){ area.gpa, length, write };
}

static void G05_lengths_beyond_32_bits(struct hostile *hostile)
{
	struct guest_piece pieces[256];

	open_huge(hostile);
	for (uint32_t extra = 0; extra < 400; extra += 57)
		for (int indirect = 0; indirect < 2; indirect++)
			for (uint32_t queue = RX; queue <= TX; queue++) {
				struct guest_queue *at = &hostile->bench->guest->queues[queue];

				/* In 32 bits: extra. */
				alias(pieces, HUGE, queue == RX);
				pieces[255].length += extra;
				if (queue == TX) {
					hostile_drop(hostile, at, pieces, 256, indirect, FATE_LONG);
					continue;
				}
				hostile_offer(at, pieces, 256, indirect);
				hostile_receive_at(hostile, area.gpa, HOSTILE_FRAME);
			}
	hostile_from_guest(hostile, GUEST_BAD_LENGTH_SUM, 0, FATE_UNMAPPED);
	hostile_from_guest(hostile, GUEST_BAD_LENGTH_MAX, 0, FATE_UNMAPPED);
	hostile_to_guest(hostile, GUEST_BAD_LENGTH_SUM, 0, FATE_UNMAPPED);
	hostile_to_guest(hostile, GUEST_BAD_LENGTH_MAX, 0, FATE_UNMAPPED);
	hostile_good(hostile);
	hostile_close(hostile);
}

/* 256 descriptors over one buffer: too long from the guest, and good enough to it. */
static void G05_256_descriptors_alias_one_buffer(struct hostile *hostile)
{
	struct guest_piece pieces[256];

	open_huge(hostile);
	for (uint32_t length = 257; length <= HUGE; length *= 8)
		for (int indirect = 0; indirect < 2; indirect++) {
			alias(pieces, length, false);
			hostile_drop(hostile, hostile->bench->tx, pieces, 256, indirect, FATE_LONG);
			if (length < HOSTILE_FRAME + 12)
				continue;
			alias(pieces, length, true);
			hostile_offer(hostile->bench->rx, pieces, 256, indirect);
			hostile_receive_at(hostile, area.gpa, HOSTILE_FRAME);
		}
	hostile_from_guest(hostile, GUEST_BAD_ALIASES, 0, FATE_LONG);
	hostile_from_guest(hostile, GUEST_BAD_TOO_LARGE, 0, FATE_LONG);
	hostile_to_guest(hostile, GUEST_BAD_TOO_LARGE, 0, FATE_GOOD);
	hostile_good(hostile);
	hostile_close(hostile);
}

/* The largest packet that there is, from 256 descriptors over the same 256 bytes. */
static void G05_256_aliases_make_one_good_packet(struct hostile *hostile)
{
	struct guest_piece pieces[256];
	struct rte_mbuf *pkts[9];

	open_huge(hostile);
	memset(area.host, 0, 256);
	for (int i = 0; i < 20; i++) {
		alias(pieces, 255, false);
		hostile_offer(hostile->bench->tx, pieces, 256, i % 2);
		engine_behave(&hostile->bench->engines[TX]);
		assert_int_equal(bench_dequeue_raw(hostile->bench, pkts, 8), 1);
		assert_int_equal(pkts[0]->pkt_len, 256 * 255 - 12);
		rte_pktmbuf_free(pkts[0]);
		assert_int_equal(guest_tx_reap(hostile->bench->tx), 1);
		hostile_good(hostile);
	}
	hostile_close(hostile);
}

/* The same where mbufs may have external buffers, or where packets must lie in one piece. */
static void G05_256_aliases_with_other_buffers(struct hostile *hostile)
{
	static const uint64_t flags[] = {
		RTE_VHOST_USER_EXTBUF_SUPPORT, RTE_VHOST_USER_LINEARBUF_SUPPORT,
		RTE_VHOST_USER_EXTBUF_SUPPORT | RTE_VHOST_USER_LINEARBUF_SUPPORT,
	};
	static const uint32_t lengths[] = { 1, 8, 9, 254, 255, 256, 257, 4096, HUGE };

	for (size_t i = 0; i < HOSTILE_COUNT(flags); i++) {
		struct bench_config config;

		hostile_config(hostile, &config);
		config.driver_flags |= flags[i];
		config.guest.region_size = HUGE + (12u << 20);
		hostile_open(hostile, &config);
		hostile_area(hostile, 1, HUGE, &area);
		for (uint32_t j = 0; j < 2 * HOSTILE_COUNT(lengths); j++) {
			uint64_t total = 256ULL * lengths[j / 2] - 12;
			struct guest_piece pieces[256];
			struct rte_mbuf *pkts[9];
			uint16_t got;

			alias(pieces, lengths[j / 2], false);
			engine_behave(&hostile->bench->engines[TX]);
			hostile_offer(hostile->bench->tx, pieces, 256, j % 2);
			got = bench_dequeue_raw(hostile->bench, pkts, 8);
			if (total <= 2048 || (total <= 60000 &&
					      flags[i] & RTE_VHOST_USER_EXTBUF_SUPPORT))
				assert_int_equal(got, 1);
			if (total > 65535 || (total > 2048 && flags[i] == flags[1]))
				assert_int_equal(got, 0);
			if (got > 0) {
				assert_int_equal(pkts[0]->pkt_len, total);
				assert_true(pkts[0]->nb_segs == 1 || flags[i] == flags[0]);
				rte_pktmbuf_free(pkts[0]);
			}
			assert_int_equal(guest_tx_reap(hostile->bench->tx), 1);
			hostile_good(hostile);
		}
		hostile_close(hostile);
	}
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(G04_zero_length_descriptors),
	HOSTILE_TEST(G04_zero_length_descriptors_anywhere),
	HOSTILE_TEST(G04_total_length_0_to_13),
	HOSTILE_TEST(G04_header_cut_at_every_byte),
	HOSTILE_TEST(G04_header_cut_over_one_two_three),
	HOSTILE_TEST(G04_every_byte_a_descriptor),
	HOSTILE_TEST(G05_lengths_beyond_32_bits),
	HOSTILE_TEST(G05_256_descriptors_alias_one_buffer),
	HOSTILE_TEST(G05_256_aliases_make_one_good_packet),
	HOSTILE_TEST(G05_256_aliases_with_other_buffers),
};

HOSTILE_MAIN(120, tests)
