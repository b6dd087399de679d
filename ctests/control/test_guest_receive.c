/* SPDX-License-Identifier: BSD-3-Clause */

/* Offloads that the application asks for: what the guest's virtio-net header says. */
#define _GNU_SOURCE
#include "control.h"

#include "control_net.h"

#define SIZE 1400
#define SEGMENT 1200

static const struct control_protocol protocols[] = {
	{ .l4 = 6 }, { .l4 = 17 }, { .l4 = 132 },
	{ .l4 = 6, .is_ipv6 = true }, { .l4 = 17, .is_ipv6 = true },
	{ .l4 = 6, .vlans = 1 }, { .l4 = 17, .vlans = 2 }, { .l4 = 6, .options = 40 },
};

static struct control_device one;

static void open_with(uint64_t add, uint64_t remove)
{
	struct guest_config config;

	guest_config_init(&config);
	config.features = (config.features | add) & ~remove;
	control_open(&one, "receive", 0, &config);
}

static struct rte_mbuf *make(const struct control_protocol *protocol, uint64_t flags)
{
	struct rte_mbuf *mbuf = control_mbuf(SIZE, 1);

	control_protocol_frame(rte_pktmbuf_mtod(mbuf, uint8_t *), SIZE, protocol);
	mbuf->ol_flags |= flags | (protocol->is_ipv6 ? PKT_TX_IPV6 : PKT_TX_IPV4);
	mbuf->l2_len = control_l2(protocol) & 0x7f;
	mbuf->l3_len = control_l3(protocol) & 0x1ff;
	mbuf->l4_len = control_l4(protocol) & 0xff;
	mbuf->tso_segsz = SEGMENT;
	return mbuf;
}

static uint64_t checksum_flag(const struct control_protocol *protocol)
{
	return protocol->l4 == 6 ? PKT_TX_TCP_CKSUM :
	       protocol->l4 == 17 ? PKT_TX_UDP_CKSUM : PKT_TX_SCTP_CKSUM;
}

/** Give the guest the packet; its header, and the frame that it got. */
static struct virtio_net_hdr_v1 give(struct rte_mbuf *mbuf, uint8_t *frame)
{
	struct guest_queue *queue = guest_rx_queue(one.guest, 0);
	struct guest_received received;

	assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, &mbuf, 1), 1);
	assert_int_equal(guest_rx(queue, frame, 2048, &received), SIZE);
	assert_memory_equal(frame, rte_pktmbuf_mtod(mbuf, uint8_t *), SIZE);
	rte_pktmbuf_free(mbuf);
	guest_rx_fill(queue);
	guest_submit(queue);
	return received.header;
}

static void checksums_are_passed_on(void)
{
	for (size_t i = 0; i < CONTROL_COUNT(protocols); i++) {
		const struct control_protocol *protocol = &protocols[i];
		struct virtio_net_hdr_v1 header;
		uint8_t frame[2048];

		header = give(make(protocol, checksum_flag(protocol)), frame);
		assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(header.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		assert_int_equal(header.gso_size, 0);
		assert_int_equal(header.csum_start, control_l2(protocol) + control_l3(protocol));
		assert_int_equal(header.csum_offset, control_checksum_offset(protocol));
	}
}

static void checksums(void **state)
{
	(void)state;
	open_with(GUEST_BIT(VIRTIO_NET_F_GUEST_CSUM), 0);
	checksums_are_passed_on();
	control_close(&one);
	control_assert_pool();
}

static void checksums_with_a_header_of_10_bytes(void **state)
{
	(void)state;
	open_with(GUEST_BIT(VIRTIO_NET_F_GUEST_CSUM),
		  GUEST_BIT(VIRTIO_F_VERSION_1) | GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF));
	assert_int_equal(guest_rx_queue(one.guest, 0)->header_size, 10);
	checksums_are_passed_on();
	control_close(&one);
	control_assert_pool();
}

static void segmentation(void **state)
{
	(void)state;
	open_with(GUEST_BIT(VIRTIO_NET_F_GUEST_CSUM) | GUEST_BIT(VIRTIO_NET_F_GUEST_TSO4) |
		  GUEST_BIT(VIRTIO_NET_F_GUEST_TSO6) | GUEST_BIT(VIRTIO_NET_F_GUEST_UFO), 0);
	for (size_t i = 0; i < CONTROL_COUNT(protocols); i++) {
		const struct control_protocol *protocol = &protocols[i];
		struct virtio_net_hdr_v1 header;
		uint32_t l4 = control_l2(protocol) + control_l3(protocol);
		uint8_t frame[2048];

		if (protocol->l4 == 132)
			continue;
		header = give(make(protocol, protocol->l4 == 6 ? PKT_TX_TCP_SEG :
				   PKT_TX_UDP_SEG | PKT_TX_UDP_CKSUM), frame);
		/* PKT_TX_TCP_SEG implies the checksum. */
		assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(header.gso_type, protocol->l4 == 17 ? VIRTIO_NET_HDR_GSO_UDP :
				 protocol->is_ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
						     VIRTIO_NET_HDR_GSO_TCPV4);
		assert_int_equal(header.gso_size, SEGMENT);
		assert_int_equal(header.hdr_len, l4 + control_l4(protocol));
		assert_int_equal(header.csum_start, l4);
		assert_int_equal(header.csum_offset, control_checksum_offset(protocol));
	}
	control_close(&one);
	control_assert_pool();
}

/* virtio-net cannot pass this one on, so it is computed. */
static void ip_checksum_is_computed(void **state)
{
	(void)state;
	open_with(0, 0);
	for (size_t i = 0; i < CONTROL_COUNT(protocols); i++) {
		const struct control_protocol *protocol = &protocols[i];
		struct virtio_net_hdr_v1 header;
		struct rte_mbuf *mbuf;
		uint8_t frame[2048];

		if (protocol->is_ipv6)
			continue;
		mbuf = make(protocol, PKT_TX_IP_CKSUM);
		/* What was there does not count. */
		memset(rte_pktmbuf_mtod(mbuf, uint8_t *) + control_l2(protocol) + 10, 0xab, 2);
		header = give(mbuf, frame);
		assert_int_equal(control_sum(frame + control_l2(protocol), control_l3(protocol)),
				 0xffff);
		assert_int_equal(header.flags, 0);
		assert_int_equal(header.csum_start, 0);
		assert_int_equal(header.csum_offset, 0);
	}
	control_close(&one);
	control_assert_pool();
}

static void no_wish_no_header(void **state)
{
	static const struct virtio_net_hdr_v1 plain = { .num_buffers = 1 };

	(void)state;
	open_with(GUEST_BIT(VIRTIO_NET_F_GUEST_CSUM), 0);
	for (size_t i = 0; i < CONTROL_COUNT(protocols); i++) {
		struct virtio_net_hdr_v1 header;
		uint8_t frame[2048];

		/* Stale bytes in the buffer must not shine through. */
		for (uint32_t j = 0; j < guest_rx_queue(one.guest, 0)->slots.count; j++)
			memset(guest_rx_queue(one.guest, 0)->slots.slots[j].host, 0xff, 12);
		header = give(make(&protocols[i], 0), frame);
		assert_memory_equal(&header, &plain, sizeof(header));
	}
	control_close(&one);
	control_assert_pool();
}

/* Lengths that have nothing to do with the packet: the application's fault, and no crash. */
static void lengths_beyond_the_packet(void **state)
{
	struct guest_random random = { .state = 5 };

	(void)state;
	open_with(0, 0);
	for (int i = 0; i < 20000; i++) {
		struct rte_mbuf *mbuf = make(&protocols[i % 8], 0);
		uint8_t frame[2048];

		mbuf->ol_flags |= guest_random_next(&random) & PKT_TX_OFFLOAD_MASK;
		mbuf->tx_offload = guest_random_next(&random);
		give(mbuf, frame);
	}
	assert_int_equal(guest_complaints(one.guest), 0);
	control_close(&one);
	control_assert_pool();
}

/* Packets of any length and chains of mbufs of any size, empty ones among them. */
static void chains_of_mbufs(void **state)
{
	struct guest_random random = { .state = 17 };

	(void)state;
	open_with(0, 0);
	for (uint64_t i = 0; i < 5000; i++) {
		uint32_t size = guest_random_range(&random, 14, 9000), done = 0;
		static uint8_t frame[9000], back[9000];
		struct guest_received received;
		struct rte_mbuf *head = NULL;

		control_frame(frame, size, i);
		while (done < size || !head) {
			uint32_t part = guest_random_range(&random, 0, 1500);
			struct rte_mbuf *more = rte_pktmbuf_alloc(control_pool());

			if (part > size - done)
				part = size - done;
			assert_non_null(more);
			memcpy(rte_pktmbuf_append(more, (uint16_t)part), frame + done, part);
			done += part;
			if (head)
				assert_int_equal(rte_pktmbuf_chain(head, more), 0);
			else
				head = more;
		}
		assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, &head, 1), 1);
		rte_pktmbuf_free(head);
		assert_int_equal(guest_rx(guest_rx_queue(one.guest, 0), back, sizeof(back),
					  &received), size);
		control_assert_frame(back, size, i);
		guest_rx_fill(guest_rx_queue(one.guest, 0));
		guest_submit(guest_rx_queue(one.guest, 0));
	}
	assert_int_equal(guest_complaints(one.guest), 0);
	control_close(&one);
	control_assert_pool();
}

/* Without MRG_RXBUF a packet that no buffer holds stays with the application. */
static void too_large_without_mergeable_buffers(void **state)
{
	struct rte_mbuf *mbuf, *more;

	(void)state;
	open_with(0, GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF));
	mbuf = control_mbuf(1800, 1);
	more = control_mbuf(1800, 2);
	assert_int_equal(rte_pktmbuf_chain(mbuf, more), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, &mbuf, 1), 0);
	rte_pktmbuf_free(mbuf);
	for (uint64_t i = 0; i < 300; i++)
		control_receive_good(&one, i);
	control_close(&one);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(checksums),
	CONTROL_TEST(checksums_with_a_header_of_10_bytes),
	CONTROL_TEST(segmentation),
	CONTROL_TEST(ip_checksum_is_computed),
	CONTROL_TEST(no_wish_no_header),
	CONTROL_TEST(lengths_beyond_the_packet),
	CONTROL_TEST(chains_of_mbufs),
	CONTROL_TEST(too_large_without_mergeable_buffers),
};

CONTROL_MAIN(300, tests)
