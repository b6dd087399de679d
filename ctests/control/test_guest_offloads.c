/* SPDX-License-Identifier: BSD-3-Clause */

/* Offloads that a guest asks for: what the mbuf says in both conventions, and lies. */
#define _GNU_SOURCE
#include "control.h"

#include "control_net.h"
#include "guest_misbehave.h"

#define SIZE 1000
#define SEGMENT 1200
#define OFFLOADS (PKT_TX_L4_MASK | PKT_TX_TCP_SEG | PKT_TX_UDP_SEG | PKT_RX_LRO | \
		  PKT_RX_L4_CKSUM_MASK)

static const struct control_protocol protocols[] = {
	{ .l4 = 6 }, { .l4 = 17 }, { .l4 = 132 },
	{ .l4 = 6, .is_ipv6 = true }, { .l4 = 17, .is_ipv6 = true },
	{ .l4 = 6, .vlans = 1 }, { .l4 = 17, .vlans = 2 }, { .l4 = 6, .options = 12 },
	{ .l4 = 6, .is_ipv6 = true, .vlans = 2 },
};

static struct control_device one;

static void open_with(bool compliant)
{
	struct guest_config config;

	guest_config_init(&config);
	config.features |= GUEST_BIT(VIRTIO_NET_F_CSUM) | GUEST_BIT(VIRTIO_NET_F_HOST_TSO4) |
			   GUEST_BIT(VIRTIO_NET_F_HOST_TSO6) | GUEST_BIT(VIRTIO_NET_F_HOST_UFO);
	control_open(&one, compliant ? "compliant" : "legacy",
		     compliant ? RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS : 0, &config);
}

/** Send a frame with this header; the mbuf that it became. */
static struct rte_mbuf *send(const struct virtio_net_hdr_v1 *header, const uint8_t *frame,
			     uint32_t size)
{
	struct guest_queue *queue = guest_tx_queue(one.guest, 0);
	static const struct guest_shape shape;
	struct rte_mbuf *mbuf = NULL;

	assert_int_equal(guest_tx_header(queue, header, frame, size, &shape), 0);
	guest_submit(queue);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 1);
	guest_tx_reap(queue);
	assert_int_equal(mbuf->pkt_len, size);
	return mbuf;
}

static void ask_checksum(struct virtio_net_hdr_v1 *header,
			 const struct control_protocol *protocol)
{
	memset(header, 0, sizeof(*header));
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = (uint16_t)(control_l2(protocol) + control_l3(protocol));
	header->csum_offset = (uint16_t)control_checksum_offset(protocol);
}

static void ask_segments(struct virtio_net_hdr_v1 *header,
			 const struct control_protocol *protocol)
{
	ask_checksum(header, protocol);
	header->gso_type = protocol->l4 == 17 ? VIRTIO_NET_HDR_GSO_UDP :
			   protocol->is_ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
					       VIRTIO_NET_HDR_GSO_TCPV4;
	header->gso_size = SEGMENT;
	header->hdr_len = (uint16_t)(header->csum_start + control_l4(protocol));
}

static uint64_t checksum_flag(const struct control_protocol *protocol)
{
	return protocol->l4 == 6 ? PKT_TX_TCP_CKSUM :
	       protocol->l4 == 17 ? PKT_TX_UDP_CKSUM : PKT_TX_SCTP_CKSUM;
}

/** Makes a header for a protocol's frame. */
typedef void ask_function(struct virtio_net_hdr_v1 *header,
			  const struct control_protocol *protocol);

/** Sends the frame with that header, and looks at the mbuf. */
typedef void check_function(const struct control_protocol *protocol,
			    struct virtio_net_hdr_v1 *header, const uint8_t *frame);

/** Each protocol in turn; for segmentation those that have any. */
static void check_protocols(bool compliant, ask_function *ask, check_function *check)
{
	open_with(compliant);
	for (size_t i = 0; i < CONTROL_COUNT(protocols); i++) {
		struct virtio_net_hdr_v1 header;
		uint8_t frame[SIZE];

		if (ask == ask_segments && protocols[i].l4 == 132)
			continue;
		control_protocol_frame(frame, SIZE, &protocols[i]);
		ask(&header, &protocols[i]);
		check(&protocols[i], &header, frame);
	}
	assert_int_equal(control_stats(one.vid, 1).bad_offload, 0);
	control_close(&one);
	control_assert_pool();
}

static void check_legacy_checksum(const struct control_protocol *protocol,
				  struct virtio_net_hdr_v1 *header, const uint8_t *frame)
{
	struct rte_mbuf *mbuf = send(header, frame, SIZE);

	assert_int_equal(mbuf->ol_flags, checksum_flag(protocol) |
			 (protocol->is_ipv6 ? PKT_TX_IPV6 : PKT_TX_IPV4));
	assert_int_equal(mbuf->l2_len, control_l2(protocol));
	assert_int_equal(mbuf->l3_len, control_l3(protocol));
	assert_memory_equal(rte_pktmbuf_mtod(mbuf, uint8_t *), frame, SIZE);
	rte_pktmbuf_free(mbuf);
}

static void legacy_checksums(void **state)
{
	(void)state;
	check_protocols(false, ask_checksum, check_legacy_checksum);
}

static void check_legacy_segments(const struct control_protocol *protocol,
				  struct virtio_net_hdr_v1 *header, const uint8_t *frame)
{
	for (int ecn = 0; ecn < 2; ecn++) {
		struct rte_mbuf *mbuf;

		header->gso_type |= (uint8_t)(ecn ? VIRTIO_NET_HDR_GSO_ECN : 0);
		mbuf = send(header, frame, SIZE);
		assert_true(mbuf->ol_flags &
			    (protocol->l4 == 6 ? PKT_TX_TCP_SEG : PKT_TX_UDP_SEG));
		assert_int_equal(mbuf->ol_flags & PKT_TX_L4_MASK, checksum_flag(protocol));
		assert_int_equal(mbuf->tso_segsz, SEGMENT);
		assert_int_equal(mbuf->l2_len, control_l2(protocol));
		assert_int_equal(mbuf->l3_len, control_l3(protocol));
		assert_int_equal(mbuf->l4_len, control_l4(protocol));
		rte_pktmbuf_free(mbuf);
	}
}

static void legacy_segmentation(void **state)
{
	(void)state;
	check_protocols(false, ask_segments, check_legacy_segments);
}

static void check_compliant_checksum(const struct control_protocol *protocol,
				     struct virtio_net_hdr_v1 *header, const uint8_t *frame)
{
	struct rte_mbuf *mbuf = send(header, frame, SIZE);

	assert_int_equal(mbuf->ol_flags, PKT_RX_L4_CKSUM_NONE);
	assert_int_equal(mbuf->packet_type & RTE_PTYPE_L3_MASK,
			 protocol->is_ipv6 ? RTE_PTYPE_L3_IPV6 :
			 protocol->options ? RTE_PTYPE_L3_IPV4_EXT : RTE_PTYPE_L3_IPV4);
	assert_int_equal(mbuf->packet_type & RTE_PTYPE_L4_MASK,
			 protocol->l4 == 6 ? RTE_PTYPE_L4_TCP :
			 protocol->l4 == 17 ? RTE_PTYPE_L4_UDP : RTE_PTYPE_L4_SCTP);
	assert_memory_equal(rte_pktmbuf_mtod(mbuf, uint8_t *), frame, SIZE);
	rte_pktmbuf_free(mbuf);
	/* Checked by the sender. */
	header->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	mbuf = send(header, frame, SIZE);
	assert_int_equal(mbuf->ol_flags, PKT_RX_L4_CKSUM_GOOD);
	rte_pktmbuf_free(mbuf);
}

static void compliant_checksums(void **state)
{
	(void)state;
	check_protocols(true, ask_checksum, check_compliant_checksum);
}

static void check_compliant_segments(const struct control_protocol *protocol,
				     struct virtio_net_hdr_v1 *header, const uint8_t *frame)
{
	struct rte_mbuf *mbuf = send(header, frame, SIZE);

	(void)protocol;
	assert_int_equal(mbuf->ol_flags, PKT_RX_LRO | PKT_RX_L4_CKSUM_NONE);
	assert_int_equal(mbuf->tso_segsz, SEGMENT);
	rte_pktmbuf_free(mbuf);
}

static void compliant_segmentation(void **state)
{
	(void)state;
	check_protocols(true, ask_segments, check_compliant_segments);
}

/* A protocol that mbuf flags cannot name: the sum is made here. Odd lengths, chains of mbufs. */
static void compliant_unknown_protocol(void **state)
{
	static const struct control_protocol protocol = { .l4 = 200 };

	(void)state;
	open_with(true);
	for (uint32_t size = 60; size < 6000; size += 333) {
		struct virtio_net_hdr_v1 header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
						    .csum_start = 34, .csum_offset = 4 };
		uint8_t frame[6000], back[6000], *bytes;
		struct rte_mbuf *mbuf;

		control_protocol_frame(frame, size, &protocol);
		frame[38] = frame[39] = 0;
		mbuf = send(&header, frame, size);
		assert_int_equal(mbuf->ol_flags & OFFLOADS & ~PKT_RX_L4_CKSUM_GOOD, 0);
		bytes = (uint8_t *)(uintptr_t)rte_pktmbuf_read(mbuf, 0, size, back);
		assert_int_equal(control_sum(bytes + 34, size - 34), 0xffff);
		rte_pktmbuf_free(mbuf);
	}
	control_close(&one);
	control_assert_pool();
}

static void senseless_headers(bool compliant)
{
	static const unsigned int lies = 1 << GUEST_HEADER_CSUM_LAST | 1 << GUEST_HEADER_CSUM_END |
		1 << GUEST_HEADER_CSUM_BEYOND | 1 << GUEST_HEADER_CSUM_MAX |
		1 << GUEST_HEADER_CSUM_OFFSET_MAX | 1 << GUEST_HEADER_CSUM_BOTH_MAX |
		1 << GUEST_HEADER_GSO_SIZE_ZERO | 1 << GUEST_HEADER_GSO_UNKNOWN |
		1 << GUEST_HEADER_ONES;

	open_with(compliant);
	for (uint32_t size = 61; size < 1500; size += 256)
		for (int kind = 0; kind < GUEST_HEADER_COUNT; kind++) {
			uint64_t before = control_stats(one.vid, 1).bad_offload, after;
			struct virtio_net_hdr_v1 header;
			struct rte_mbuf *mbuf;
			uint8_t frame[1500];

			control_protocol_frame(frame, size, &protocols[0]);
			guest_bad_header_fill(kind, size, &header);
			mbuf = send(&header, frame, size);
			after = control_stats(one.vid, 1).bad_offload;
			if (lies & (1u << kind)) {
				if (after != before + 1 || (mbuf->ol_flags & OFFLOADS))
					fail_msg("%s: %lu counted, flags %lx",
						 guest_bad_header_name(kind),
						 (unsigned long)(after - before),
						 (unsigned long)mbuf->ol_flags);
				assert_memory_equal(rte_pktmbuf_mtod(mbuf, uint8_t *), frame,
						    size);
			}
			rte_pktmbuf_free(mbuf);
			control_send_good(&one, 1);
		}
	control_close(&one);
	control_assert_pool();
}

static void legacy_senseless_headers(void **state)
{
	(void)state;
	senseless_headers(false);
}

static void compliant_senseless_headers(void **state)
{
	(void)state;
	senseless_headers(true);
}

/*
 * Segmentation that the packet cannot have, because it is of another protocol.
 * rtevhostswift.h, bad_offload: "delivered without the offload".
 */
static void segmentation_of_another_protocol(bool compliant)
{
	static const struct {
		struct control_protocol protocol;
		uint8_t type;
	} cases[] = {
		{ { .l4 = 17 }, VIRTIO_NET_HDR_GSO_TCPV4 },
		{ { .l4 = 6 }, VIRTIO_NET_HDR_GSO_UDP },
		{ { .l4 = 6 }, VIRTIO_NET_HDR_GSO_TCPV6 },
		{ { .l4 = 6, .is_ipv6 = true }, VIRTIO_NET_HDR_GSO_TCPV4 },
		{ { .l4 = 0 }, VIRTIO_NET_HDR_GSO_TCPV4 },
		{ { .l4 = 200 }, VIRTIO_NET_HDR_GSO_TCPV4 },
	};
	char wrong[200] = "";

	open_with(compliant);
	for (size_t i = 0; i < CONTROL_COUNT(cases); i++) {
		uint64_t before = control_stats(one.vid, 1).bad_offload, after;
		struct virtio_net_hdr_v1 header = { .gso_type = cases[i].type, .gso_size = 500,
						    .hdr_len = 54 };
		uint8_t frame[SIZE];
		struct rte_mbuf *mbuf;

		control_protocol_frame(frame, SIZE, &cases[i].protocol);
		mbuf = send(&header, frame, SIZE);
		after = control_stats(one.vid, 1).bad_offload;
		if (after != before + 1 ||
		    (mbuf->ol_flags & (PKT_TX_TCP_SEG | PKT_TX_UDP_SEG | PKT_RX_LRO)))
			snprintf(wrong + strlen(wrong), 40, " %zu:%s%s", i,
				 after != before + 1 ? "uncounted" : "",
				 mbuf->ol_flags & OFFLOADS ? "+flags" : "");
		rte_pktmbuf_free(mbuf);
	}
	control_close(&one);
	if (wrong[0])
		fail_msg("cases%s", wrong);
}

static void legacy_segmentation_of_another_protocol(void **state)
{
	(void)state;
	segmentation_of_another_protocol(false);
}

static void compliant_segmentation_of_another_protocol(void **state)
{
	(void)state;
	segmentation_of_another_protocol(true);
}

/* A guest that did not negotiate them asks for offloads: nothing of its header counts. */
static void offloads_that_were_not_negotiated(void **state)
{
	struct virtio_net_hdr_v1 header;
	uint8_t frame[SIZE];
	struct rte_mbuf *mbuf;

	(void)state;
	control_open(&one, "unasked", 0, NULL);
	control_protocol_frame(frame, SIZE, &protocols[0]);
	ask_segments(&header, &protocols[0]);
	mbuf = send(&header, frame, SIZE);
	assert_int_equal(mbuf->ol_flags, 0);
	assert_int_equal(mbuf->tx_offload, 0);
	rte_pktmbuf_free(mbuf);
	control_close(&one);
}

/* Headers of nothing but noise: delivered, never a flag that the packet's bytes deny. */
static void random_headers(void **state)
{
	struct guest_random random = { .state = 8 };

	(void)state;
	for (int compliant = 0; compliant < 2; compliant++) {
		open_with(compliant);
		for (int i = 0; i < 50000; i++) {
			struct virtio_net_hdr_v1 header;
			uint32_t size = guest_random_range(&random, 1, 200);
			uint8_t frame[256];
			struct rte_mbuf *mbuf;

			control_protocol_frame(frame, sizeof(frame), &protocols[i % 9]);
			frame[guest_random_range(&random, 12, 60)] =
				(uint8_t)guest_random_next(&random);
			for (size_t j = 0; j < sizeof(header); j++)
				((uint8_t *)&header)[j] = guest_random_range(&random, 0, 2) ? 0 :
							  (uint8_t)guest_random_next(&random);
			mbuf = send(&header, frame, size);
			assert_in_range(mbuf->l2_len + mbuf->l3_len + mbuf->l4_len, 0, size);
			rte_pktmbuf_free(mbuf);
		}
		control_close(&one);
	}
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(legacy_checksums),
	CONTROL_TEST(legacy_segmentation),
	CONTROL_TEST(compliant_checksums),
	CONTROL_TEST(compliant_segmentation),
	CONTROL_TEST(compliant_unknown_protocol),
	CONTROL_TEST(legacy_senseless_headers),
	CONTROL_TEST(compliant_senseless_headers),
	CONTROL_TEST(legacy_segmentation_of_another_protocol),
	CONTROL_TEST(compliant_segmentation_of_another_protocol),
	CONTROL_TEST(offloads_that_were_not_negotiated),
	CONTROL_TEST(random_headers),
};

CONTROL_MAIN(300, tests)
