/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Defects of DPDK's asynchronous copies that must be absent: S18 to S23. */
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"

#define SMALL 64
#define LARGE 1500

/** An IPv4 frame with TCP in bench->frame. */
static void make_tcp(struct bench *bench, uint32_t size)
{
	uint8_t *frame = bench->frame;

	memset(frame, 0, size);
	frame[12] = 0x08;
	frame[14] = 0x45;
	frame[14 + 9] = 6;
	frame[34 + 12] = 0x50;
}

static void fill_checksum(struct virtio_net_hdr_v1 *header)
{
	memset(header, 0, sizeof(*header));
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = 34;
	header->csum_offset = 16;
}

/** Send bench->frame, take the packet. */
static struct rte_mbuf *pass(struct bench *bench, const struct virtio_net_hdr_v1 *header,
			     uint32_t size, const struct guest_shape *shape)
{
	struct rte_mbuf *pkts[9];

	assert_int_equal(guest_tx_header(bench->tx, header, bench->frame, size, shape), 0);
	assert_int_equal(guest_submit(bench->tx), 0);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 1);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(guest_tx_reap(bench->tx), 1);
	return pkts[0];
}

static void header_over_many_descriptors(void **state, uint32_t threshold, uint64_t features)
{
	struct guest_shape shape = { 0 };
	struct virtio_net_hdr_v1 header;
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.features |= BENCH_OFFLOADS;
	config.guest.features &= ~features;
	config.async.async_threshold = threshold;
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	for (int i = 0; i < 2 * 13; i++) {
		struct rte_mbuf *mbuf;

		shape.indirect = i % 2;
		shape.header_pieces = (uint16_t)(i / 2);
		make_tcp(bench, LARGE);
		bench->frame[LARGE - 1] = (uint8_t)i;
		fill_checksum(&header);
		mbuf = pass(bench, &header, LARGE, &shape);
		assert_int_equal(mbuf->pkt_len, LARGE);
		assert_memory_equal(rte_pktmbuf_mtod(mbuf, void *), bench->frame, LARGE);
		assert_int_equal(mbuf->ol_flags, PKT_TX_TCP_CKSUM | PKT_TX_IPV4);
		rte_pktmbuf_free(mbuf);
		bench_check(bench);
	}
	bench_close(bench);
}

static void s18_header_over_many_descriptors(void **state)
{
	header_over_many_descriptors(state, 256, 0);
}

static void s18_header_over_many_descriptors_all_by_engine(void **state)
{
	header_over_many_descriptors(state, 0, 0);
}

static void s18_header_of_ten_bytes_over_many_descriptors(void **state)
{
	header_over_many_descriptors(state, 0, GUEST_BIT(VIRTIO_F_VERSION_1) |
				     GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF));
}

/** One chain of a kind; @return whether a packet came of it. */
static bool yields(struct bench *bench, enum guest_bad kind, uint32_t argument)
{
	struct rte_mbuf *pkts[9];
	uint64_t used = bench->tx->stats.used;
	uint16_t got;

	assert_int_equal(guest_bad_add(bench->tx, kind, bench->frame, SMALL, argument), 0);
	assert_int_equal(guest_submit(bench->tx), 0);
	got = bench_dequeue_raw(bench, pkts, 8);
	assert_int_equal(bench->from.inflight, 0);
	guest_tx_reap(bench->tx);
	assert_int_equal(bench->tx->stats.used, used + 1);
	for (uint16_t i = 0; i < got; i++) {
		assert_int_equal(pkts[i]->pkt_len, SMALL);
		assert_memory_equal(rte_pktmbuf_mtod(pkts[i], void *), bench->frame, SMALL);
		rte_pktmbuf_free(pkts[i]);
	}
	bench_check(bench);
	return got == 1;
}

static void s19_empty_descriptors_and_bare_headers(void **state)
{
	static const uint32_t thresholds[] = { 0, 256, UINT32_MAX };
	struct bench_config config;
	struct bench *bench;

	for (int i = 0; i < 3; i++) {
		bench_config_init(&config);
		config.async.async_threshold = thresholds[i];
		bench = bench_open(state, &config);
		engine_behave(&bench->engines[TX]);
		make_tcp(bench, SMALL);
		assert_false(yields(bench, GUEST_BAD_ZERO, 0));
		assert_false(yields(bench, GUEST_BAD_ZERO_CHAIN, 0));
		assert_false(yields(bench, GUEST_BAD_HEADER_ONLY, 0));
		for (uint32_t length = 0; length <= 12; length++)
			assert_false(yields(bench, GUEST_BAD_SHORT, length));
		for (uint32_t length = 1; length <= 12; length++)
			assert_false(yields(bench, GUEST_BAD_SHORT_CHAIN, length));
		assert_int_equal(bench_stats(bench, TX).dropped_short, 28);
		/* Empty descriptors around good ones change nothing. */
		assert_true(yields(bench, GUEST_BAD_ZERO_MIXED, 0));
		assert_true(yields(bench, GUEST_ODD_HEADER_BYTES, 0));
		for (uint32_t cut = 1; cut < 12; cut++)
			assert_true(yields(bench, GUEST_ODD_HEADER_CUT, cut));
		bench_close(bench);
	}
}

/** The guest's own bytes of the first packet in the ring. */
static struct virtio_net_hdr_v1 *header_in_ring(struct bench *bench)
{
	bool packed = guest_is_packed(bench->tx);
	uint64_t gpa = packed ? bench->tx->ring.packed.descriptors[0].addr :
				bench->tx->ring.split.descriptors[0].addr;

	return guest_memory_host(&bench->guest->memory, gpa, 12);
}

static void s20_the_header_is_read_once(void **state)
{
	struct virtio_net_hdr_v1 header, other;
	struct guest_shape shape = { 0 };
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	config.guest.features |= BENCH_OFFLOADS;
	bench = bench_open(state, &config);
	make_tcp(bench, LARGE);
	fill_checksum(&header);
	assert_int_equal(guest_tx_header(bench->tx, &header, bench->frame, LARGE, &shape), 0);
	guest_submit(bench->tx);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 0);
	assert_int_equal(bench->from.inflight, 1);
	/* While the engine copies, the guest changes its mind. */
	guest_bad_header_fill(GUEST_HEADER_ONES, LARGE, &other);
	*header_in_ring(bench) = other;
	engine_finish(&bench->engines[TX], 1);
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 1);
	assert_int_equal(pkts[0]->ol_flags, PKT_TX_TCP_CKSUM | PKT_TX_IPV4);
	assert_int_equal(bench_stats(bench, TX).bad_offload, 0);
	rte_pktmbuf_free(pkts[0]);
	guest_tx_reap(bench->tx);
	bench_close(bench);
}

/** Whether a header cannot be true of a frame with TCP over IPv4. */
static bool lies(enum guest_bad_header kind)
{
	switch (kind) {
	case GUEST_HEADER_CSUM_LAST:
	case GUEST_HEADER_CSUM_END:
	case GUEST_HEADER_CSUM_BEYOND:
	case GUEST_HEADER_CSUM_MAX:
	case GUEST_HEADER_CSUM_OFFSET_MAX:
	case GUEST_HEADER_CSUM_BOTH_MAX:
	case GUEST_HEADER_GSO_SIZE_ZERO:
	case GUEST_HEADER_GSO_UNKNOWN:
	case GUEST_HEADER_GSO_UDP:
	case GUEST_HEADER_ONES:
		return true;
	default:
		return false;
	}
}

static void lying_headers(void **state, uint64_t flags, uint32_t threshold)
{
	struct guest_shape shape = { 0 };
	struct virtio_net_hdr_v1 header;
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.features |= BENCH_OFFLOADS;
	config.driver_flags |= flags;
	config.async.async_threshold = threshold;
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	for (enum guest_bad_header kind = 0; kind < GUEST_HEADER_COUNT; kind++) {
		uint64_t before = bench_stats(bench, TX).bad_offload;
		struct rte_mbuf *mbuf;

		make_tcp(bench, LARGE);
		guest_bad_header_fill(kind, LARGE, &header);
		mbuf = pass(bench, &header, LARGE, &shape);
		assert_int_equal(mbuf->pkt_len, LARGE);
		if (lies(kind)) {
			assert_int_equal(mbuf->ol_flags, 0);
			assert_int_equal(mbuf->tx_offload, 0);
			assert_memory_equal(rte_pktmbuf_mtod(mbuf, void *), bench->frame, LARGE);
		}
		assert_int_equal(bench_stats(bench, TX).bad_offload, before + lies(kind));
		rte_pktmbuf_free(mbuf);
		bench_check(bench);
	}
	bench_close(bench);
}

static void s21_lying_headers_set_no_flags(void **state)
{
	lying_headers(state, 0, 256);
}

static void s21_lying_headers_set_no_flags_by_cpu(void **state)
{
	lying_headers(state, 0, UINT32_MAX);
}

static void s21_lying_headers_set_no_compliant_flags(void **state)
{
	lying_headers(state, RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS, 256);
}

static const uint8_t mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };

static void check_announcement(const struct rte_mbuf *mbuf)
{
	const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	assert_true(mbuf->pkt_len >= 60);
	assert_int_equal(frame[0] & frame[1] & frame[2] & frame[3] & frame[4] & frame[5], 0xff);
	assert_memory_equal(frame + 6, mac, 6);
	assert_int_equal(frame[12] << 8 | frame[13], 0x8035);
	assert_int_equal(frame[20] << 8 | frame[21], 3);
	assert_memory_equal(frame + 22, mac, 6);
	assert_memory_equal(frame + 32, mac, 6);
}

static void s22_an_announcement_without_room_waits(void **state)
{
	struct bench_config config;
	struct rte_mbuf *pkts[9];
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	bench_send_many(bench, 3, LARGE);
	assert_int_equal(guest_send_rarp(&bench->guest->frontend, mac), 0);
	assert_int_equal(bench_dequeue(bench, 0), 0);
	assert_int_equal(bench_dequeue(bench, 0), 0);
	/* It takes the first place, packets take the others. */
	assert_int_equal(bench_dequeue_raw(bench, pkts, 3), 3);
	check_announcement(pkts[0]);
	rte_pktmbuf_free(pkts[0]);
	bench_accept(bench, pkts[1]);
	bench_accept(bench, pkts[2]);
	guest_tx_reap(bench->tx);
	/* Once. */
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

static void s23_an_announcement_without_an_mbuf_waits(void **state)
{
	struct rte_mbuf *taken[512], *pkts[9];
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(guest_send_rarp(&bench->guest->frontend, mac), 0);
	bench->held = pool_hold(&bench->pool, 0, taken);
	for (int i = 0; i < 3; i++)
		assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench_stats(bench, TX).pool_empty, 3);
	rte_pktmbuf_free_bulk(taken, bench->held);
	bench->held = 0;
	assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 1);
	check_announcement(pkts[0]);
	rte_pktmbuf_free(pkts[0]);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(s18_header_over_many_descriptors),
		BENCH_TEST(s18_header_over_many_descriptors_all_by_engine),
		BENCH_TEST(s18_header_of_ten_bytes_over_many_descriptors),
		BENCH_TEST(s19_empty_descriptors_and_bare_headers),
		BENCH_TEST(s20_the_header_is_read_once),
		BENCH_TEST(s21_lying_headers_set_no_flags),
		BENCH_TEST(s21_lying_headers_set_no_flags_by_cpu),
		BENCH_TEST(s21_lying_headers_set_no_compliant_flags),
		BENCH_TEST(s22_an_announcement_without_room_waits),
		BENCH_TEST(s23_an_announcement_without_an_mbuf_waits),
	};

	return BENCH_RUN(tests);
}
