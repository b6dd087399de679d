/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Translations that are taken back while packets move. After the acknowledgement of an invalidation
 * the device must not touch the memory: pages are moved at once, and whatever was written to their
 * old place would be missing.
 */
#define _GNU_SOURCE
#include "control_iommu.h"

#define WINDOW 48
#define BURST 32

/** An application that sends everything back. */
struct echo {
	struct control_iommu iommu;
	pthread_t worker;
	bool stop;
	uint64_t random;
};

static uint32_t random_below(struct echo *echo, uint32_t limit)
{
	echo->random = echo->random * 0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL;
	return (uint32_t)(echo->random >> 33) % limit;
}

static bool stopped(struct echo *echo)
{
	return __atomic_load_n(&echo->stop, __ATOMIC_ACQUIRE);
}

static void *work(void *argument)
{
	struct echo *echo = argument;
	struct rte_mbuf *mbufs[BURST];

	while (!stopped(echo)) {
		uint16_t got = control_iommu_dequeue(&echo->iommu, mbufs, BURST);

		for (uint16_t i = 0; i < got; i++) {
			while (!control_iommu_give(&echo->iommu, mbufs[i]) && !stopped(echo))
				usleep(20);
			if (stopped(echo))
				break;
		}
		if (got == 0)
			usleep(20);
		/* What the engine has finished goes on, whether there is more or not. */
		if (echo->iommu.engine)
			rte_pktmbuf_free_bulk(mbufs, rte_vhost_poll_enqueue_completed(
				echo->iommu.device.vid, 0, mbufs, BURST));
	}
	return NULL;
}

/** Send @p count frames around, and disturb now and then. */
static void go_around(struct echo *echo, uint32_t count, void (*disturb)(struct echo *echo))
{
	struct guest *guest = echo->iommu.device.guest;
	struct guest_queue *tx = guest_tx_queue(guest, 0), *rx = guest_rx_queue(guest, 0);
	int64_t deadline = control_now_ms() + 4 * CONTROL_PATIENCE_MS;
	static const struct guest_shape shapes[2] = { { .indirect = false },
						      { .indirect = true, .data_pieces = 3 } };
	uint32_t sent = 0, back = 0;

	/* So often that packets are on their way, so seldom that some arrive in between. */
	for (uint32_t disturbed = 0; back < count;) {
		struct guest_received received;
		uint8_t frame[2048];

		for (; sent < count && sent - back < WINDOW; sent++) {
			uint32_t size = 64 + sent * 37 % 1800;

			control_frame(frame, size, sent);
			if (guest_tx(tx, frame, size, &shapes[sent % 2]) < 0)
				break;
		}
		guest_submit(tx);
		if (back - disturbed >= 8) {
			disturb(echo);
			disturbed = back;
		}
		while (guest_rx(rx, frame, sizeof(frame), &received) >= 0)
			control_assert_frame(frame, received.length, back++);
		guest_tx_reap(tx);
		guest_rx_fill(rx);
		guest_submit(rx);
		assert_true(guest_service(guest) >= 0);
		if (control_now_ms() > deadline)
			fail_msg("%u of %u packets came back", back, count);
	}
	assert_int_equal(guest_complaints(guest), 0);
}

static void echo_run(bool has_engine, uint64_t seed, uint32_t count,
		     void (*disturb)(struct echo *echo))
{
	struct guest_config config;
	struct control_counts before;
	struct echo echo = { .random = seed };

	control_pool();
	control_iommu_config(&config);
	control_iommu_listen(&echo.iommu, "echo", RTE_VHOST_USER_ASYNC_COPY);
	control_count_idle(&before);
	control_iommu_attach(&echo.iommu, &config, seed);
	if (has_engine)
		control_iommu_use_engine(&echo.iommu);
	assert_int_equal(pthread_create(&echo.worker, NULL, work, &echo), 0);
	go_around(&echo, count, disturb);
	__atomic_store_n(&echo.stop, true, __ATOMIC_RELEASE);
	pthread_join(echo.worker, NULL);
	control_iommu_detach(&echo.iommu);
	control_assert_flat(&before);
	control_iommu_close(&echo.iommu);
}

/** A page that is not a ring's. */
static uint32_t pick_page(struct echo *echo)
{
	struct guest_iotlb *iotlb = &echo->iommu.iotlb;

	for (;;) {
		uint32_t page = random_below(echo, iotlb->pages - GUEST_IOTLB_SPARE);
		bool is_free = true;

		for (uint32_t queue = 0; queue < 2; queue++) {
			uint32_t count, first = guest_iotlb_ring(iotlb, queue, &count);

			if (page >= first && page < first + count)
				is_free = false;
		}
		if (is_free)
			return page;
	}
}

static void forget_buffers(struct echo *echo)
{
	for (int i = 0; i < 4; i++)
		assert_int_equal(guest_iotlb_forget(&echo->iommu.iotlb, pick_page(echo), 1), 0);
}

static void move_buffers(struct echo *echo)
{
	struct guest_iotlb *iotlb = &echo->iommu.iotlb;

	for (int i = 0; i < 4; i++) {
		uint32_t first = pick_page(echo), second = pick_page(echo);

		/* Nothing is answered between here and there. */
		assert_int_equal(guest_iotlb_forget(iotlb, first, 1), 0);
		assert_int_equal(guest_iotlb_forget(iotlb, second, 1), 0);
		if (first != second)
			assert_int_equal(guest_iotlb_swap(iotlb, first, second, 1), 0);
	}
}

static void forget_rings(struct echo *echo)
{
	uint32_t count, first = guest_iotlb_ring(&echo->iommu.iotlb, random_below(echo, 2), &count);

	assert_int_equal(guest_iotlb_forget(&echo->iommu.iotlb, first, count), 0);
}

static void move_rings(struct echo *echo)
{
	assert_int_equal(guest_iotlb_move_ring(&echo->iommu.iotlb, random_below(echo, 2)), 0);
}

/** QEMU's "all": the size has wrapped. */
static void forget_all(struct echo *echo)
{
	static const struct vhost_iotlb_msg all = { .type = VHOST_IOTLB_INVALIDATE };

	assert_int_equal(guest_iotlb(&echo->iommu.device.guest->frontend, &all), 0);
}

static void everything(struct echo *echo)
{
	switch (random_below(echo, 4)) {
	case 0:
		return move_buffers(echo);
	case 1:
		return move_rings(echo);
	case 2:
		return forget_all(echo);
	default:
		return forget_buffers(echo);
	}
}

#define BOTH(name, count) \
	static void name##_sync(void **state) \
	{ \
		(void)state; \
		echo_run(false, 1, count, name); \
	} \
	static void name##_async(void **state) \
	{ \
		(void)state; \
		echo_run(true, 2, count, name); \
	}

BOTH(forget_buffers, 10000)
BOTH(move_buffers, 10000)
BOTH(forget_rings, 5000)
BOTH(move_rings, 5000)
BOTH(forget_all, 5000)
BOTH(everything, 10000)

static int count_states(int from, int vid, int queue, int enable)
{
	int count = 0;

	for (; from < control_events(); from++) {
		struct control_event event = control_event(from);

		count += event.kind == CONTROL_STATE && event.vid == vid &&
			 event.queue == queue && event.enable == enable;
	}
	return count;
}

/* No answer: the ring stays away, and what the guest does there meanwhile stays as it is. */
static void a_forgotten_ring_is_not_touched(void **state)
{
	struct guest_config config;
	struct control_iommu iommu;

	(void)state;
	control_iommu_config(&config);
	control_iommu_listen(&iommu, "forgotten", 0);
	control_iommu_attach(&iommu, &config, 3);
	for (uint32_t queue = 0; queue < 2; queue++) {
		uint32_t count, first = guest_iotlb_ring(&iommu.iotlb, queue, &count);
		size_t size = (size_t)count * GUEST_IOTLB_PAGE;
		uint8_t *host = iommu.device.guest->memory.regions[0].host +
				(size_t)first * GUEST_IOTLB_PAGE;
		uint8_t *kept = malloc(2 * size);
		struct rte_mbuf *mbuf = control_mbuf(100, 0), *got;
		int from = control_events();

		control_iommu_check(&iommu);
		iommu.iotlb.silent = true;
		assert_int_equal(guest_iotlb_forget(&iommu.iotlb, first, count), 0);
		assert_int_equal(count_states(from, iommu.device.vid, (int)queue, 0), 1);
		memcpy(kept, host, size);
		memset(host, 0x5a, size);
		for (int i = 0; i < 1000; i++) {
			assert_true(queue == 1 || !control_iommu_give(&iommu, mbuf));
			assert_true(queue == 0 || !control_iommu_dequeue(&iommu, &got, 1));
		}
		memset(kept + size, 0x5a, size);
		assert_memory_equal(host, kept + size, size);
		memcpy(host, kept, size);
		/* It is asked for again without anybody polling, and goes on where it was. */
		iommu.iotlb.silent = false;
		while (count_states(from, iommu.device.vid, (int)queue, 1) == 0)
			control_iommu_serve(&iommu, 10);
		assert_int_equal(count_states(from, iommu.device.vid, (int)queue, 1), 1);
		assert_int_equal(control_count_events(from, CONTROL_DESTROY_DEVICE, -1), 0);
		control_iommu_check(&iommu);
		rte_pktmbuf_free(mbuf);
		free(kept);
	}
	control_iommu_close(&iommu);
}

static void *release_engine(void *argument)
{
	struct control_iommu *iommu = argument;

	control_sleep_ms(300);
	assert_int_equal(rtevhostswift_dma_inject(iommu->device.vid, 1, NULL), 0);
	return NULL;
}

/* Packets that an engine holds: the acknowledgement waits for them, or says that it failed. */
static void an_engine_is_waited_for(void **state)
{
	const struct rtevhostswift_dma_faults hold = { .hold = 1 };
	static const struct guest_shape shape;
	struct guest_config config;
	struct control_iommu iommu;
	struct rte_mbuf *mbufs[8];
	uint8_t frame[1000];
	pthread_t thread;

	(void)state;
	control_iommu_config(&config);
	control_iommu_listen(&iommu, "engine", RTE_VHOST_USER_ASYNC_COPY);
	control_iommu_attach(&iommu, &config, 4);
	control_iommu_use_engine(&iommu);
	control_iommu_check(&iommu);
	for (int round = 0; round < 2; round++) {
		int64_t start;

		/* Once, so that all pages are known; held, the second time. */
		control_frame(frame, sizeof(frame), iommu.sent);
		assert_int_equal(rtevhostswift_dma_inject(iommu.device.vid, 1, &hold), 0);
		assert_int_equal(guest_tx(guest_tx_queue(iommu.device.guest, 0), frame,
					  sizeof(frame), &shape), 0);
		guest_submit(guest_tx_queue(iommu.device.guest, 0));
		while (rte_vhost_async_get_inflight(iommu.device.vid, 1) == 0) {
			assert_int_equal(control_iommu_dequeue(&iommu, mbufs, 8), 0);
			control_iommu_serve(&iommu, 1);
		}
		start = control_now_ms();
		if (round == 0) {
			assert_int_equal(pthread_create(&thread, NULL, release_engine, &iommu), 0);
			assert_int_equal(guest_iotlb_forget(&iommu.iotlb, iommu.iotlb.pages - 1, 1),
					 0);
			assert_true(control_now_ms() - start >= 250);
			pthread_join(thread, NULL);
		} else {
			assert_int_equal(guest_iotlb_forget(&iommu.iotlb, iommu.iotlb.pages - 1, 1),
					 -EREMOTEIO);
			assert_int_equal(rtevhostswift_dma_inject(iommu.device.vid, 1, NULL), 0);
			assert_int_equal(guest_iotlb_forget(&iommu.iotlb, iommu.iotlb.pages - 1, 1),
					 0);
		}
		/* The packet that was waited for is not lost. */
		while (control_iommu_dequeue(&iommu, mbufs, 8) == 0)
			control_iommu_serve(&iommu, 1);
		assert_int_equal(mbufs[0]->pkt_len, sizeof(frame));
		rte_pktmbuf_free(mbufs[0]);
		iommu.sent++;
		guest_tx_reap(guest_tx_queue(iommu.device.guest, 0));
		control_iommu_check(&iommu);
	}
	control_iommu_close(&iommu);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(forget_buffers_sync),
	CONTROL_TEST(forget_buffers_async),
	CONTROL_TEST(move_buffers_sync),
	CONTROL_TEST(move_buffers_async),
	CONTROL_TEST(forget_rings_sync),
	CONTROL_TEST(forget_rings_async),
	CONTROL_TEST(move_rings_sync),
	CONTROL_TEST(move_rings_async),
	CONTROL_TEST(forget_all_sync),
	CONTROL_TEST(forget_all_async),
	CONTROL_TEST(everything_sync),
	CONTROL_TEST(everything_async),
	CONTROL_TEST(a_forgotten_ring_is_not_touched),
	CONTROL_TEST(an_engine_is_waited_for),
};

CONTROL_MAIN_QUIET(400, tests)
