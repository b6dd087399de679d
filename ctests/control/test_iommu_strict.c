/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A guest that unmaps each buffer when it comes back, and a frontend that answers late, in any
 * order and one page at a time. Whatever is asked must be wanted: no question may be open for a
 * buffer that the device has used, because the frontend would look up what is not mapped.
 */
#define _GNU_SOURCE
#include "control_iommu.h"

#define PAGE GUEST_IOTLB_PAGE
#define BURST 8

struct strict {
	struct control_iommu iommu;
	struct guest_random random;
	uint8_t *open;			/**< By page: permission that is asked for and not given. */
	uint8_t *known;			/**< By page: the backend was told. */
	uint8_t *kind;			/**< By page: what lies there. */
	uint32_t open_count;
	uint64_t made, given;		/**< Sequence numbers of both directions. */
	struct rte_mbuf *mbuf;		/**< Packet to the guest that was not taken. */
	uint32_t sizes[2][1024];	/**< By sequence number, both directions. */
	struct rte_mempool *empty;	/**< A pool of which nothing is left. */
	struct rte_mbuf *held[16];
	uint64_t wrong, again, questions;
};

enum { RING = 1, TABLE = 2, RX_BUFFER = 4, TX_BUFFER = 8, BUFFERS = RX_BUFFER | TX_BUFFER };

static uint32_t below(struct strict *strict, uint32_t limit)
{
	return guest_random_range(&strict->random, 0, limit - 1);
}

static struct guest *guest_of(struct strict *strict)
{
	return strict->iommu.device.guest;
}

static uint32_t page_of(struct strict *strict, uint64_t address)
{
	return guest_iotlb_page(&strict->iommu.iotlb, address);
}

static void mark(struct strict *strict, uint8_t *pages, uint64_t gpa, uint64_t size, uint8_t value)
{
	for (uint32_t page = page_of(strict, gpa); page <= page_of(strict, gpa + size - 1); page++)
		pages[page] |= value;
}

static void asked(void *context, const struct vhost_iotlb_msg *miss)
{
	static const uint8_t uses[] = {
		[VHOST_ACCESS_RO] = RING | TABLE | TX_BUFFER, [VHOST_ACCESS_WO] = RX_BUFFER,
		[VHOST_ACCESS_RW] = RING,
	};
	struct strict *strict = context;
	uint32_t page = page_of(strict, miss->iova);

	assert_true(page < strict->iommu.iotlb.pages);
	strict->questions++;
	strict->again += strict->open[page] == miss->perm;
	strict->open_count += !strict->open[page];
	strict->open[page] |= miss->perm;
	/* Nothing but rings, buffers and tables, and those as they are used. */
	if (!(strict->kind[page] & uses[miss->perm & 3]))
		strict->wrong++;
}

static void listen_to_questions(struct strict *strict)
{
	assert_true(guest_service(guest_of(strict)) >= 0);
}

static void answer(struct strict *strict, uint32_t page)
{
	strict->open_count -= strict->open[page] != 0;
	strict->open[page] = 0;
	strict->known[page] = 1;
	assert_int_equal(guest_iotlb_tell(&strict->iommu.iotlb, page), 0);
}

/** Answer some questions, from anywhere. */
static void answer_some(struct strict *strict, uint32_t count)
{
	uint32_t pages = strict->iommu.iotlb.pages, at = below(strict, pages);

	for (uint32_t i = 0; i < pages && count > 0 && strict->open_count > 0; i++) {
		uint32_t page = (at + i) % pages;

		if (!strict->open[page])
			continue;
		answer(strict, page);
		count--;
	}
}

static void forget(struct strict *strict, uint32_t page)
{
	strict->known[page] = 0;
	assert_int_equal(guest_iotlb_forget(&strict->iommu.iotlb, page, 1), 0);
}

/** Pages of the buffers that the device has. */
static void mark_in_flight(struct strict *strict, uint8_t *pages)
{
	for (uint32_t index = 0; index < 2; index++) {
		struct guest_queue *queue = &guest_of(strict)->queues[index];

		for (uint32_t head = 0; head < queue->size; head++) {
			if (!queue->chains[head].in_flight)
				continue;
			for (uint32_t slot = queue->chains[head].first_slot; slot != GUEST_NO_SLOT;
			     slot = queue->slots.slots[slot].next)
				mark(strict, pages, queue->slots.slots[slot].gpa,
				     queue->slots.slots[slot].length, 1);
		}
	}
}

/** Unmap what is not in flight any more; nothing of that may be asked for. */
static void unmap(struct strict *strict)
{
	uint32_t pages = strict->iommu.iotlb.pages;
	uint8_t *in_flight = calloc(pages, 1);

	assert_non_null(in_flight);
	mark_in_flight(strict, in_flight);
	for (uint32_t page = 0; page < pages; page++) {
		if (strict->kind[page] & ~BUFFERS || !strict->kind[page] || in_flight[page])
			continue;
		if (strict->open[page]) {
			strict->wrong++;
			strict->open[page] = 0;
			strict->open_count--;
		}
		if (strict->known[page])
			forget(strict, page);
	}
	free(in_flight);
}

static void offer(struct strict *strict)
{
	static const struct guest_shape shapes[] = {
		{ .indirect = false }, { .indirect = true, .data_pieces = 5 },
		{ .header_pieces = 1 }, { .indirect = true, .header_pieces = 2, .data_pieces = 3 },
		{ .data_pieces = 4 },
	};
	struct guest_queue *queue = guest_tx_queue(guest_of(strict), 0);
	static uint8_t frame[CONTROL_IOMMU_FRAME];
	uint32_t size = below(strict, 8) ? 60 + below(strict, 2000) : 60 + below(strict, 40000);

	control_frame(frame, size, strict->made);
	if (guest_tx(queue, frame, size, &shapes[below(strict, CONTROL_COUNT(shapes))]) == 0)
		strict->sizes[1][strict->made++ % 1024] = size;
	if (below(strict, 2))
		guest_submit(queue);
}

static void dequeue(struct strict *strict)
{
	static uint8_t frame[CONTROL_IOMMU_FRAME];
	struct rte_mbuf *mbufs[BURST];
	uint16_t count = (uint16_t)(1 + below(strict, BURST));
	uint16_t got = control_iommu_dequeue(&strict->iommu, mbufs, count);

	listen_to_questions(strict);
	for (uint16_t i = 0; i < got; i++) {
		uint32_t size = 0;

		for (const struct rte_mbuf *at = mbufs[i]; at; at = at->next) {
			memcpy(frame + size, rte_pktmbuf_mtod(at, uint8_t *), at->data_len);
			size += at->data_len;
		}
		assert_int_equal(size, strict->sizes[1][strict->iommu.sent % 1024]);
		control_assert_frame(frame, size, strict->iommu.sent++);
		rte_pktmbuf_free(mbufs[i]);
	}
}

static void give(struct strict *strict, uint32_t longest)
{
	struct rte_mbuf *done[BURST];

	if (!strict->mbuf && strict->given - strict->iommu.received < 512) {
		uint32_t size = 60 + below(strict, below(strict, 4) ? 1500 : longest);

		strict->sizes[0][strict->given % 1024] = size;
		strict->mbuf = control_iommu_frame(size, strict->given++);
	}
	if (strict->mbuf && control_iommu_give(&strict->iommu, strict->mbuf))
		strict->mbuf = NULL;
	else if (strict->iommu.engine)
		rte_pktmbuf_free_bulk(done, rte_vhost_poll_enqueue_completed(
			strict->iommu.device.vid, 0, done, BURST));
	listen_to_questions(strict);
}

static void reap(struct strict *strict)
{
	struct guest_queue *queue = guest_rx_queue(guest_of(strict), 0);
	static uint8_t frame[CONTROL_IOMMU_FRAME];
	struct guest_received received;

	guest_tx_reap(guest_tx_queue(guest_of(strict), 0));
	while (guest_rx(queue, frame, sizeof(frame), &received) >= 0) {
		assert_int_equal(received.length, strict->sizes[0][strict->iommu.received % 1024]);
		control_assert_frame(frame, received.length, strict->iommu.received++);
	}
	unmap(strict);
	guest_rx_fill(queue);
	guest_submit(queue);
}

/** A page of anything but the rings is taken back and stays mapped, or all are. */
static void disturb(struct strict *strict)
{
	uint32_t page = below(strict, strict->iommu.iotlb.pages);

	if (below(strict, 8) == 0) {
		control_iommu_forget_buffers(&strict->iommu);
		memset(strict->known, 0, strict->iommu.iotlb.pages);
	} else if (!(strict->kind[page] & RING)) {
		forget(strict, page);
	}
}

/** A poll that finds packets and no mbufs. */
static void dequeue_in_vain(struct strict *strict)
{
	struct rte_mbuf *mbufs[BURST];
	int inflight;

	if (strict->iommu.engine)
		rte_vhost_async_try_dequeue_burst(strict->iommu.device.vid, 1, strict->empty,
						  mbufs, 0, &inflight);
	else
		assert_int_equal(rte_vhost_dequeue_burst(strict->iommu.device.vid, 1,
							 strict->empty, mbufs, BURST), 0);
	listen_to_questions(strict);
}

static void restart(struct strict *strict)
{
	int from = control_events();

	assert_int_equal(guest_stop(guest_of(strict)), 0);
	listen_to_questions(strict);
	memset(strict->open, 0, strict->iommu.iotlb.pages);
	memset(strict->known, 0, strict->iommu.iotlb.pages);
	strict->open_count = 0;
	assert_int_equal(guest_start(guest_of(strict)), 0);
	while (control_count_events(from, CONTROL_NEW_DEVICE, -1) == 0) {
		listen_to_questions(strict);
		answer_some(strict, 4);
	}
}

static void step(struct strict *strict, uint32_t longest, bool may_restart)
{
	switch (below(strict, 12)) {
	case 0: case 1: return offer(strict);
	case 2: return dequeue(strict);
	case 3: return below(strict, 2) ? dequeue(strict) : dequeue_in_vain(strict);
	case 4: case 5: return give(strict, longest);
	case 6: case 7: case 8: return answer_some(strict, 1 + below(strict, 6));
	case 9: return reap(strict);
	case 10: return disturb(strict);
	default:
		if (may_restart && below(strict, 400) == 0)
			restart(strict);
		else if (below(strict, 50) == 0)
			assert_int_equal(guest_send_memory(guest_of(strict)), 0);
	}
}

/** What lies where, and the rings as they were told. */
static void begin(struct strict *strict)
{
	struct guest *guest = guest_of(strict);

	strict->open = calloc(3, strict->iommu.iotlb.pages);
	assert_non_null(strict->open);
	strict->known = strict->open + strict->iommu.iotlb.pages;
	strict->kind = strict->known + strict->iommu.iotlb.pages;
	for (uint32_t index = 0; index < 2; index++) {
		struct guest_queue *queue = &guest->queues[index];
		uint32_t count, first = guest_iotlb_ring(&strict->iommu.iotlb, index, &count);

		for (uint32_t slot = 0; slot < queue->slots.count; slot++)
			mark(strict, strict->kind, queue->slots.slots[slot].gpa,
			     queue->slots.buffer_size, index ? TX_BUFFER : RX_BUFFER);
		mark(strict, strict->kind, queue->tables.gpa, queue->tables.size, TABLE);
		for (uint32_t page = first; page < first + count; page++)
			strict->kind[page] |= RING;
	}
	control_iommu_forget_buffers(&strict->iommu);
	strict->iommu.iotlb.context = strict;
	strict->iommu.iotlb.asked = asked;
}

/** All that is on its way arrives. */
static void finish(struct strict *strict)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;

	guest_submit(guest_tx_queue(guest_of(strict), 0));
	while (strict->iommu.sent < strict->made || strict->iommu.received < strict->given) {
		if (control_now_ms() > deadline)
			fail_msg("%lu of %lu to the host, %lu of %lu to the guest, %u open",
				 strict->iommu.sent, strict->made, strict->iommu.received,
				 strict->given, strict->open_count);
		dequeue(strict);
		if (strict->mbuf || strict->iommu.engine)
			give(strict, 60);
		answer_some(strict, 40);
		reap(strict);
	}
}

static void run(uint64_t seed, uint64_t without, bool has_engine, uint32_t buffer_size)
{
	static struct strict strict;
	struct guest_config config;
	uint32_t longest = without ? buffer_size - 12 - 60 : 40000;

	memset(&strict, 0, sizeof(strict));
	strict.random.state = seed;
	control_pool();
	strict.empty = rte_pktmbuf_pool_create("empty", 15, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					       SOCKET_ID_ANY);
	assert_non_null(strict.empty);
	for (int i = 0; (strict.held[i] = rte_pktmbuf_alloc(strict.empty)) != NULL;)
		i++;
	control_iommu_config(&config);
	config.features &= ~without;
	config.buffer_size = buffer_size;
	config.ring_size = 64;
	config.tx_buffers = 512;
	control_iommu_listen(&strict.iommu, "strict", RTE_VHOST_USER_ASYNC_COPY);
	control_iommu_attach(&strict.iommu, &config, seed);
	if (has_engine)
		control_iommu_use_engine(&strict.iommu);
	begin(&strict);
	for (int i = 0; i < 20000; i++)
		step(&strict, longest, !has_engine);
	finish(&strict);
	printf("%lu to the host, %lu to the guest, %lu questions, %lu again, %lu wrong\n",
	       strict.iommu.sent, strict.iommu.received, strict.questions, strict.again,
	       strict.wrong);
	assert_int_equal(guest_complaints(guest_of(&strict)), 0);
	assert_int_equal(strict.wrong, 0);
	/* Taken back and asked for once more only where that took as long as an answer may. */
	assert_true(strict.again * 20 <= strict.questions);
	free(strict.open);
	strict.iommu.iotlb.asked = NULL;
	rte_pktmbuf_free_bulk(strict.held, 15);
	rte_mempool_free(strict.empty);
	control_iommu_close(&strict.iommu);
}

static void mergeable_sync(void **state)
{
	(void)state;
	run(1, 0, false, 1000);
	run(2, 0, false, 3 * PAGE);
}

static void mergeable_async(void **state)
{
	(void)state;
	run(3, 0, true, 1000);
	run(4, 0, true, 3 * PAGE);
}

static void big_sync(void **state)
{
	(void)state;
	run(5, GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF), false, 9 * PAGE);
}

static void big_async(void **state)
{
	(void)state;
	run(6, GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF), true, 9 * PAGE);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(mergeable_sync),
	CONTROL_TEST(mergeable_async),
	CONTROL_TEST(big_sync),
	CONTROL_TEST(big_async),
};

CONTROL_MAIN_QUIET(300, tests)
