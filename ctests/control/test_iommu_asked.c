/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What a frontend is asked, when, and how often. A question whose answer nobody needs any more
 * makes it look up what the guest has unmapped: to the guest that is a fault of the device's.
 */
#define _GNU_SOURCE
#include "control_iommu.h"

#define PAGE GUEST_IOTLB_PAGE
#define FEW 4

static const struct guest_shape direct;

static struct guest_queue *tx(struct control_iommu *iommu)
{
	return guest_tx_queue(iommu->device.guest, 0);
}

/** A guest whose buffers have pages of their own, and that has sent nothing. */
static void open_wide(struct control_iommu *iommu, const char *name)
{
	struct guest_config config;

	control_iommu_config(&config);
	config.buffer_size = 3 * PAGE;
	config.ring_size = 16;
	control_iommu_listen(iommu, name, 0);
	control_iommu_attach(iommu, &config, 60);
	control_iommu_forget_buffers(iommu);
	iommu->iotlb.silent = true;
}

/** Make packets available. */
static void offer(struct control_iommu *iommu, uint32_t count)
{
	uint8_t frame[100];

	for (uint32_t i = 0; i < count; i++) {
		control_frame(frame, sizeof(frame), iommu->sent + i);
		assert_int_equal(guest_tx(tx(iommu), frame, sizeof(frame), &direct), 0);
	}
	guest_submit(tx(iommu));
}

/** Fail unless so many packets arrive at once. */
static void take_now(struct control_iommu *iommu, uint16_t count)
{
	struct rte_mbuf *mbufs[FEW];

	assert_int_equal(control_iommu_dequeue(iommu, mbufs, count), count);
	for (uint16_t i = 0; i < count; i++) {
		control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *), mbufs[i]->pkt_len,
				     iommu->sent++);
		rte_pktmbuf_free(mbufs[i]);
	}
	assert_int_equal(guest_tx_reap(tx(iommu)), count);
}

/** First page of an offered packet of 100 bytes, and how many it lies in. */
static uint32_t pages_of(struct control_iommu *iommu, uint32_t slot, uint32_t *count)
{
	uint64_t address = tx(iommu)->slots.slots[slot].gpa;
	uint32_t first = guest_iotlb_page(&iommu->iotlb, address);

	*count = guest_iotlb_page(&iommu->iotlb, address + 12 + 100 - 1) - first + 1;
	return first;
}

static void tell_slot(struct control_iommu *iommu, uint32_t slot)
{
	uint32_t count, first = pages_of(iommu, slot, &count);

	for (uint32_t page = first; page < first + count; page++)
		assert_int_equal(guest_iotlb_tell(&iommu->iotlb, page), 0);
}

/** Read all that was asked. @return how many questions since @p seen. */
static uint32_t read_questions(struct control_iommu *iommu, uint64_t *seen)
{
	uint64_t before = *seen;

	for (int i = 0; i < 100; i++)
		assert_true(guest_service(iommu->device.guest) >= 0);
	*seen = iommu->iotlb.misses;
	return (uint32_t)(*seen - before);
}

/** A pool of which nothing is left. */
static struct rte_mempool *empty_pool(struct rte_mbuf *held[16])
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("empty", 15, 0, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	uint32_t count = 0;

	assert_non_null(pool);
	while ((held[count] = rte_pktmbuf_alloc(pool)) != NULL)
		count++;
	return pool;
}

/*
 * A poll that looked ahead and came to nothing: what it saw is asked for while it is wanted, not
 * along with the next question after the packets are gone and their pages unmapped.
 */
static void what_was_used_is_not_asked_for(void **state)
{
	struct rte_mbuf *mbufs[FEW], *held[16] = { NULL };
	struct rte_mempool *empty;
	struct control_iommu iommu;
	uint64_t seen;
	uint32_t count;

	(void)state;
	open_wide(&iommu, "used");
	seen = iommu.iotlb.misses;
	empty = empty_pool(held);
	offer(&iommu, FEW);
	assert_int_equal(control_iommu_dequeue(&iommu, mbufs, FEW), 0);
	assert_true(read_questions(&iommu, &seen) >= FEW);
	tell_slot(&iommu, 0);
	assert_int_equal(rte_vhost_dequeue_burst(iommu.device.vid, 1, empty, mbufs, FEW), 0);
	for (uint32_t slot = 1; slot < FEW; slot++)
		tell_slot(&iommu, slot);
	take_now(&iommu, FEW);
	assert_int_equal(read_questions(&iommu, &seen), 0);
	/* Unmapped; the next packet lies elsewhere. */
	control_iommu_forget_buffers(&iommu);
	for (uint32_t slot = 0; slot < FEW; slot++)
		assert_true(guest_slots_take(&tx(&iommu)->slots) < FEW);
	offer(&iommu, 1);
	assert_int_equal(control_iommu_dequeue(&iommu, mbufs, FEW), 0);
	pages_of(&iommu, FEW, &count);
	assert_int_equal(read_questions(&iommu, &seen), count);
	tell_slot(&iommu, FEW);
	take_now(&iommu, 1);
	rte_pktmbuf_free_bulk(held, 15);
	rte_mempool_free(empty);
	control_iommu_close(&iommu);
}

/*
 * A frontend that is slow to read, and a guest that takes back everything meanwhile, as Linux does
 * every few milliseconds: one answer is open, a second would come when the packets are gone.
 */
static void an_open_question_is_not_repeated(void **state)
{
	struct rte_mbuf *mbufs[FEW];
	struct control_iommu iommu;
	uint32_t pages = 0, count;
	int64_t start, end;
	uint64_t seen;

	(void)state;
	open_wide(&iommu, "open");
	for (uint32_t slot = 0; slot < FEW; slot++) {
		pages_of(&iommu, slot, &count);
		pages += count;
	}
	offer(&iommu, FEW);
	seen = iommu.iotlb.misses;
	start = control_now_ms();
	assert_int_equal(control_iommu_dequeue(&iommu, mbufs, FEW), 0);
	for (int i = 0; i < 10; i++) {
		control_iommu_forget_buffers(&iommu);
		assert_int_equal(control_iommu_dequeue(&iommu, mbufs, FEW), 0);
	}
	end = control_now_ms();
	count = read_questions(&iommu, &seen);
	/* Unless this machine was busy with something else. */
	if (end - start < 100)
		assert_int_equal(count, pages);
	/* The frontend may have looked before the change: soon it is asked again. */
	iommu.iotlb.silent = false;
	start = control_now_ms();
	for (count = 0; count < FEW;) {
		uint16_t got = control_iommu_dequeue(&iommu, mbufs, FEW);

		assert_true(control_now_ms() - start < 900);
		rte_pktmbuf_free_bulk(mbufs, got);
		count += got;
		control_sleep_ms(1);
		assert_true(guest_service(iommu.device.guest) >= 0);
	}
	control_iommu_close(&iommu);
}

/* A packet that takes more chains than are looked at ahead: two turns of the frontend, not ten. */
static void long_packets_take_few_turns(void **state)
{
	static uint8_t frame[CONTROL_IOMMU_FRAME];
	struct guest_config config;
	struct control_iommu iommu;
	uint64_t seen = 0;

	(void)state;
	control_iommu_config(&config);
	config.buffer_size = 1000;
	control_iommu_listen(&iommu, "long", 0);
	control_iommu_attach(&iommu, &config, 61);
	for (uint64_t round = 0; round < 10; round++) {
		struct rte_mbuf *mbuf = control_iommu_frame(sizeof(frame), round);
		struct guest_queue *queue = guest_rx_queue(iommu.device.guest, 0);
		struct guest_received received;
		uint32_t turns = 0;

		control_iommu_forget_buffers(&iommu);
		while (!control_iommu_give(&iommu, mbuf)) {
			assert_true(++turns <= 2);
			read_questions(&iommu, &seen);
		}
		assert_int_equal(turns, 2);
		assert_int_equal(guest_rx(queue, frame, sizeof(frame), &received), sizeof(frame));
		control_assert_frame(frame, sizeof(frame), round);
		guest_rx_fill(queue);
		guest_submit(queue);
	}
	assert_int_equal(guest_complaints(iommu.device.guest), 0);
	control_iommu_close(&iommu);
}

/** Queues that are polled at the same moment. */
struct pair {
	struct control_iommu iommu;
	struct rte_mbuf *mbuf;
	uint32_t turn, done;
};

#define PAIR_ROUNDS 200

static void *poll_receive_queue(void *argument)
{
	struct pair *pair = argument;

	for (uint32_t turn = 1; turn <= PAIR_ROUNDS; turn++) {
		while (__atomic_load_n(&pair->turn, __ATOMIC_ACQUIRE) < turn)
			sched_yield();
		assert_false(control_iommu_give(&pair->iommu, pair->mbuf));
		__atomic_store_n(&pair->done, turn, __ATOMIC_RELEASE);
	}
	return NULL;
}

/** Poll both, and read what was asked. */
static uint32_t poll_both(struct pair *pair, uint32_t turn, uint64_t *seen)
{
	struct rte_mbuf *mbuf;

	/* All questions are answered, and the answers forgotten. */
	for (uint32_t page = 0; page < pair->iommu.iotlb.pages; page++)
		assert_int_equal(guest_iotlb_tell(&pair->iommu.iotlb, page), 0);
	control_iommu_forget_buffers(&pair->iommu);
	*seen = pair->iommu.iotlb.misses;
	__atomic_store_n(&pair->turn, turn, __ATOMIC_RELEASE);
	assert_int_equal(control_iommu_dequeue(&pair->iommu, &mbuf, 1), 0);
	while (__atomic_load_n(&pair->done, __ATOMIC_ACQUIRE) < turn)
		sched_yield();
	return read_questions(&pair->iommu, seen);
}

/* One poll of a queue tells all that it misses, whatever another one tells at that moment. */
static void queues_do_not_hinder_each_other(void **state)
{
	static const struct guest_shape shape = { .header_pieces = 1, .data_pieces = 16 };
	static uint8_t frame[40000];
	struct pair pair = { .turn = 0 };
	uint32_t most = 0, full = 0, told[PAIR_ROUNDS];
	struct guest_config config;
	pthread_t thread;
	uint64_t seen;

	(void)state;
	control_iommu_config(&config);
	config.buffer_size = 3000;
	config.ring_size = 64;
	control_iommu_listen(&pair.iommu, "pair", 0);
	control_iommu_attach(&pair.iommu, &config, 63);
	assert_int_equal(guest_tx(tx(&pair.iommu), frame, sizeof(frame), &shape), 0);
	guest_submit(tx(&pair.iommu));
	pair.mbuf = control_iommu_frame(sizeof(frame), 0);
	pair.iommu.iotlb.silent = true;
	assert_int_equal(pthread_create(&thread, NULL, poll_receive_queue, &pair), 0);
	for (uint32_t turn = 1; turn <= PAIR_ROUNDS; turn++) {
		told[turn - 1] = poll_both(&pair, turn, &seen);
		most = told[turn - 1] > most ? told[turn - 1] : most;
	}
	pthread_join(thread, NULL);
	for (uint32_t i = 0; i < PAIR_ROUNDS; i++)
		full += told[i] == most;
	/* A thread that loses its core is not waited for. */
	printf("all %u questions in %u of %u turns\n", most, full, PAIR_ROUNDS);
	assert_true(most > 32);
	assert_true(full * 5 > PAIR_ROUNDS * 4);
	rte_pktmbuf_free(pair.mbuf);
	control_iommu_close(&pair.iommu);
}

/** The driver goes, and another one comes that wants other features. */
static void change_driver(struct control_iommu *iommu, uint64_t features)
{
	struct guest *guest = iommu->device.guest;
	int from;

	assert_int_equal(guest_stop(guest), 0);
	guest_reset(guest);
	guest->features ^= features;
	from = control_events();
	assert_int_equal(guest_start(guest), 0);
	while (control_count_events(from, CONTROL_NEW_DEVICE, -1) == 0)
		control_iommu_serve(iommu, 1);
}

/* Firmware's driver takes packets in one chain, the system's in many: each gets what it wants. */
static void the_next_driver_is_another(void **state)
{
	struct guest_config config;
	struct control_iommu iommu;

	(void)state;
	control_iommu_config(&config);
	config.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	config.buffer_size = 1000;
	control_iommu_listen(&iommu, "next", 0);
	control_iommu_attach(&iommu, &config, 62);
	for (int round = 0; round < 3; round++) {
		control_iommu_receive(&iommu, 50, 100);
		change_driver(&iommu, GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF));
		control_iommu_receive(&iommu, 50, 9000);
		change_driver(&iommu, GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF));
	}
	control_iommu_close(&iommu);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(what_was_used_is_not_asked_for),
	CONTROL_TEST(an_open_question_is_not_repeated),
	CONTROL_TEST(long_packets_take_few_turns),
	CONTROL_TEST(queues_do_not_hinder_each_other),
	CONTROL_TEST(the_next_driver_is_another),
};

CONTROL_MAIN_QUIET(120, tests)
