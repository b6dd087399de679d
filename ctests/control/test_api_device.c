/* SPDX-License-Identifier: BSD-3-Clause */

/* What a device tells: names, counts, features, MTU, memory, rings. */
#define _GNU_SOURCE
#include "control.h"

#include <poll.h>

#define NOBODY 77

static char text[CONTROL_TEXT];
static struct control_device one;

static void wrong_vids_are_refused(void **state)
{
	static const int vids[] = { -1, NOBODY, 1023, 1024, 100000, INT32_MIN, INT32_MAX };
	struct rte_vhost_memory *memory;
	uint64_t bits;
	char name[8];

	(void)state;
	for (size_t i = 0; i < CONTROL_COUNT(vids); i++) {
		assert_int_equal(rte_vhost_get_negotiated_features(vids[i], &bits), -1);
		assert_int_equal(
			rte_vhost_get_negotiated_protocol_features(vids[i], &bits), -1);
		assert_int_equal(rte_vhost_get_numa_node(vids[i]), -1);
		assert_int_equal(rte_vhost_get_vring_num(vids[i]), 0);
		assert_int_equal(rte_vhost_get_ifname(vids[i], name, sizeof(name)), -1);
		assert_int_equal(rte_vhost_get_mem_table(vids[i], &memory), -1);
	}
}

/* rte_vhost.h: "a negative errno: -ENODEV, -EAGAIN before the device is ready, -ENOTSUP". */
static void mtu_of_no_device_is_enodev(void **state)
{
	uint16_t mtu;

	(void)state;
	assert_int_equal(rte_vhost_get_mtu(NOBODY, &mtu), -ENODEV);
	assert_int_equal(rte_vhost_get_mtu(-1, &mtu), -ENODEV);
}

static void null_pointers_are_refused(void **state)
{
	(void)state;
	control_open(&one, "null", 0, NULL);
	assert_int_equal(rte_vhost_get_negotiated_features(one.vid, NULL), -1);
	assert_int_equal(rte_vhost_get_negotiated_protocol_features(one.vid, NULL), -1);
	assert_true(rte_vhost_get_mtu(one.vid, NULL) < 0);
	assert_int_equal(rte_vhost_get_ifname(one.vid, NULL, 10), -1);
	assert_int_equal(rte_vhost_get_mem_table(one.vid, NULL), -1);
	control_close(&one);
}

static void names_are_cut_to_the_room(void **state)
{
	char name[108];

	(void)state;
	control_open(&one, "name", 0, NULL);
	assert_int_equal(rte_vhost_get_ifname(one.vid, name, sizeof(name)), 0);
	assert_string_equal(name, one.path);
	memset(name, 'z', sizeof(name));
	assert_int_equal(rte_vhost_get_ifname(one.vid, name, 5), 0);
	assert_string_equal(name, "/tmp");
	assert_int_equal(name[5], 'z');
	memset(name, 'z', sizeof(name));
	assert_int_equal(rte_vhost_get_ifname(one.vid, name, 1), 0);
	assert_string_equal(name, "");
	memset(name, 'z', sizeof(name));
	rte_vhost_get_ifname(one.vid, name, 0);
	assert_int_equal(name[0], 'z');
	control_close(&one);
}

static void negotiated_features_are_the_guests(void **state)
{
	struct guest_config config;
	uint64_t features = 0;

	(void)state;
	guest_config_init(&config);
	config.features = GUEST_BIT(VIRTIO_F_VERSION_1) | GUEST_BIT(GUEST_F_PROTOCOL_FEATURES) |
			  GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	control_open(&one, "negotiated", 0, &config);
	assert_int_equal(rte_vhost_get_negotiated_features(one.vid, &features), 0);
	assert_int_equal(features, config.features);
	assert_int_equal(rte_vhost_get_negotiated_protocol_features(one.vid, &features), 0);
	assert_int_equal(features, one.guest->protocol_features);
	assert_true(features & GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK));
	control_close(&one);
}

static void queues_are_counted(void **state)
{
	struct guest_config config;

	(void)state;
	guest_config_init(&config);
	config.queue_pairs = 4;
	control_open(&one, "pairs", 0, &config);
	assert_int_equal(rte_vhost_get_vring_num(one.vid), 8);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	assert_int_equal(rte_vhost_get_queue_num(one.vid), 4);
	assert_int_equal(rte_vhost_get_queue_num(NOBODY), 0);
#pragma GCC diagnostic pop
	control_close(&one);
}

/** One packet each way on every pair. */
static void every_pair_works(void **state)
{
	static const struct guest_shape shape;
	struct guest_config config;

	(void)state;
	guest_config_init(&config);
	config.queue_pairs = 16;
	control_open(&one, "every", 0, &config);
	for (uint16_t pair = 0; pair < 16; pair++) {
		struct guest_queue *tx = guest_tx_queue(one.guest, pair);
		struct guest_received received;
		struct rte_mbuf *mbuf = NULL;
		uint8_t frame[2048];

		control_frame(frame, 300, pair);
		assert_int_equal(guest_tx(tx, frame, 300, &shape), 0);
		guest_submit(tx);
		assert_int_equal(rte_vhost_dequeue_burst(one.vid, (uint16_t)(2 * pair + 1),
							 control_pool(), &mbuf, 1), 1);
		control_assert_frame(rte_pktmbuf_mtod(mbuf, uint8_t *), 300, pair);
		assert_int_equal(
			rte_vhost_enqueue_burst(one.vid, (uint16_t)(2 * pair), &mbuf, 1), 1);
		rte_pktmbuf_free(mbuf);
		assert_int_equal(guest_rx(guest_rx_queue(one.guest, pair), frame, 2048, &received),
				 300);
		control_assert_frame(frame, 300, pair);
		assert_int_equal(control_stats(one.vid, (uint16_t)(2 * pair)).packets, 1);
	}
	control_close(&one);
	control_assert_pool();
}

static void numa_node_is_told_or_unknown(void **state)
{
	int node;

	(void)state;
	control_open(&one, "numa", 0, NULL);
	node = rte_vhost_get_numa_node(one.vid);
	assert_in_range(node + 1, 0, 64);
	control_close(&one);
}

static void mtu_is_the_frontends(void **state)
{
	struct guest_config config;
	uint16_t mtu = 0;

	(void)state;
	guest_config_init(&config);
	config.features |= GUEST_BIT(VIRTIO_NET_F_MTU);
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_MTU);
	control_open(&one, "mtu", 0, &config);
	assert_int_equal(guest_net_set_mtu(&one.guest->frontend, 9000), 0);
	assert_int_equal(rte_vhost_get_mtu(one.vid, &mtu), 0);
	assert_int_equal(mtu, 9000);
	assert_int_equal(guest_net_set_mtu(&one.guest->frontend, 67), -EREMOTEIO);
	assert_int_equal(guest_net_set_mtu(&one.guest->frontend, 65536), -EREMOTEIO);
	assert_int_equal(rte_vhost_get_mtu(one.vid, &mtu), 0);
	assert_int_equal(mtu, 9000);
	assert_int_equal(guest_stop(one.guest), 0);
	assert_int_equal(rte_vhost_get_mtu(one.vid, &mtu), -EAGAIN);
	control_close(&one);
}

static void mtu_needs_its_feature(void **state)
{
	uint16_t mtu = 0;

	(void)state;
	control_open(&one, "no-mtu", 0, NULL);
	assert_int_equal(rte_vhost_get_mtu(one.vid, &mtu), -ENOTSUP);
	control_close(&one);
}

static void memory_table_is_the_guests(void **state)
{
	struct rte_vhost_memory *memory = NULL;
	struct guest_config config;

	(void)state;
	guest_config_init(&config);
	config.region_count = 3;
	config.region_gap = 1 << 20;
	control_open(&one, "memory", 0, &config);
	assert_int_equal(rte_vhost_get_mem_table(one.vid, &memory), 0);
	assert_int_equal(memory->nregions, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct guest_region *theirs = &one.guest->memory.regions[i];
		const struct rte_vhost_mem_region *ours = &memory->regions[i];
		uint64_t length = theirs->size + 4096;

		assert_int_equal(ours->guest_phys_addr, theirs->gpa);
		assert_int_equal(ours->guest_user_addr, (uintptr_t)theirs->host);
		assert_int_equal(ours->size, theirs->size);
		assert_true(ours->fd >= 0);
		assert_true(ours->host_user_addr >= (uintptr_t)ours->mmap_addr);
		assert_true(ours->host_user_addr + ours->size <=
			    (uintptr_t)ours->mmap_addr + ours->mmap_size);
		/* The same bytes through both mappings. */
		theirs->host[theirs->size - 1] = (uint8_t)(0x40 + i);
		assert_int_equal(*(uint8_t *)(uintptr_t)(ours->host_user_addr + ours->size - 1),
				 0x40 + i);
		assert_int_equal(rte_vhost_va_from_guest_pa(memory, theirs->gpa, &length),
				 ours->host_user_addr);
		assert_int_equal(length, theirs->size);
	}
	free(memory);
	control_close(&one);
}

static void memory_table_needs_memory(void **state)
{
	struct rte_vhost_memory *memory = (void *)1;
	int at = control_events(), socket;

	(void)state;
	control_listen(&one, "no-memory", 0);
	socket = control_negotiate(&one);
	at = control_wait_event(at, CONTROL_NEW_CONNECTION, -1);
	assert_int_equal(rte_vhost_get_mem_table(control_event(at).vid, &memory), -1);
	close(socket);
	control_close(&one);
}

static void rings_are_the_guests(void **state)
{
	struct rte_vhost_memory *memory = NULL;

	(void)state;
	control_open(&one, "rings", 0, NULL);
	assert_int_equal(rte_vhost_get_mem_table(one.vid, &memory), 0);
	for (uint16_t i = 0; i < 2; i++) {
		const struct guest_queue *queue = &one.guest->queues[i];
		uint64_t all = 64, host[3];
		struct rte_vhost_vring ring;

		assert_int_equal(rte_vhost_get_vhost_vring(one.vid, i, &ring), 0);
		for (int area = 0; area < 3; area++)
			host[area] = rte_vhost_va_from_guest_pa(memory, queue->areas[area].gpa,
								&all);
		assert_int_equal((uintptr_t)ring.desc, host[0]);
		assert_int_equal((uintptr_t)ring.avail, host[1]);
		assert_int_equal((uintptr_t)ring.used, host[2]);
		assert_int_equal(ring.log_guest_addr, queue->areas[2].gpa);
		assert_int_equal(ring.size, 256);
		assert_true(ring.callfd >= 0);
		assert_true(ring.kickfd >= 0);
	}
	free(memory);
	control_close(&one);
}

static void rings_of_nobody_are_refused(void **state)
{
	struct rte_vhost_vring ring;

	(void)state;
	control_open(&one, "nobody", 0, NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_vhost_vring(one.vid, 2, &ring)), -1);
	control_assert_line(text, one.path, "queue 2", "not found", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_vhost_vring(one.vid, 65535, &ring)),
			 -1);
	control_assert_line(text, one.path, "queue 65535", "not found", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_vhost_vring(NOBODY, 0, &ring)), -1);
	control_assert_line(text, "77", "not found", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_vhost_vring(one.vid, 0, NULL)), -1);
	control_assert_line(text, one.path, "queue 0", "invalid", NULL);
	control_close(&one);
}

static void statistics_are_cut_to_the_callers_size(void **state)
{
	struct rtevhostswift_vring_stats stats;

	(void)state;
	control_open(&one, "stats", 0, NULL);
	control_send_good(&one, 3);
	memset(&stats, 0xee, sizeof(stats));
	assert_int_equal(rtevhostswift_vring_stats_get(one.vid, 1, &stats, 8), 0);
	assert_int_equal(stats.packets, 1);
	assert_int_equal(stats.bytes, 0xeeeeeeeeeeeeeeeeULL);
	assert_int_equal(rtevhostswift_vring_stats_get(one.vid, 1, &stats, sizeof(stats)), 0);
	assert_int_equal(stats.bytes, 200);
	assert_int_equal(stats.cpu_bytes, 200);
	assert_int_equal(stats.in_flight, 0);
	assert_int_equal(rtevhostswift_vring_stats_get(one.vid, 1, NULL, sizeof(stats)), -1);
	assert_int_equal(rtevhostswift_vring_stats_get(one.vid, 2, &stats, sizeof(stats)), -1);
	assert_int_equal(rtevhostswift_vring_stats_get(NOBODY, 0, &stats, sizeof(stats)), -1);
	assert_string_equal(rtevhostswift_version(), "0.1.0");
	control_close(&one);
}

static void rarp_is_announced_once(void **state)
{
	static const uint8_t mac[6] = { 2, 3, 4, 5, 6, 7 };
	struct guest_config config;
	struct rte_mbuf *mbufs[4];
	uint8_t *data;

	(void)state;
	guest_config_init(&config);
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_RARP);
	control_open(&one, "rarp", 0, &config);
	assert_int_equal(guest_send_rarp(&one.guest->frontend, mac), 0);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), mbufs, 4), 1);
	data = rte_pktmbuf_mtod(mbufs[0], uint8_t *);
	assert_in_range(mbufs[0]->pkt_len, 42, 64);
	assert_memory_equal(data + 6, mac, 6);
	assert_int_equal(data[12] << 8 | data[13], 0x8035);
	rte_pktmbuf_free(mbufs[0]);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), mbufs, 4), 0);
	control_send_good(&one, 9);
	control_close(&one);
	control_assert_pool();
}

/* A process that ends with an answer unread resets the connection: no fault to warn of. */
static void a_frontend_that_ends_is_no_fault(void **state)
{
	int socket, from;

	(void)state;
	control_listen(&one, "ends", 0);
	from = control_events();
	socket = control_connect(&one);
	assert_int_equal(control_send(socket, GUEST_GET_FEATURES, 1, NULL, 0, NULL, 0), 0);
	assert_int_equal(poll(&(struct pollfd){ .fd = socket, .events = POLLIN }, 1, 5000), 1);
	control_capture_begin();
	close(socket);
	assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, -1) >= 0);
	control_sleep_ms(20);
	assert_int_equal(control_capture_end(text), 0);
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_frontend_that_ends_is_no_fault),
	cmocka_unit_test(wrong_vids_are_refused),
	cmocka_unit_test(mtu_of_no_device_is_enodev),
	cmocka_unit_test(null_pointers_are_refused),
	cmocka_unit_test(names_are_cut_to_the_room),
	cmocka_unit_test(negotiated_features_are_the_guests),
	cmocka_unit_test(queues_are_counted),
	cmocka_unit_test(every_pair_works),
	cmocka_unit_test(numa_node_is_told_or_unknown),
	cmocka_unit_test(mtu_is_the_frontends),
	cmocka_unit_test(mtu_needs_its_feature),
	cmocka_unit_test(memory_table_is_the_guests),
	cmocka_unit_test(memory_table_needs_memory),
	cmocka_unit_test(rings_are_the_guests),
	cmocka_unit_test(rings_of_nobody_are_refused),
	cmocka_unit_test(statistics_are_cut_to_the_callers_size),
	cmocka_unit_test(rarp_is_announced_once),
};

CONTROL_MAIN(300, tests)
