/* SPDX-License-Identifier: BSD-3-Clause */

/* rte_vhost_vring_stats_…: DPDK 22.11's names and order, and that each counter counts. */
#define _GNU_SOURCE
#include "control.h"

#include <linux/virtio_config.h>

#include "guest_iotlb.h"

#define COUNT 17
#define NOBODY 77

/** As DPDK 22.11 tells them. */
static const char *const names[COUNT] = {
	"good_packets", "good_bytes", "multicast_packets", "broadcast_packets",
	"undersize_packets", "size_64_packets", "size_65_127_packets", "size_128_255_packets",
	"size_256_511_packets", "size_512_1023_packets", "size_1024_1518_packets",
	"size_1519_max_packets", "guest_notifications", "iotlb_hits", "iotlb_misses",
	"inflight_submitted", "inflight_completed",
};

enum { PACKETS, BYTES, MULTICAST, BROADCAST, UNDERSIZE, NOTIFICATIONS = 12, HITS, MISSES,
       SUBMITTED, COMPLETED };

static char text[CONTROL_TEXT];
static struct control_device one;

struct values {
	uint64_t value[COUNT];
};

static struct values get(uint16_t queue)
{
	struct rte_vhost_stat stats[COUNT + 1];
	struct values values;

	memset(stats, 0xee, sizeof(stats));
	assert_int_equal(rte_vhost_vring_stats_get(one.vid, queue, stats, COUNT + 1), COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(stats[i].id, i);
		values.value[i] = stats[i].value;
	}
	assert_true(stats[COUNT].id == 0xeeeeeeeeeeeeeeee);
	return values;
}

static void names_are_those_of_dpdk(void **state)
{
	struct rte_vhost_stat_name found[COUNT + 1];
	char expected[64];

	(void)state;
	control_open(&one, "names", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	for (uint16_t queue = 0; queue < 2; queue++) {
		assert_int_equal(rte_vhost_vring_stats_get_names(one.vid, queue, NULL, 0), COUNT);
		memset(found, 0xee, sizeof(found));
		assert_int_equal(
			rte_vhost_vring_stats_get_names(one.vid, queue, found, COUNT), COUNT);
		for (int i = 0; i < COUNT; i++) {
			snprintf(expected, sizeof(expected), "%s_q0_%s", queue ? "rx" : "tx",
				 names[i]);
			assert_string_equal(found[i].name, expected);
		}
		assert_int_equal((uint8_t)found[COUNT].name[0], 0xee);
	}
	control_close(&one);
}

static void too_little_room_is_left_alone(void **state)
{
	struct rte_vhost_stat_name name = { "untouched" };
	struct rte_vhost_stat stat = { 5, 6 };

	(void)state;
	control_open(&one, "room", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	assert_int_equal(rte_vhost_vring_stats_get_names(one.vid, 0, &name, 1), COUNT);
	assert_string_equal(name.name, "untouched");
	assert_int_equal(rte_vhost_vring_stats_get_names(one.vid, 0, NULL, COUNT), COUNT);
	assert_int_equal(rte_vhost_vring_stats_get(one.vid, 0, &stat, COUNT - 1), COUNT);
	assert_int_equal(stat.value, 6);
	assert_int_equal(rte_vhost_vring_stats_get(one.vid, 0, NULL, COUNT), COUNT);
	control_close(&one);
}

static void nothing_without_the_flag(void **state)
{
	struct rte_vhost_stat_name found[COUNT];
	struct rte_vhost_stat stats[COUNT];

	(void)state;
	control_open(&one, "no-flag", 0, NULL);
	control_send_good(&one, 1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_vring_stats_get_names(
		one.vid, 0, found, COUNT)), -1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_vring_stats_get(
		one.vid, 0, stats, COUNT)), -1);
	control_assert_line(text, "rte_vhost_vring_stats_get", "not supported", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_vring_stats_reset(one.vid, 0)), -1);
	/* The library's own are kept all the same. */
	assert_int_equal(control_stats(one.vid, 1).packets, 1);
	control_close(&one);
}

static void nothing_without_device_or_queue(void **state)
{
	struct rte_vhost_stat stats[COUNT];

	(void)state;
	control_open(&one, "nobody", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	for (int i = 0; i < 4; i++) {
		int vid = (int[]){ -1, NOBODY, 1 << 20, one.vid }[i];
		uint16_t queue = vid == one.vid ? 2 : 0;

		control_capture_begin();
		assert_int_equal(rte_vhost_vring_stats_get_names(vid, queue, NULL, 0), -1);
		assert_int_equal(rte_vhost_vring_stats_get(vid, queue, stats, COUNT), -1);
		assert_int_equal(rte_vhost_vring_stats_reset(vid, queue), -1);
		control_capture_end(text);
	}
	control_close(&one);
}

/** Sizes, each with the place of its counter. */
static const struct { uint32_t size, place; } sizes[] = {
	{ 14, 4 }, { 63, 4 }, { 64, 5 }, { 65, 6 }, { 127, 6 }, { 128, 7 }, { 255, 7 },
	{ 256, 8 }, { 511, 8 }, { 512, 9 }, { 1023, 9 }, { 1024, 10 }, { 1518, 10 },
	{ 1519, 11 }, { 2000, 11 },
};

static const uint8_t receivers[3][6] = {
	{ 2, 0, 0, 0, 0, 1 }, { 1, 0, 0x5e, 0, 0, 1 }, { 255, 255, 255, 255, 255, 255 },
};

static void send_one(const uint8_t *frame, uint32_t size)
{
	static const struct guest_shape shape;
	struct guest_queue *queue = guest_tx_queue(one.guest, 0);
	struct rte_mbuf *mbuf;

	assert_true(guest_tx(queue, frame, size, &shape) >= 0);
	guest_submit(queue);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 1);
	assert_int_equal(mbuf->pkt_len, size);
	rte_pktmbuf_free(mbuf);
	guest_tx_reap(queue);
}

static void receive_one(const uint8_t *frame, uint32_t size)
{
	struct guest_queue *queue = guest_rx_queue(one.guest, 0);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(control_pool());
	struct guest_received received;
	uint8_t copy[2048];

	assert_non_null(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)size), frame, size);
	assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, &mbuf, 1), 1);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(guest_rx(queue, copy, sizeof(copy), &received), size);
	guest_rx_fill(queue);
	guest_submit(queue);
}

/** Fail unless both queues have counted these. */
static void assert_counted(const struct values *expected)
{
	for (uint16_t queue = 0; queue < 2; queue++) {
		struct values found = get(queue);

		for (int i = 0; i < NOTIFICATIONS; i++)
			if (found.value[i] != expected->value[i])
				fail_msg("queue %u: %s is %lu instead of %lu", queue, names[i],
					 found.value[i], expected->value[i]);
		assert_int_equal(found.value[SUBMITTED], 0);
		assert_int_equal(found.value[COMPLETED], 0);
		assert_int_equal(found.value[HITS], 0);
		assert_int_equal(found.value[MISSES], 0);
	}
}

static void each_packet_is_counted(void **state)
{
	struct values expected = { { 0 } };
	uint8_t frame[2048] = { 0 };

	(void)state;
	control_open(&one, "packets", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	assert_counted(&expected);
	for (size_t i = 0; i < CONTROL_COUNT(sizes); i++)
		for (int j = 0; j < 3; j++) {
			memcpy(frame, receivers[j], 6);
			send_one(frame, sizes[i].size);
			receive_one(frame, sizes[i].size);
			expected.value[PACKETS]++;
			expected.value[BYTES] += sizes[i].size;
			expected.value[sizes[i].place]++;
			expected.value[MULTICAST] += j == 1;
			expected.value[BROADCAST] += j == 2;
			assert_counted(&expected);
		}
	/* From zero again, and the library's own go on. */
	for (uint16_t queue = 0; queue < 2; queue++)
		assert_int_equal(rte_vhost_vring_stats_reset(one.vid, queue), 0);
	memset(&expected, 0, sizeof(expected));
	assert_counted(&expected);
	assert_int_equal(get(1).value[NOTIFICATIONS], 0);
	assert_int_equal(control_stats(one.vid, 1).packets, CONTROL_COUNT(sizes) * 3);
	control_close(&one);
	control_assert_pool();
}

/** Bursts of more than four: packets of a batch are counted as others are. */
static void bursts_are_counted(void **state)
{
	static const struct guest_shape shape;
	struct guest_queue *queue;
	struct rte_mbuf *mbufs[64];
	uint8_t frame[100] = { 1 };

	(void)state;
	control_open(&one, "bursts", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	queue = guest_tx_queue(one.guest, 0);
	for (uint32_t burst = 1; burst < 64; burst += 7) {
		assert_int_equal(rte_vhost_vring_stats_reset(one.vid, 0), 0);
		assert_int_equal(rte_vhost_vring_stats_reset(one.vid, 1), 0);
		for (uint32_t i = 0; i < burst; i++)
			assert_true(guest_tx(queue, frame, 100, &shape) >= 0);
		guest_submit(queue);
		assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), mbufs, 64),
				 burst);
		assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, mbufs, (uint16_t)burst),
				 burst);
		rte_pktmbuf_free_bulk(mbufs, burst);
		for (uint32_t i = 0; i < burst; i++) {
			struct guest_received received;

			assert_int_equal(guest_rx(guest_rx_queue(one.guest, 0), frame, 100,
						  &received), 100);
		}
		guest_rx_fill(guest_rx_queue(one.guest, 0));
		guest_submit(guest_rx_queue(one.guest, 0));
		guest_tx_reap(queue);
		for (uint16_t i = 0; i < 2; i++) {
			assert_int_equal(get(i).value[PACKETS], burst);
			assert_int_equal(get(i).value[BYTES], burst * 100);
			assert_int_equal(get(i).value[MULTICAST], burst);
			assert_int_equal(get(i).value[UNDERSIZE + 2], burst);
		}
	}
	control_close(&one);
	control_assert_pool();
}

static void bad_chains_are_no_packets(void **state)
{
	static const struct guest_shape shape;
	struct guest_queue *queue;
	struct rte_mbuf *mbuf;
	uint8_t frame[64] = { 0 };

	(void)state;
	control_open(&one, "bad", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	queue = guest_tx_queue(one.guest, 0);
	assert_true(guest_tx(queue, frame, 0, &shape) >= 0);
	guest_submit(queue);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 0);
	assert_int_equal(control_stats(one.vid, 1).dropped_short, 1);
	assert_int_equal(get(1).value[PACKETS], 0);
	assert_int_equal(get(1).value[UNDERSIZE], 0);
	control_close(&one);
	control_assert_pool();
}

/** DPDK 22.11: an announcement is a packet. The library's own counters tell it apart. */
static void an_announcement_is_a_packet(void **state)
{
	static const uint8_t mac[6] = { 2, 3, 4, 5, 6, 7 };
	struct guest_config config;
	struct rte_mbuf *mbuf;
	struct values found;

	(void)state;
	guest_config_init(&config);
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_RARP);
	control_open(&one, "rarp", RTE_VHOST_USER_NET_STATS_ENABLE, &config);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(guest_send_rarp(&one.guest->frontend, mac), 0);
		assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 1);
		found = get(1);
		assert_int_equal(found.value[PACKETS], i);
		assert_int_equal(found.value[BYTES], i * mbuf->pkt_len);
		assert_int_equal(found.value[BROADCAST], i);
		assert_int_equal(found.value[MULTICAST], 0);
		assert_int_equal(found.value[UNDERSIZE + 1], i);
		assert_int_equal(control_stats(one.vid, 1).packets, 0);
		rte_pktmbuf_free(mbuf);
	}
	assert_int_equal(rte_vhost_vring_stats_reset(one.vid, 1), 0);
	found = get(1);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(found.value[i], 0);
	control_send_good(&one, 1);
	assert_int_equal(get(1).value[PACKETS], 1);
	control_close(&one);
	control_assert_pool();
}

/** What is set to zero through one set of functions goes on in the other. */
static void each_reset_is_its_own(void **state)
{
	struct rtevhostswift_counter own[64];

	(void)state;
	control_open(&one, "resets", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	control_send_good(&one, 0);
	assert_int_equal(rtevhostswift_vring_counters_reset(one.vid, 1), 0);
	assert_int_equal(get(1).value[PACKETS], 1);
	control_send_good(&one, 1);
	assert_int_equal(get(1).value[PACKETS], 2);
	assert_int_equal(rte_vhost_vring_stats_reset(one.vid, 1), 0);
	control_send_good(&one, 2);
	assert_int_equal(get(1).value[PACKETS], 1);
	/* The first of them is packets. */
	assert_true(rtevhostswift_vring_counters_get(one.vid, 1, own, 64) > 0);
	assert_int_equal(own[0].value, 2);
	assert_int_equal(control_stats(one.vid, 1).packets, 3);
	control_close(&one);
	control_assert_pool();
}

static void notifications_are_counted(void **state)
{
	uint64_t before;

	(void)state;
	control_open(&one, "calls", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	guest_want_calls(guest_tx_queue(one.guest, 0), true);
	control_send_good(&one, 0);
	before = get(1).value[NOTIFICATIONS];
	assert_int_equal(before, control_stats(one.vid, 1).notifications);
	assert_true(before > 0);
	assert_int_equal(rte_vhost_vring_stats_reset(one.vid, 1), 0);
	assert_int_equal(get(1).value[NOTIFICATIONS], 0);
	guest_want_calls(guest_tx_queue(one.guest, 0), true);
	control_send_good(&one, 1);
	assert_int_equal(get(1).value[NOTIFICATIONS],
			 control_stats(one.vid, 1).notifications - before);
	assert_true(get(1).value[NOTIFICATIONS] > 0);
	control_close(&one);
}

static void a_new_connection_counts_from_zero(void **state)
{
	struct values none = { { 0 } };

	(void)state;
	control_open(&one, "again", RTE_VHOST_USER_NET_STATS_ENABLE, NULL);
	control_send_good(&one, 0);
	control_receive_good(&one, 0);
	assert_int_equal(get(0).value[PACKETS], 1);
	control_detach(&one);
	control_attach(&one, NULL);
	assert_counted(&none);
	control_close(&one);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(names_are_those_of_dpdk),
	CONTROL_TEST(too_little_room_is_left_alone),
	CONTROL_TEST(nothing_without_the_flag),
	CONTROL_TEST(nothing_without_device_or_queue),
	CONTROL_TEST(each_packet_is_counted),
	CONTROL_TEST(bursts_are_counted),
	CONTROL_TEST(bad_chains_are_no_packets),
	CONTROL_TEST(an_announcement_is_a_packet),
	CONTROL_TEST(each_reset_is_its_own),
	CONTROL_TEST(notifications_are_counted),
	CONTROL_TEST(a_new_connection_counts_from_zero),
};

CONTROL_MAIN(120, tests)
