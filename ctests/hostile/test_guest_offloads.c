/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Row G07: headers that ask for the impossible. The packet arrives without the offload and is
 * counted, or with an offload that lies within the packet; nothing outside of it is touched.
 */
#include <linux/virtio_config.h>

#include "control_net.h"
#include "hostile.h"

#define MOST 1600
#define OFFLOADS (PKT_TX_L4_MASK | PKT_TX_TCP_SEG | PKT_TX_UDP_SEG | PKT_RX_LRO | \
		  PKT_RX_L4_CKSUM_MASK)

static const struct control_protocol tcp = { .l4 = 6 }, other = { .l4 = 200 };
static uint8_t frame[MOST];

static void open_offloads(struct hostile *hostile, bool compliant)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.features |= BENCH_OFFLOADS;
	if (compliant)
		config.driver_flags |= RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS;
	hostile_open(hostile, &config);
}

/** Send a frame with this header; the mbuf that it became. */
static struct rte_mbuf *pass(struct hostile *hostile, const struct virtio_net_hdr_v1 *header,
			     uint32_t size)
{
	static const struct guest_shape direct;
	struct bench *bench = hostile->bench;
	struct rte_mbuf *pkts[9];
	uint16_t got;

	assert_int_equal(guest_tx_header(bench->tx, header, frame, size, &direct), 0);
	guest_submit(bench->tx);
	got = bench_dequeue_raw(bench, pkts, 8);
	if (got == 0) {
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		got = bench_dequeue_raw(bench, pkts, 8);
	}
	assert_int_equal(got, 1);
	assert_int_equal(guest_tx_reap(bench->tx), 1);
	assert_int_equal(pkts[0]->pkt_len, size);
	assert_int_equal(pool_in_use(&bench->pool), 1);
	return pkts[0];
}

/** Free the mbuf; its bytes are those sent, but for a sum of two bytes that was asked for. */
static void check_bytes(struct hostile *hostile, struct rte_mbuf *mbuf, uint32_t size,
			const struct virtio_net_hdr_v1 *header)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(mbuf, uint8_t *);
	uint32_t sum = (uint32_t)header->csum_start + header->csum_offset;
	bool summed = header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;

	for (uint32_t i = 0; i < size; i++)
		if (bytes[i] != frame[i] && (!summed || (i != sum && i != sum + 1)))
			fail_msg("byte %u of %u was changed: csum_start %u, csum_offset %u", i,
				 size, header->csum_start, header->csum_offset);
	/* Every part of the headers that the application will follow lies within the packet. */
	assert_true((uint32_t)mbuf->l2_len + mbuf->l3_len + mbuf->l4_len <= size);
	rte_pktmbuf_free(mbuf);
	hostile_check(hostile);
}

/** A lie: counted once, and without an offload. */
static void refuse(struct hostile *hostile, const struct virtio_net_hdr_v1 *header, uint32_t size)
{
	uint64_t before = bench_stats(hostile->bench, TX).bad_offload;
	struct rte_mbuf *mbuf = pass(hostile, header, size);

	if (bench_stats(hostile->bench, TX).bad_offload != before + 1 ||
	    mbuf->ol_flags & OFFLOADS)
		fail_msg("csum %u+%u of %u, gso %u: flags %lx, %lu counted", header->csum_start,
			 header->csum_offset, size, header->gso_type, mbuf->ol_flags,
			 bench_stats(hostile->bench, TX).bad_offload - before);
	assert_memory_equal(rte_pktmbuf_mtod(mbuf, uint8_t *), frame, size);
	check_bytes(hostile, mbuf, size, header);
}

/** Whatever it is, it harms nobody. */
static void survive(struct hostile *hostile, const struct virtio_net_hdr_v1 *header, uint32_t size)
{
	check_bytes(hostile, pass(hostile, header, size), size, header);
}

static const uint32_t sizes[] = { 14, 15, 33, 34, 35, 53, 54, 55, 60, 61, 299, 300, 1499, 1500 };

static void G07_csum_start_around_the_length(struct hostile *hostile)
{
	for (int compliant = 0; compliant < 2; compliant++) {
		open_offloads(hostile, compliant);
		for (size_t i = 0; i < HOSTILE_COUNT(sizes); i++) {
			uint32_t size = sizes[i];
			uint32_t starts[] = { size - 1, size, size + 1, size + 2, 32767, 32768,
					      65534, 65535 };

			control_protocol_frame(frame, MOST, &tcp);
			for (size_t j = 0; j < HOSTILE_COUNT(starts); j++) {
				struct virtio_net_hdr_v1 header = {
					.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.csum_start = (uint16_t)starts[j],
				};

				refuse(hostile, &header, size);
				header.csum_offset = 16;
				refuse(hostile, &header, size);
				header.csum_offset = 65535;
				refuse(hostile, &header, size);
			}
		}
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

static void G07_csum_offset_beyond_the_packet(struct hostile *hostile)
{
	for (int compliant = 0; compliant < 2; compliant++) {
		open_offloads(hostile, compliant);
		for (size_t i = 0; i < HOSTILE_COUNT(sizes); i++) {
			uint32_t size = sizes[i], start = size > 34 ? 34 : 14;
			uint32_t offsets[] = { size - start - 1, size - start, size - start + 1,
					       65535 - start, 65535 - start + 1, 65534, 65535 };

			control_protocol_frame(frame, MOST, &other);
			for (size_t j = 0; j < HOSTILE_COUNT(offsets); j++) {
				struct virtio_net_hdr_v1 header = {
					.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.csum_start = (uint16_t)start,
					.csum_offset = (uint16_t)offsets[j],
				};

				refuse(hostile, &header, size);
			}
		}
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

/* Odd lengths, and sums that are made here because no flag can ask for them. */
static void G07_sums_at_every_place(struct hostile *hostile)
{
	for (int compliant = 0; compliant < 2; compliant++) {
		open_offloads(hostile, compliant);
		for (uint32_t size = 60; size < 62; size++)
			for (uint32_t start = 0; start <= size + 1; start++)
				for (uint32_t offset = 0; offset < 66; offset += 1 + start % 7) {
					struct virtio_net_hdr_v1 header = {
						.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
						.csum_start = (uint16_t)start,
						.csum_offset = (uint16_t)offset,
					};

					control_protocol_frame(frame, size,
							       start % 2 ? &other : &tcp);
					survive(hostile, &header, size);
				}
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

static const unsigned int lies = 1 << GUEST_HEADER_CSUM_LAST | 1 << GUEST_HEADER_CSUM_END |
	1 << GUEST_HEADER_CSUM_BEYOND | 1 << GUEST_HEADER_CSUM_MAX |
	1 << GUEST_HEADER_CSUM_OFFSET_MAX | 1 << GUEST_HEADER_CSUM_BOTH_MAX |
	1 << GUEST_HEADER_GSO_SIZE_ZERO | 1 << GUEST_HEADER_GSO_UNKNOWN | 1 << GUEST_HEADER_ONES;

static void G07_senseless_headers(struct hostile *hostile)
{
	for (int compliant = 0; compliant < 2; compliant++) {
		open_offloads(hostile, compliant);
		for (uint32_t size = 61; size < 1500; size += 139)
			for (int kind = 0; kind < GUEST_HEADER_COUNT; kind++) {
				struct virtio_net_hdr_v1 header;

				control_protocol_frame(frame, size, &tcp);
				guest_bad_header_fill(kind, size, &header);
				(lies & 1u << kind ? refuse : survive)(hostile, &header, size);
			}
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

/* Every gso_type, sizes of nothing and of too much, headers beyond the packet. */
static void G07_gso_types_sizes_and_header_lengths(struct hostile *hostile)
{
	static const uint16_t segments[] = { 0, 1, 1448, 65535 };

	for (int compliant = 0; compliant < 2; compliant++) {
		open_offloads(hostile, compliant);
		for (uint32_t type = 0; type < 256; type++)
			for (uint32_t i = 0; i < 16; i++) {
				uint32_t size = i % 2 ? 1500 : 55 + i;
				uint16_t lengths[] = { 0, 53, (uint16_t)(size + 1), 65535 };
				struct virtio_net_hdr_v1 header = {
					.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.gso_type = (uint8_t)type, .gso_size = segments[i % 4],
					.hdr_len = lengths[i / 4], .csum_start = 34,
					.csum_offset = 16,
				};
				uint32_t kind = type & ~(uint32_t)VIRTIO_NET_HDR_GSO_ECN;
				bool known = kind == VIRTIO_NET_HDR_GSO_TCPV4 ||
					     kind == VIRTIO_NET_HDR_GSO_TCPV6 ||
					     kind == VIRTIO_NET_HDR_GSO_UDP;

				control_protocol_frame(frame, size, &tcp);
				if (kind == 0 || (known && header.gso_size > 0))
					survive(hostile, &header, size);
				else
					refuse(hostile, &header, size);
			}
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

/* Any bytes for a header, any bytes for a frame, headers on their own in a descriptor. */
static void G07_random_headers(struct hostile *hostile)
{
	struct guest_random random = { .state = 7 };

	for (int compliant = 0; compliant < 2; compliant++) {
		open_offloads(hostile, compliant);
		for (int i = 0; i < 3000; i++) {
			uint32_t size = guest_random_range(&random, 14, MOST - 1);
			uint64_t noise[2] = { guest_random_next(&random),
					      guest_random_next(&random) };
			struct virtio_net_hdr_v1 header;

			memcpy(&header, noise, sizeof(header));
			if (i % 3 == 0)
				header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
			control_protocol_frame(frame, size, &(struct control_protocol){
				.vlans = (uint8_t)(noise[1] >> 32) % 3,
				.is_ipv6 = noise[1] >> 40 & 1, .l4 = noise[1] >> 48 & 1 ? 6 : 17 });
			if (i % 4 == 0)
				for (uint32_t j = 12; j < size; j++)
					frame[j] = (uint8_t)guest_random_next(&random);
			survive(hostile, &header, size);
		}
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(G07_csum_start_around_the_length),
	HOSTILE_TEST(G07_csum_offset_beyond_the_packet),
	HOSTILE_TEST(G07_sums_at_every_place),
	HOSTILE_TEST(G07_senseless_headers),
	HOSTILE_TEST(G07_gso_types_sizes_and_header_lengths),
	HOSTILE_TEST(G07_random_headers),
};

HOSTILE_MAIN(120, tests)
