/* SPDX-License-Identifier: BSD-3-Clause */

/* Legal chains of every shape: headers cut anywhere, longest packets, all header sizes. */
#define _GNU_SOURCE
#include "control.h"

#include "control_net.h"

#define LONGEST GUEST_MAX_FRAME

static struct control_device one;

/** Transmit header and frame with these cuts; it must arrive, its header understood. */
static void cut_and_send(const uint32_t *lengths, uint32_t count, bool indirect,
			 const uint8_t *packet, uint32_t size)
{
	struct guest_queue *queue = guest_tx_queue(one.guest, 0);
	struct rte_mbuf *mbuf = NULL;
	uint32_t header = queue->header_size;

	assert_true(guest_tx_cut(queue, packet, size, lengths, count, indirect) >= 0);
	guest_submit(queue);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 1);
	assert_int_equal(mbuf->pkt_len, size - header);
	assert_memory_equal(rte_pktmbuf_mtod(mbuf, uint8_t *), packet + header, size - header);
	/* Every field of the header counts here, wherever its bytes were. */
	assert_int_equal(mbuf->ol_flags, PKT_TX_IPV4 | PKT_TX_TCP_CKSUM | PKT_TX_TCP_SEG);
	assert_int_equal(mbuf->tso_segsz, 0x0123);
	rte_pktmbuf_free(mbuf);
	guest_tx_reap(queue);
}

/** A packet with a header that asks for a checksum and for segments of 0x123 bytes. */
static void fill_packet(uint8_t *packet, uint32_t header_size, uint32_t size)
{
	static const struct control_protocol protocol = { .l4 = 6 };
	struct virtio_net_hdr_v1 header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 54, .gso_size = 0x0123, .csum_start = 34, .csum_offset = 16,
	};

	memcpy(packet, &header, header_size);
	control_protocol_frame(packet + header_size, size, &protocol);
}

static void header_cut_everywhere(uint64_t features, uint32_t header)
{
	struct guest_config config;
	uint8_t packet[12 + 300];

	guest_config_init(&config);
	config.features = features | GUEST_BIT(VIRTIO_NET_F_CSUM) |
			  GUEST_BIT(VIRTIO_NET_F_HOST_TSO4);
	control_open(&one, "cut", 0, &config);
	assert_int_equal(guest_tx_queue(one.guest, 0)->header_size, header);
	fill_packet(packet, header, 300);
	for (int indirect = 0; indirect < 2; indirect++)
		for (uint32_t a = 0; a <= header; a++)
			for (uint32_t b = a; b <= header; b++) {
				uint32_t three[4] = { a, b - a, header - b, 300 };
				uint32_t joined[3] = { a, b - a, header - b + 300 };

				cut_and_send(three, 4, indirect, packet, header + 300);
				cut_and_send(joined, 3, indirect, packet, header + 300);
			}
	assert_int_equal(control_stats(one.vid, 1).bad_offload, 0);
	control_close(&one);
	control_assert_pool();
}

static void transmit_header_of_12_bytes(void **state)
{
	(void)state;
	header_cut_everywhere(GUEST_DEFAULT_FEATURES, 12);
}

static void transmit_header_of_10_bytes(void **state)
{
	(void)state;
	header_cut_everywhere(GUEST_BIT(VIRTIO_RING_F_INDIRECT_DESC), 10);
}

/* Every byte a descriptor of its own, header and data. */
static void one_byte_a_descriptor(void **state)
{
	uint32_t lengths[12 + 100];
	struct guest_config config;
	uint8_t packet[12 + 100];

	(void)state;
	guest_config_init(&config);
	config.features |= GUEST_BIT(VIRTIO_NET_F_CSUM) | GUEST_BIT(VIRTIO_NET_F_HOST_TSO4);
	config.table_entries = 128;
	control_open(&one, "bytes", 0, &config);
	fill_packet(packet, 12, 100);
	for (int i = 0; i < 112; i++)
		lengths[i] = 1;
	for (int i = 0; i < 20; i++)
		cut_and_send(lengths, 112, i % 2, packet, 112);
	control_close(&one);
	control_assert_pool();
}

/* Receive chains with the header cut at every byte. */
static void receive_headers_cut(void **state)
{
	struct guest_config config;

	(void)state;
	for (uint16_t pieces = 1; pieces <= 12; pieces++) {
		guest_config_init(&config);
		config.rx_shape.header_pieces = pieces;
		config.rx_shape.data_pieces = 3;
		config.rx_shape.indirect = pieces % 2;
		config.rx_capacity = 2000;
		config.rx_buffers = 1024;
		control_open(&one, "rx-cut", 0, &config);
		for (uint64_t i = 0; i < 300; i++)
			control_receive_good(&one, i);
		assert_int_equal(guest_complaints(one.guest), 0);
		control_close(&one);
	}
	control_assert_pool();
}

static void large_guest(struct guest_config *config)
{
	guest_config_init(config);
	config->features |= GUEST_BIT(VIRTIO_NET_F_CSUM);
	config->table_entries = 64;
	config->buffer_size = 4096;
	config->tx_buffers = 128;
}

/** Transmit @p size bytes of frame. @return packets dequeued into mbufs of @p pool. */
static uint16_t send_into(struct rte_mempool *pool, uint32_t size, struct rte_mbuf **mbuf)
{
	static const struct guest_shape shape = { .indirect = true };
	struct guest_queue *queue = guest_tx_queue(one.guest, 0);
	static uint8_t frame[LONGEST];
	uint16_t got;

	control_frame(frame, size, size);
	assert_int_equal(guest_tx(queue, frame, size, &shape), 0);
	guest_submit(queue);
	got = rte_vhost_dequeue_burst(one.vid, 1, pool, mbuf, 1);
	guest_tx_reap(queue);
	return got;
}

static uint16_t send_large(uint32_t size, struct rte_mbuf **mbuf)
{
	return send_into(control_pool(), size, mbuf);
}

static void check_large(struct rte_mbuf *mbuf, uint32_t size)
{
	static uint8_t whole[LONGEST];

	assert_int_equal(mbuf->pkt_len, size);
	control_assert_frame(rte_pktmbuf_read(mbuf, 0, size, whole), size, size);
}

static void longest_packet_is_a_chain_of_mbufs(void **state)
{
	static const uint32_t sizes[] = { 2047, 2048, 2049, 4096, 9000, 40000, 65534, 65535,
					  65536, 65549, 65550, 65557 };
	struct guest_config config;
	struct rte_mbuf *mbuf;

	(void)state;
	large_guest(&config);
	control_open(&one, "long", 0, &config);
	for (size_t i = 0; i < CONTROL_COUNT(sizes); i++) {
		assert_int_equal(send_large(sizes[i], &mbuf), 1);
		assert_int_equal(mbuf->nb_segs, (sizes[i] + 2047) / 2048);
		check_large(mbuf, sizes[i]);
		rte_pktmbuf_free(mbuf);
	}
	control_close(&one);
	control_assert_pool();
}

/* One byte more than a packet can have. */
static void longer_than_the_longest(void **state)
{
	static const uint32_t lengths[18] = { 12, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096,
					      4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096,
					      LONGEST + 1 - 16 * 4096 };
	struct guest_config config;
	struct guest_queue *queue;
	struct rte_mbuf *mbuf;

	(void)state;
	large_guest(&config);
	control_open(&one, "longer", 0, &config);
	queue = guest_tx_queue(one.guest, 0);
	for (int i = 0; i < 10; i++) {
		assert_true(guest_tx_cut(queue, NULL, 0, lengths, 18, i % 2) >= 0);
		guest_submit(queue);
		assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 0);
		assert_int_equal(guest_tx_reap(queue), 1);
		control_send_good(&one, 1);
	}
	assert_int_equal(control_stats(one.vid, 1).dropped_too_long, 10);
	control_close(&one);
	control_assert_pool();
}

/* nb_segs has 16 bits. */
static void mbufs_of_one_byte(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("one-byte", LONGEST + 1, 0, 0,
							   RTE_PKTMBUF_HEADROOM + 1, 0);
	struct guest_config config;
	struct rte_mbuf *mbuf;

	(void)state;
	assert_non_null(pool);
	large_guest(&config);
	control_open(&one, "one-byte", 0, &config);
	assert_int_equal(send_into(pool, 65535, &mbuf), 1);
	assert_int_equal(mbuf->nb_segs, 65535);
	check_large(mbuf, 65535);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(send_into(pool, 65536, &mbuf), 0);
	assert_int_equal(control_stats(one.vid, 1).dropped_too_long, 1);
	assert_int_equal(rte_mempool_avail_count(pool), LONGEST + 1);
	control_close(&one);
	rte_mempool_free(pool);
}

static void external_buffers_hold_long_packets(void **state)
{
	struct guest_config config;
	struct rte_mbuf *mbuf;

	(void)state;
	large_guest(&config);
	for (int linear = 0; linear < 2; linear++) {
		control_open(&one, "external", RTE_VHOST_USER_EXTBUF_SUPPORT |
			     (linear ? RTE_VHOST_USER_LINEARBUF_SUPPORT : 0), &config);
		for (uint32_t size = 2049; size < 65000; size += 6007) {
			assert_int_equal(send_large(size, &mbuf), 1);
			assert_int_equal(mbuf->nb_segs, 1);
			assert_true(RTE_MBUF_HAS_EXTBUF(mbuf));
			check_large(mbuf, size);
			rte_pktmbuf_free(mbuf);
		}
		control_close(&one);
	}
	control_assert_pool();
}

static void linear_buffers_drop_long_packets(void **state)
{
	struct guest_config config;
	struct rte_mbuf *mbuf;

	(void)state;
	large_guest(&config);
	control_open(&one, "linear", RTE_VHOST_USER_LINEARBUF_SUPPORT, &config);
	assert_int_equal(send_large(2048, &mbuf), 1);
	assert_int_equal(mbuf->nb_segs, 1);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(send_large(2049, &mbuf), 0);
	assert_int_equal(control_stats(one.vid, 1).dropped_too_long, 1);
	control_send_good(&one, 1);
	control_close(&one);
	control_assert_pool();
}

/** Both directions with these features. */
static void features_work(uint64_t features)
{
	struct guest_config config;
	bool mergeable = features & GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);

	guest_config_init(&config);
	config.features = features;
	if (!(features & GUEST_BIT(VIRTIO_RING_F_INDIRECT_DESC)))
		config.table_entries = 0;
	control_open(&one, "combination", 0, &config);
	for (uint64_t i = 0; i < 300; i++) {
		control_send_good(&one, i);
		control_receive_good(&one, i);
	}
	for (uint32_t size = 3000; mergeable && size < 60000; size += 9001) {
		struct rte_mbuf *mbuf = control_mbuf(1500, 1), *last;
		struct guest_received received;
		static uint8_t frame[LONGEST], back[LONGEST];

		/* A chain of mbufs with one frame in it. */
		control_frame(frame, size, size);
		mbuf->data_len = mbuf->pkt_len = 0;
		last = mbuf;
		for (uint32_t done = 0; done < size;) {
			uint32_t part = size - done < 1999 ? size - done : 1999;

			memcpy(rte_pktmbuf_append(last, (uint16_t)part), frame + done, part);
			done += part;
			if (last != mbuf)
				assert_int_equal(rte_pktmbuf_chain(mbuf, last), 0);
			last = done < size ? control_mbuf(100, 1) : NULL;
			if (last)
				last->data_len = last->pkt_len = 0;
		}
		assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, &mbuf, 1), 1);
		rte_pktmbuf_free(mbuf);
		assert_int_equal(guest_rx(guest_rx_queue(one.guest, 0), back, LONGEST, &received),
				 size);
		assert_int_equal(received.header.num_buffers, (size + 12 + 2047) / 2048);
		control_assert_frame(back, size, size);
		guest_rx_fill(guest_rx_queue(one.guest, 0));
		guest_submit(guest_rx_queue(one.guest, 0));
	}
	assert_int_equal(guest_complaints(one.guest), 0);
	control_close(&one);
}

/* CVE-2023-6693: every combination of features that changes the header or the ring. */
static void every_combination_of_features(void **state)
{
	static const unsigned int bits[] = { VIRTIO_NET_F_MRG_RXBUF, VIRTIO_F_VERSION_1,
					     VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC,
					     VIRTIO_F_IN_ORDER, VIRTIO_NET_F_CSUM,
					     GUEST_F_PROTOCOL_FEATURES };

	(void)state;
	for (unsigned int mask = 0; mask < 1u << CONTROL_COUNT(bits); mask++) {
		uint64_t features = 0;

		for (size_t i = 0; i < CONTROL_COUNT(bits); i++)
			if (mask & (1u << i))
				features |= GUEST_BIT(bits[i]);
		features_work(features);
	}
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(transmit_header_of_12_bytes),
	CONTROL_TEST(transmit_header_of_10_bytes),
	CONTROL_TEST(one_byte_a_descriptor),
	CONTROL_TEST(receive_headers_cut),
	CONTROL_TEST(longest_packet_is_a_chain_of_mbufs),
	CONTROL_TEST(longer_than_the_longest),
	CONTROL_TEST(mbufs_of_one_byte),
	CONTROL_TEST(external_buffers_hold_long_packets),
	CONTROL_TEST(linear_buffers_drop_long_packets),
	CONTROL_TEST(every_combination_of_features),
};

CONTROL_MAIN_QUIET(300, tests)
