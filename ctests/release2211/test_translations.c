/* SPDX-License-Identifier: BSD-3-Clause */

/* iotlb_hits and iotlb_misses of a guest behind an IOMMU. */
#define _GNU_SOURCE
#include "control.h"

#include <linux/virtio_config.h>

#include "guest_iotlb.h"

#define COUNT 17
#define HITS 13
#define MISSES 14

static struct control_device one;
static struct guest_iotlb iotlb;

static uint64_t counter(uint16_t queue, int which)
{
	struct rte_vhost_stat stats[COUNT];

	assert_int_equal(rte_vhost_vring_stats_get(one.vid, queue, stats, COUNT), COUNT);
	return stats[which].value;
}

static void attach(void)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	struct guest_config config;
	int from = control_events();

	control_config(&config, &one);
	config.features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	control_choose_ring(&config);
	assert_int_equal(guest_create(&config, &one.guest), 0);
	assert_int_equal(guest_iotlb_create(&iotlb, one.guest, 3), 0);
	assert_int_equal(guest_connect(one.guest), 0);
	assert_int_equal(guest_start(one.guest), 0);
	while (control_count_events(from, CONTROL_NEW_DEVICE, -1) == 0) {
		assert_true(control_now_ms() < deadline);
		assert_true(guest_service(one.guest) >= 0);
		usleep(50);
	}
	one.vid = control_event(control_wait_event(from, CONTROL_NEW_DEVICE, -1)).vid;
}

/** Send one packet; misses are served until it arrives. */
static void send_one(void)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	struct guest_queue *queue = guest_tx_queue(one.guest, 0);
	static const struct guest_shape shape;
	uint8_t frame[200] = { 0 };
	struct rte_mbuf *mbuf;

	assert_true(guest_tx(queue, frame, sizeof(frame), &shape) >= 0);
	guest_submit(queue);
	while (rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1) == 0) {
		assert_true(control_now_ms() < deadline);
		assert_true(guest_service(one.guest) >= 0);
		usleep(50);
	}
	rte_pktmbuf_free(mbuf);
	guest_tx_reap(queue);
}

static void lookups_are_counted(void **state)
{
	uint64_t misses, hits;

	(void)state;
	control_pool();
	control_listen(&one, "lookups",
		       RTE_VHOST_USER_IOMMU_SUPPORT | RTE_VHOST_USER_NET_STATS_ENABLE);
	attach();
	send_one();
	misses = counter(1, MISSES);
	assert_true(misses > 0);
	assert_int_equal(rte_vhost_vring_stats_reset(one.vid, 1), 0);
	assert_int_equal(counter(1, HITS), 0);
	assert_int_equal(counter(1, MISSES), 0);
	/* Forgotten: a miss again. Known: hits alone. */
	assert_true(guest_iotlb_forget(&iotlb, 0, iotlb.pages) >= 0);
	send_one();
	assert_true(counter(1, MISSES) > 0);
	assert_int_equal(rte_vhost_vring_stats_reset(one.vid, 1), 0);
	for (int i = 0; i < 600; i++)
		send_one();
	/* Every buffer of the ring was seen by now. */
	assert_int_equal(rte_vhost_vring_stats_reset(one.vid, 1), 0);
	for (int i = 0; i < 100; i++)
		send_one();
	hits = counter(1, HITS);
	assert_true(hits >= 100 && hits <= 1000);
	assert_int_equal(counter(1, MISSES), 0);
	guest_iotlb_destroy(&iotlb);
	control_close(&one);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(lookups_are_counted),
};

CONTROL_MAIN(120, tests)
