/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Defects of DPDK's asynchronous copies that must be absent: S10 to S17. */
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"

#define SMALL 64
#define LARGE 1500

static void s10_a_negative_completion_count_is_none(void **state)
{
	static const int32_t results[] = { -1, -28, INT32_MIN };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 4, LARGE);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	for (uint32_t i = 0; i < 3; i++) {
		bench->engines[TX].check_errors = 1;
		bench->engines[TX].check_error = results[i];
		assert_int_equal(bench_dequeue(bench, 32), 0);
		assert_int_equal(bench->from.inflight, 4);
		assert_int_equal(bench_stats(bench, TX).engine_errors, i + 1);
	}
	assert_int_equal(bench->tx->stats.used, 0);
	engine_finish(&bench->engines[TX], 2);
	assert_int_equal(bench_dequeue(bench, 32), 2);
	bench_close(bench);
}

static void s10_a_negative_completion_count_is_none_to_the_guest(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	assert_int_equal(bench_enqueue(bench, 4, LARGE), 4);
	bench->engines[RX].check_errors = 1;
	bench->engines[RX].check_error = -5;
	assert_int_equal(bench_collect(bench, 32), 0);
	assert_int_equal(bench_receive(bench), 0);
	assert_int_equal(bench_stats(bench, RX).engine_errors, 1);
	engine_finish(&bench->engines[RX], 4);
	assert_int_equal(bench_collect(bench, 32), 4);
	assert_int_equal(bench_receive(bench), 4);
	bench_close(bench);
}

static void s11_more_completions_than_in_flight_are_clamped(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 2, LARGE);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	engine_finish(&bench->engines[TX], 2);
	bench->engines[TX].over_report = 60000;
	assert_int_equal(bench_dequeue(bench, 32), 2);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench_stats(bench, TX).engine_errors, 1);
	/* What was too much is no credit for later packets. */
	bench->engines[TX].over_report = 0;
	bench_send_many(bench, 2, LARGE);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(bench->from.inflight, 2);
	bench_close(bench);
}

/* More than it was asked for, fewer than are in flight: the rest has not been copied. */
static void s11_more_completions_than_asked_for_are_clamped(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 10, LARGE);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	engine_finish(&bench->engines[TX], 4);
	bench->engines[TX].over_report = 3;
	assert_int_equal(bench_dequeue(bench, 4), 4);
	assert_int_equal(bench->from.inflight, 6);
	assert_int_equal(bench_stats(bench, TX).engine_errors, 1);
	bench->engines[TX].over_report = 0;
	assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(bench->from.inflight, 6);
	engine_finish(&bench->engines[TX], 6);
	assert_int_equal(bench_dequeue(bench, 32), 6);
	bench_close(bench);
}

static void s11_more_accepted_than_offered_is_clamped(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench->engines[TX].claim = 7;
	bench->engines[RX].claim = 7;
	bench_send_many(bench, 3, LARGE);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(bench->from.inflight, 3);
	assert_int_equal(bench_stats(bench, TX).engine_errors, 1);
	assert_int_equal(bench_enqueue(bench, 3, LARGE), 3);
	assert_int_equal(bench_stats(bench, RX).engine_errors, 1);
	engine_finish(&bench->engines[TX], 3);
	engine_finish(&bench->engines[RX], 3);
	assert_int_equal(bench_dequeue(bench, 32), 3);
	assert_int_equal(bench_collect(bench, 32), 3);
	assert_int_equal(bench_receive(bench), 3);
	bench_close(bench);
}

/** An IPv4 frame with TCP in bench->frame, and a header that asks for its checksum. */
static void make_tcp(struct bench *bench, uint32_t size, struct virtio_net_hdr_v1 *header)
{
	uint8_t *frame = bench->frame;

	memset(frame, 0, size);
	frame[12] = 0x08;
	frame[14] = 0x45;
	frame[14 + 9] = 6;
	frame[34 + 12] = 0x50;
	memset(header, 0, sizeof(*header));
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = 34;
	header->csum_offset = 16;
}

static void s12_a_header_is_not_that_of_an_earlier_packet(void **state)
{
	struct virtio_net_hdr_v1 header;
	struct guest_shape shape = { 0 };
	struct bench_config config;
	struct rte_mbuf *pkts[65];
	struct bench *bench;

	bench_config_init(&config);
	config.guest.features |= BENCH_OFFLOADS;
	config.guest.ring_size = 8;
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	/* Every slot of the FIFO, and of the ring, once with an offload... */
	for (int i = 0; i < 8; i++) {
		make_tcp(bench, LARGE, &header);
		assert_int_equal(guest_tx_header(bench->tx, &header, bench->frame, LARGE, &shape),
				 0);
	}
	guest_submit(bench->tx);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 64), 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pkts[i]->ol_flags, PKT_TX_TCP_CKSUM | PKT_TX_IPV4);
	rte_pktmbuf_free_bulk(pkts, 8);
	assert_int_equal(guest_tx_reap(bench->tx), 8);
	/* ...and once without, the same mbufs as well. */
	bench_send_many(bench, 4, LARGE);
	bench_send_many(bench, 4, SMALL);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 64), 8);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pkts[i]->ol_flags, 0);
		assert_int_equal(pkts[i]->tx_offload, 0);
		bench_accept(bench, pkts[i]);
	}
	bench_close(bench);
}

static void s13_header_bytes_are_no_descriptor_counts(void **state)
{
	struct guest_shape shape = { .header_pieces = 1 };
	struct virtio_net_hdr_v1 header;
	struct bench_config config;
	struct bench *bench;

	assert_int_equal(sizeof(struct async_inflight_info), 64);
	assert_int_equal(offsetof(struct async_inflight_info, descs), 8);
	assert_int_equal(offsetof(struct async_inflight_info, nethdr), 8);
	bench_config_init(&config);
	config.guest.features |= BENCH_OFFLOADS;
	bench = bench_open(state, &config);
	guest_bad_header_fill(GUEST_HEADER_ONES, LARGE, &header);
	for (int i = 0; i < 6; i++) {
		bench_stamp(bench, LARGE);
		assert_int_equal(guest_tx_header(bench->tx, &header, bench->frame, LARGE, &shape),
				 0);
	}
	guest_submit(bench->tx);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(bench->from.inflight, 6);
	engine_finish(&bench->engines[TX], 4);
	assert_int_equal(bench_dequeue(bench, 32), 4);
	assert_int_equal(bench->from.inflight, 2);
	/* One chain is one used entry, whatever the header says. */
	assert_int_equal(bench->tx->stats.used, 4);
	bench_close(bench);
}

/** Large and small packets in every pattern of eight, every number of them accepted. */
static void recover(struct bench *bench, uint32_t pattern, uint32_t accept)
{
	uint64_t before = bench->from.returned;
	uint32_t large = 0;

	for (int i = 0; i < 8; i++) {
		bench_send(bench, pattern >> i & 1 ? LARGE : SMALL, NULL);
		large += pattern >> i & 1;
	}
	bench->engines[TX].accept = accept;
	bench_dequeue(bench, 8);
	/* Packets in front of the first refused one are taken, it and those behind it are not. */
	if (accept < large) {
		uint32_t position = 0;

		for (uint32_t seen = 0; seen < accept || !(pattern >> position & 1); position++)
			seen += pattern >> position & 1;
		assert_int_equal(bench->from.returned - before + (uint32_t)bench->from.inflight,
				 position);
	}
	bench->engines[TX].accept = ENGINE_ALL;
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	for (int i = 0; i < 2; i++) {
		bench_dequeue(bench, 8);
		engine_finish(&bench->engines[TX], ENGINE_ALL);
	}
	bench_dequeue(bench, 8);
	assert_int_equal(bench->from.returned - before, 8);
	assert_int_equal(bench->from.inflight, 0);
}

static void s14_recovery_frees_the_packets_that_were_refused(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	/* bench_check() compares the pool's level after every call: a wrong mbuf shows. */
	for (uint32_t accept = 0; accept <= 8; accept++)
		recover(bench, 0xff, accept);
	bench_close(bench);
}

static void s15_what_was_taken_is_not_told_by_subtraction(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	for (uint32_t pattern = 1; pattern < 256; pattern++)
		for (uint32_t accept = 0; accept <= 4; accept++)
			recover(bench, pattern, accept);
	bench_close(bench);
}

static void s15_a_partial_second_batch(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench->engines[TX].accept = 63;
	bench_send_many(bench, 100, LARGE);
	assert_int_equal(bench_dequeue(bench, 128), 0);
	/* The batch that was refused in part ended the burst. */
	assert_int_equal(bench->from.inflight, 63);
	assert_int_equal(bench_dequeue(bench, 128), 0);
	assert_int_equal(bench->from.inflight, 100);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 128), 100);
	bench_close(bench);
}

static void s16_small_copies_of_a_refused_packet_are_not_done_later(void **state)
{
	struct guest_shape shape = { .header_pieces = 1, .data_pieces = 7 };
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 200;
	config.guest.tx_buffers = 1024;
	bench = bench_open(state, &config);
	/* The last piece of each is below the threshold. */
	for (int i = 0; i < 8; i++)
		bench_send(bench, 1399, &shape);
	bench->engines[TX].refusals = 1;
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(pool_poison(&bench->pool), bench->pool.count);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 0), 0);
	assert_int_equal(rte_vhost_clear_queue_thread_unsafe(bench->vid, TX, pkts, 8), 0);
	assert_true(pool_is_poisoned(&bench->pool));
	assert_int_equal(bench_dequeue(bench, 8), 0);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 8), 8);
	bench_close(bench);
}

/** A good packet, a bad chain and a good packet: the bad one goes back and is counted. */
static void between_good_ones(struct bench *bench, enum guest_bad kind)
{
	struct rtevhostswift_vring_stats stats;
	uint64_t before, used = bench->tx->stats.used;

	stats = bench_stats(bench, TX);
	before = bench_dropped(&stats);
	bench_send(bench, LARGE, NULL);
	memset(bench->frame, 0, SMALL);
	assert_int_equal(guest_bad_add(bench->tx, kind, bench->frame, SMALL, 5), 0);
	guest_submit(bench->tx);
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 32), 0);
	assert_int_equal(bench->from.inflight, 2);
	/* It has its place in the order. */
	assert_int_equal(bench->tx->stats.used, used);
	engine_finish(&bench->engines[TX], 2);
	assert_int_equal(bench_dequeue(bench, 32), 2);
	stats = bench_stats(bench, TX);
	if (bench_dropped(&stats) != before + 1)
		fail_msg("%s was not counted once", guest_bad_name(kind));
	/* Ghost heads are not the driver's, which books them by themselves. */
	assert_int_equal(bench->tx->ghosts, 0);
	assert_int_equal(bench->tx->in_flight, 0);
}

/** Whether a chain is none that can be given back (virtio 1.2, 2.8). */
static bool breaks_a_ring(const struct guest_queue *queue, enum guest_bad kind)
{
	switch (kind) {
	case GUEST_BAD_HEAD_RANGE:
	case GUEST_BAD_HEAD_MAX:
	case GUEST_BAD_CHAIN_OPEN:
	case GUEST_BAD_CHAIN_ENDLESS:
	case GUEST_BAD_WRAP_COUNTER:
		return guest_is_packed(queue);
	default:
		return false;
	}
}

static void s17_bad_chains_are_consumed(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.region_size = 1 << 23;
	config.guest.ring_size = 512;
	bench = bench_open(state, &config);
	/* The first comes twice, the second is only odd, the third longer than any table here. */
	for (enum guest_bad kind = 0; kind < GUEST_ODD_LAST_BYTE; kind++)
		if (guest_bad_suits(bench->tx, kind) && !breaks_a_ring(bench->tx, kind) &&
		    kind != GUEST_BAD_HEAD_TWICE && kind != GUEST_BAD_ZERO_MIXED &&
		    kind != GUEST_BAD_TABLE_LONG)
			between_good_ones(bench, kind);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(s10_a_negative_completion_count_is_none),
		BENCH_TEST(s10_a_negative_completion_count_is_none_to_the_guest),
		BENCH_TEST(s11_more_completions_than_in_flight_are_clamped),
		BENCH_TEST(s11_more_completions_than_asked_for_are_clamped),
		BENCH_TEST(s11_more_accepted_than_offered_is_clamped),
		BENCH_TEST(s12_a_header_is_not_that_of_an_earlier_packet),
		BENCH_TEST(s13_header_bytes_are_no_descriptor_counts),
		BENCH_TEST(s14_recovery_frees_the_packets_that_were_refused),
		BENCH_TEST(s15_what_was_taken_is_not_told_by_subtraction),
		BENCH_TEST(s15_a_partial_second_batch),
		BENCH_TEST(s16_small_copies_of_a_refused_packet_are_not_done_later),
		BENCH_TEST(s17_bad_chains_are_consumed),
	};

	return BENCH_RUN(tests);
}
