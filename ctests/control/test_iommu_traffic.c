/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Packets of guests behind an IOMMU: what one buffer, table or ring holds lies in pages all over
 * the memory that the backend sees.
 */
#define _GNU_SOURCE
#include "control_iommu.h"

static const uint32_t sizes[] = { 60, 64, 1500, 2000, 4096, 9000 };

static const struct guest_shape shapes[] = {
	{ .indirect = false },
	{ .indirect = true },
	{ .indirect = false, .header_pieces = 1 },
	{ .indirect = true, .header_pieces = 3, .data_pieces = 7 },
	{ .indirect = false, .header_pieces = 1, .data_pieces = 9 },
};

/** All sizes in all shapes, both ways, more than once around each ring. */
static void move_packets(struct control_iommu *iommu)
{
	for (size_t i = 0; i < CONTROL_COUNT(sizes); i++) {
		for (size_t j = 0; j < CONTROL_COUNT(shapes); j++)
			control_iommu_send(iommu, 60, sizes[i], &shapes[j]);
		control_iommu_receive(iommu, 200, sizes[i]);
	}
}

static void traffic(const struct guest_config *config, uint64_t seed, bool has_engine)
{
	struct control_counts before;
	struct control_iommu iommu;

	control_pool();
	control_iommu_listen(&iommu, "traffic", RTE_VHOST_USER_ASYNC_COPY);
	control_count_idle(&before);
	control_iommu_attach(&iommu, config, seed);
	if (has_engine)
		control_iommu_use_engine(&iommu);
	move_packets(&iommu);
	/* Each page once, each ring part once, and few that were asked for twice meanwhile. */
	assert_true(iommu.iotlb.misses <= 2 * iommu.iotlb.pages);
	assert_int_equal(iommu.iotlb.misses, iommu.iotlb.answers);
	control_iommu_detach(&iommu);
	control_assert_flat(&before);
	control_iommu_close(&iommu);
}

static void run(uint64_t features, uint64_t seed, bool has_engine)
{
	struct guest_config config;

	control_iommu_config(&config);
	config.features |= features;
	traffic(&config, seed, has_engine);
}

static void identity_sync(void **state)
{
	(void)state;
	run(0, 0, false);
}

static void scattered_sync(void **state)
{
	(void)state;
	run(0, 1, false);
	run(GUEST_BIT(VIRTIO_F_IN_ORDER), 2, false);
}

static void identity_async(void **state)
{
	(void)state;
	run(0, 0, true);
}

static void scattered_async(void **state)
{
	(void)state;
	run(0, 3, true);
	run(GUEST_BIT(VIRTIO_F_IN_ORDER), 4, true);
}

/* Buffers and receive chains larger than a page: each crosses many. */
static void large_buffers(void **state)
{
	struct guest_config config;

	(void)state;
	for (int mode = 0; mode < 4; mode++) {
		control_iommu_config(&config);
		config.buffer_size = 20000;
		config.ring_size = 64;
		if (mode & 1)
			config.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
		traffic(&config, 5 + (uint64_t)mode, mode >= 2);
	}
}

/* Rings whose parts are many pages each, and rings within one page. */
static void ring_sizes(void **state)
{
	static const uint32_t ring_sizes[] = { 8, 64, 1024, 4096 };
	static const struct guest_shape shape = { .indirect = true };
	struct guest_config config;
	struct control_iommu iommu;

	(void)state;
	for (size_t i = 0; i < CONTROL_COUNT(ring_sizes); i++) {
		control_iommu_config(&config);
		config.ring_size = ring_sizes[i];
		config.buffer_size = 512;
		config.table_entries = 4;
		config.tx_buffers = config.rx_buffers = 1024;
		control_iommu_listen(&iommu, "sizes", 0);
		control_iommu_attach(&iommu, &config, 10 + i);
		control_iommu_send(&iommu, 5000, 400, &shape);
		control_iommu_receive(&iommu, 5000, 400);
		control_iommu_close(&iommu);
	}
}

/* More pages in use than the table has entries: packets go on, only slower. */
static void more_pages_than_entries(void **state)
{
	static const struct guest_shape shape;
	struct guest_config config;
	struct control_iommu iommu;

	(void)state;
	control_iommu_config(&config);
	config.ring_size = 1024;
	config.buffer_size = 9000;
	config.table_entries = 0;
	control_iommu_listen(&iommu, "thrash", 0);
	control_iommu_attach(&iommu, &config, 20);
	assert_true(iommu.iotlb.pages > 4096);
	control_iommu_send(&iommu, 4096, 8900, &shape);
	control_iommu_receive(&iommu, 4096, 8900);
	control_iommu_close(&iommu);
}

/** Answer all that was asked for. */
static void answer(struct control_iommu *iommu)
{
	for (int i = 0; i < 100; i++)
		assert_true(guest_service(iommu->device.guest) >= 0);
	assert_int_equal(iommu->iotlb.misses, iommu->iotlb.answers);
}

/** Two packets in many unknown pages, after so many turns of the frontend. */
static void check_turns_to_host(struct control_iommu *iommu, const struct guest_shape *shape)
{
	struct guest_queue *queue = guest_tx_queue(iommu->device.guest, 0);
	static uint8_t frame[6000];
	struct rte_mbuf *mbufs[2];
	uint16_t got;

	control_iommu_forget_buffers(iommu);
	for (uint64_t i = 0; i < 2; i++) {
		control_frame(frame, sizeof(frame), i);
		assert_true(guest_tx(queue, frame, sizeof(frame), shape) >= 0);
	}
	guest_submit(queue);
	assert_int_equal(control_iommu_dequeue(iommu, mbufs, 2), 0);
	answer(iommu);
	got = control_iommu_dequeue(iommu, mbufs, 2);
	/* What a table says is not known before the table is. */
	if (shape->indirect && got == 0) {
		answer(iommu);
		got = control_iommu_dequeue(iommu, mbufs, 2);
	}
	assert_int_equal(got, 2);
	rte_pktmbuf_free_bulk(mbufs, 2);
	guest_tx_reap(queue);
}

/** The same to the guest: one packet in several chains, or in one of several pages. */
static void check_turns_to_guest(struct control_iommu *iommu)
{
	struct rte_mbuf *mbuf = control_mbuf(1900, 0);
	struct guest_received received;
	uint8_t frame[2048];

	control_iommu_forget_buffers(iommu);
	assert_false(control_iommu_give(iommu, mbuf));
	answer(iommu);
	assert_true(control_iommu_give(iommu, mbuf));
	assert_int_equal(guest_rx(guest_rx_queue(iommu->device.guest, 0), frame, sizeof(frame),
				  &received), 1900);
	guest_rx_fill(guest_rx_queue(iommu->device.guest, 0));
	guest_submit(guest_rx_queue(iommu->device.guest, 0));
}

/* All that a burst wants and does not know is asked for at once, not page by page. */
static void misses_are_told_together(void **state)
{
	static const struct guest_shape shape = { .header_pieces = 1, .data_pieces = 9 };
	static const struct guest_shape table = { .indirect = true, .data_pieces = 9 };
	struct guest_config config;
	struct control_iommu iommu;

	(void)state;
	for (uint32_t small = 0; small < 2; small++) {
		control_iommu_config(&config);
		config.buffer_size = small ? 200 : 6000;
		if (!small)
			config.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
		control_iommu_listen(&iommu, "together", 0);
		control_iommu_attach(&iommu, &config, 40 + small);
		for (int round = 0; round < 20; round++) {
			if (!small)
				check_turns_to_host(&iommu, round & 1 ? &shape : &table);
			check_turns_to_guest(&iommu);
		}
		control_iommu_close(&iommu);
	}
}

/* Of a chain that is longer than any packet was, what no packet reaches is not asked for. */
static void short_packets_want_few_pages(void **state)
{
	struct guest_config config;
	struct control_iommu iommu;
	uint64_t asked;

	(void)state;
	control_iommu_config(&config);
	config.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	config.ring_size = 8;
	config.buffer_size = 5 * GUEST_IOTLB_PAGE;
	control_iommu_listen(&iommu, "short", 0);
	control_iommu_attach(&iommu, &config, 50);
	control_iommu_forget_buffers(&iommu);
	asked = iommu.iotlb.misses;
	control_iommu_receive(&iommu, 8, 100);
	assert_in_range(iommu.iotlb.misses - asked, 1, 8 * 2);
	/* Longer ones get there as well; and then the short ones wait for as much. */
	control_iommu_receive(&iommu, 20, 12000);
	control_iommu_forget_buffers(&iommu);
	asked = iommu.iotlb.misses;
	control_iommu_receive(&iommu, 8, 100);
	assert_true(iommu.iotlb.misses - asked > 8 * 2);
	control_iommu_close(&iommu);
}

/* GET_VRING_BASE forgets: what changes while a queue is stopped nobody tells it. */
static void a_stopped_queue_forgets(void **state)
{
	struct guest_config config;
	struct control_iommu iommu;

	(void)state;
	control_iommu_config(&config);
	control_iommu_listen(&iommu, "stopped", 0);
	for (uint64_t round = 0; round < 5; round++) {
		uint64_t asked;
		int from;

		if (!iommu.device.guest)
			control_iommu_attach(&iommu, &config, 30);
		control_iommu_check(&iommu);
		assert_int_equal(guest_stop(iommu.device.guest), 0);
		for (uint32_t page = 0; page + 1 < iommu.iotlb.pages / 2; page++)
			if (page > 400)
				guest_iotlb_swap(&iommu.iotlb, page,
						 iommu.iotlb.pages - 1 - page, 1);
		asked = iommu.iotlb.misses;
		from = control_events();
		assert_int_equal(guest_start(iommu.device.guest), 0);
		while (control_count_events(from, CONTROL_NEW_DEVICE, -1) == 0)
			control_iommu_serve(&iommu, 1);
		control_iommu_check(&iommu);
		assert_true(iommu.iotlb.misses > asked);
	}
	control_iommu_close(&iommu);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(identity_sync),
	CONTROL_TEST(scattered_sync),
	CONTROL_TEST(identity_async),
	CONTROL_TEST(scattered_async),
	CONTROL_TEST(large_buffers),
	CONTROL_TEST(ring_sizes),
	CONTROL_TEST(more_pages_than_entries),
	CONTROL_TEST(misses_are_told_together),
	CONTROL_TEST(short_packets_want_few_pages),
	CONTROL_TEST(a_stopped_queue_forgets),
};

CONTROL_MAIN_QUIET(300, tests)
