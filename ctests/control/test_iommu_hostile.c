/* SPDX-License-Identifier: BSD-3-Clause */

/* Translations that are wrong, missing, too many or too few. */
#define _GNU_SOURCE
#include "control_iommu.h"

#include "guest_split.h"

#define PAGE GUEST_IOTLB_PAGE
/* Misses of one queue that wait for an answer. */
#define MOST_MISSES 32

static struct control_echo echo;
static struct control_iommu iommu;
static struct control_counts before;
static const struct guest_shape direct;

static void begin(const char *name, uint64_t seed)
{
	struct guest_config config;
	char echo_name[64];

	control_pool();
	snprintf(echo_name, sizeof(echo_name), "%s-echo", name);
	control_echo_start(&echo, echo_name);
	control_iommu_config(&config);
	control_iommu_listen(&iommu, name, 0);
	/* Once, so that what is made for good is made. */
	control_iommu_attach(&iommu, &config, seed);
	control_iommu_detach(&iommu);
	iommu.sent = iommu.received = 0;
	control_count_idle(&before);
	control_iommu_attach(&iommu, &config, seed);
	control_iommu_check(&iommu);
}

static void end(void)
{
	control_iommu_check(&iommu);
	control_echo_check(&echo, 100);
	control_iommu_detach(&iommu);
	control_assert_flat(&before);
	control_iommu_close(&iommu);
	control_echo_stop(&echo);
	control_assert_pool();
}

/** Make one packet available without polling. */
static void offer_packet(void)
{
	uint8_t frame[200];

	control_frame(frame, sizeof(frame), iommu.sent);
	assert_int_equal(guest_tx(guest_tx_queue(iommu.device.guest, 0), frame, sizeof(frame),
				  &direct), 0);
	guest_submit(guest_tx_queue(iommu.device.guest, 0));
}

/** Take it, with misses served. */
static void take_packet(void)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	struct rte_mbuf *mbuf;

	while (control_iommu_dequeue(&iommu, &mbuf, 1) == 0) {
		assert_true(control_now_ms() < deadline);
		assert_true(guest_service(iommu.device.guest) >= 0);
	}
	control_assert_frame(rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->pkt_len, iommu.sent++);
	rte_pktmbuf_free(mbuf);
	guest_tx_reap(guest_tx_queue(iommu.device.guest, 0));
}

/** Poll both queues for some time. @return how often. */
static uint64_t poll_in_vain(int ms)
{
	struct rte_mbuf *mbuf = control_mbuf(200, 0), *got;
	uint64_t polls = 0;

	for (int64_t stop = control_now_ms() + ms; control_now_ms() < stop; polls++) {
		assert_int_equal(control_iommu_dequeue(&iommu, &got, 1), 0);
		assert_false(control_iommu_give(&iommu, mbuf));
	}
	rte_pktmbuf_free(mbuf);
	return polls;
}

/* A frontend that reads and does not answer: what is missing, and the same again each second. */
static void an_unanswered_miss_costs_nothing(void **state)
{
	uint64_t polls, misses, once;

	(void)state;
	begin("unanswered", 1);
	iommu.iotlb.silent = true;
	control_iommu_forget_buffers(&iommu);
	offer_packet();
	misses = iommu.iotlb.misses;
	poll_in_vain(100);
	assert_true(guest_service(iommu.device.guest) >= 0);
	/* The packet's page or two, and those of the first buffers of the receive queue. */
	once = iommu.iotlb.misses - misses;
	assert_in_range(once, 2, 2 + MOST_MISSES);
	polls = poll_in_vain(2400);
	assert_true(polls > 5000);
	assert_true(guest_service(iommu.device.guest) >= 0);
	/* Again after one and two seconds. */
	misses = iommu.iotlb.misses - misses;
	assert_in_range(misses, 2 * once, 3 * once);
	control_echo_check(&echo, 1000);
	iommu.iotlb.silent = false;
	take_packet();
	end();
}

/* A guest that changes what it asks for with each poll: so many messages a second, no more. */
static void changing_addresses_are_bounded(void **state)
{
	struct guest_queue *queue;
	struct rte_mbuf *mbuf;
	int64_t start;
	uint64_t misses;
	uint16_t head;

	(void)state;
	begin("changing", 2);
	queue = guest_tx_queue(iommu.device.guest, 0);
	iommu.iotlb.silent = true;
	misses = iommu.iotlb.misses;
	head = guest_split_take(queue);
	guest_split_offer(queue, &head, 1);
	guest_submit(queue);
	start = control_now_ms();
	for (uint64_t i = 0; i < 20000; i++) {
		guest_split_set_descriptor(queue, head, 0x700000000000 + i * PAGE, 500, 0, 0);
		assert_int_equal(control_iommu_dequeue(&iommu, &mbuf, 1), 0);
		if (i % 16 == 0)
			assert_true(guest_service(iommu.device.guest) >= 0);
	}
	assert_true(guest_service(iommu.device.guest) >= 0);
	misses = iommu.iotlb.misses - misses;
	assert_in_range(misses, MOST_MISSES,
			MOST_MISSES * (uint64_t)((control_now_ms() - start) / 1000 + 1));
	iommu.iotlb.silent = false;
	/* Direction, and so on: still a fault, still given back. */
	guest_split_set_descriptor(queue, head, iommu.device.guest->memory.regions[0].gpa, 500,
				   VRING_DESC_F_WRITE, 0);
	assert_int_equal(control_iommu_dequeue(&iommu, &mbuf, 1), 0);
	assert_int_equal(control_stats(iommu.device.vid, 1).dropped_direction, 1);
	assert_int_equal(guest_tx_reap(queue), 1);
	end();
}

/* A frontend that does not read its channel at all, and takes everything back all the time. */
static void an_unread_channel_blocks_nobody(void **state)
{
	struct rte_mbuf *mbuf;

	(void)state;
	begin("unread", 3);
	offer_packet();
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(guest_iotlb_forget(&iommu.iotlb, 0, iommu.iotlb.pages), 0);
		assert_int_equal(control_iommu_dequeue(&iommu, &mbuf, 1), 0);
	}
	control_echo_check(&echo, 1000);
	take_packet();
	end();
}

/* No mapping for what the driver offers, until late: asked for again without being told to. */
static void late_mappings_are_found(void **state)
{
	uint32_t count, first;
	int from;

	(void)state;
	begin("late", 4);
	memset(iommu.iotlb.permission, 0, iommu.iotlb.pages);
	assert_int_equal(guest_iotlb_forget(&iommu.iotlb, 0, iommu.iotlb.pages), 0);
	offer_packet();
	/* All that is asked for is read, and not answered. */
	assert_true(control_iommu_serve(&iommu, 100) > 0);
	from = control_events();
	for (uint32_t queue = 0; queue < 2; queue++) {
		first = guest_iotlb_ring(&iommu.iotlb, queue, &count);
		memset(iommu.iotlb.permission + first, VHOST_ACCESS_RW, count);
	}
	while (control_count_events(from, CONTROL_STATE, iommu.device.vid) < 2)
		control_iommu_serve(&iommu, 10);
	poll_in_vain(100);
	assert_true(guest_service(iommu.device.guest) >= 0);
	memset(iommu.iotlb.permission, VHOST_ACCESS_RW, iommu.iotlb.pages);
	take_packet();
	end();
}

/* Read where the device must write, and the other way round; asked for with what is needed. */
static void permissions_are_kept(void **state)
{
	static const uint8_t granted[] = { VHOST_ACCESS_RO, VHOST_ACCESS_WO };

	(void)state;
	begin("permissions", 5);
	for (size_t i = 0; i < CONTROL_COUNT(granted); i++) {
		bool reads = granted[i] == VHOST_ACCESS_RO;
		struct rte_mbuf *mbuf = control_mbuf(200, iommu.received), *got;
		uint64_t misses;

		control_iommu_forget_buffers(&iommu);
		memset(iommu.iotlb.permission, granted[i], iommu.iotlb.pages);
		offer_packet();
		if (reads) {
			take_packet();
		} else {
			/* The receive buffer may be written to, and that is all it takes. */
			while (!control_iommu_give(&iommu, mbuf))
				assert_true(guest_service(iommu.device.guest) >= 0);
			mbuf = control_mbuf(200, iommu.received);
		}
		/* The other direction: asked for, answered with too little, not asked again. */
		misses = iommu.iotlb.misses;
		for (int j = 0; j < 2000; j++) {
			if (reads)
				assert_false(control_iommu_give(&iommu, mbuf));
			else
				assert_int_equal(control_iommu_dequeue(&iommu, &got, 1), 0);
			assert_true(guest_service(iommu.device.guest) >= 0);
		}
		assert_in_range(iommu.iotlb.misses - misses, 1, MOST_MISSES);
		assert_int_equal(iommu.iotlb.last.perm,
				 reads ? VHOST_ACCESS_WO : VHOST_ACCESS_RO);
		memset(iommu.iotlb.permission, VHOST_ACCESS_RW, iommu.iotlb.pages);
		control_iommu_forget_buffers(&iommu);
		if (!reads)
			take_packet();
		rte_pktmbuf_free(mbuf);
		iommu.received += !reads;
		if (!reads) {
			struct guest_received received;
			uint8_t frame[2048];

			assert_int_equal(guest_rx(guest_rx_queue(iommu.device.guest, 0), frame,
						  sizeof(frame), &received), 200);
		}
		control_iommu_check(&iommu);
	}
	end();
}

/* Not without the feature, which is not offered without the flag. */
static void the_flag_decides(void **state)
{
	struct control_device device;
	struct guest_config config;
	uint64_t features;

	(void)state;
	begin("flag", 7);
	control_iommu_config(&config);
	control_open(&device, "flagless", 0, &config);
	assert_false(device.guest->offered & GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM));
	assert_int_equal(guest_set_features(&device.guest->frontend, device.guest->features |
					    GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM)), -EREMOTEIO);
	assert_int_equal(guest_iotlb(&device.guest->frontend, &(struct vhost_iotlb_msg){
		.type = VHOST_IOTLB_INVALIDATE, .size = PAGE }), -EREMOTEIO);
	assert_int_equal(rte_vhost_driver_enable_features(
		device.path, GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM)), 0);
	assert_int_equal(rte_vhost_driver_get_features(device.path, &features), 0);
	assert_false(features & GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM));
	control_send_good(&device, 1);
	control_close(&device);
	/* Offered, and not wanted: addresses are what they always were. */
	guest_config_init(&config);
	control_open(&device, "unwanted", RTE_VHOST_USER_IOMMU_SUPPORT, &config);
	assert_true(device.guest->offered & GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM));
	control_send_good(&device, 1);
	control_receive_good(&device, 2);
	assert_int_equal(guest_iotlb(&device.guest->frontend, &(struct vhost_iotlb_msg){
		.type = VHOST_IOTLB_INVALIDATE, .size = PAGE }), -EREMOTEIO);
	control_close(&device);
	end();
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(an_unanswered_miss_costs_nothing),
	CONTROL_TEST_SPLIT(changing_addresses_are_bounded),
	CONTROL_TEST(an_unread_channel_blocks_nobody),
	CONTROL_TEST(late_mappings_are_found),
	CONTROL_TEST(permissions_are_kept),
	CONTROL_TEST(the_flag_decides),
};

CONTROL_MAIN_QUIET(300, tests)
