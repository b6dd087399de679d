/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Translations that are missing at one place of a burst, and such as never come. */
#include <unistd.h>

#include "matrix.h"

#define PAGE GUEST_IOTLB_PAGE
#define SIZE 900
#define BURST 12

static struct guest_iotlb *iotlb(void)
{
	return &matrix.bench->iotlb;
}

/** First buffer of the chain that the device takes that many chains from now. */
static const struct guest_slot *slot_ahead(const struct guest_queue *queue, uint32_t ahead)
{
	uint32_t turn = guest_is_packed(queue) ? queue->ring.packed.used.turn : queue->used_serial;
	uint16_t head = queue->order[(turn + ahead) % queue->size];

	return &queue->slots.slots[queue->chains[head].first_slot];
}

static uint32_t first_page(const struct guest_slot *slot)
{
	return guest_iotlb_page(iotlb(), slot->gpa);
}

static uint32_t last_page(const struct guest_slot *slot)
{
	return guest_iotlb_page(iotlb(), slot->gpa + slot->length - 1);
}

/** Tell the pages of the next buffers; @return the next that is not known then. */
static uint32_t tell(const struct guest_queue *queue, uint32_t buffers, bool *known)
{
	uint32_t ahead = 0;

	for (uint32_t i = 0; i < buffers; i++)
		for (uint32_t page = first_page(slot_ahead(queue, i));
		     page <= last_page(slot_ahead(queue, i)); page++) {
			assert_int_equal(guest_iotlb_tell(iotlb(), page), 0);
			known[page] = true;
		}
	while (ahead < BURST && known[first_page(slot_ahead(queue, ahead))] &&
	       known[last_page(slot_ahead(queue, ahead))])
		ahead++;
	return ahead;
}

/** Bursts of both directions of which only so many buffers are known. */
static void check_known(uint32_t buffers)
{
	struct bench *bench = matrix.bench;
	bool known[2048] = { false };
	uint32_t given, taken;

	assert_true(iotlb()->pages <= 2048);
	iotlb()->silent = true;
	matrix_forget();
	given = tell(bench->rx, buffers, known);
	assert_int_equal(bench_enqueue(bench, BURST, SIZE), given);
	assert_int_equal(matrix_offer(BURST, SIZE), BURST);
	taken = tell(bench->tx, buffers, known);
	assert_int_equal(bench_dequeue(bench, BURST), taken);
	/* The same place again: nothing more, nothing lost. */
	assert_int_equal(bench_dequeue(bench, BURST), 0);
	if (given < BURST)
		assert_int_equal(bench_enqueue(bench, 1, SIZE), 0);
	iotlb()->silent = false;
	matrix_settle();
	matrix_assert_same();
}

/** A miss at each place of a burst, over and over around the rings. */
static void a_miss_at_each_place(void **state)
{
	for (int i = 0; i < 8; i++) {
		/* Mergeable, for chains of one buffer each. */
		const struct matrix_cell cell = {
			.packed = i & 1, .log = i & 2, .in_order = i & 4, .mergeable = true,
			.iommu = MATRIX_SCATTERED, .ring_size = i & 1 ? 37 : 32,
		};

		matrix_open(state, &cell);
		/* An answer for each page, told or asked for. */
		for (uint32_t turn = 0; turn < 3 * BURST; turn++)
			check_known(turn * 5 % (BURST + 1));
		matrix_close();
	}
}

/** All buffers of the transmit queue lead nowhere. */
static void take_away(uint8_t permission)
{
	const struct guest_slots *slots = &matrix.bench->tx->slots;
	uint32_t last = last_page(&slots->slots[slots->count - 1]);

	for (uint32_t page = first_page(&slots->slots[0]) + 1; page <= last; page++)
		iotlb()->permission[page] = permission;
}

/* Unanswered: that queue waits, and asks once a second; others go on, and announcements too. */
static void misses_that_are_never_answered(void **state)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	for (int i = 0; i < 4; i++) {
		const struct matrix_cell cell = {
			.packed = i & 1, .copy = i & 2 ? MATRIX_LONG : MATRIX_PROCESSOR,
			.log = true, .mergeable = true, .iommu = MATRIX_SCATTERED, .ring_size = 64,
		};
		struct rte_mbuf *pkts[BURST + 1];
		struct bench *bench;
		uint64_t asked;

		matrix_open(state, &cell);
		bench = matrix.bench;
		/* Behind the first buffers, which share a page with something else. */
		matrix_offer(8, SIZE);
		matrix_settle();
		take_away(0);
		matrix_forget();
		matrix_offer(16, SIZE);
		asked = iotlb()->misses;
		for (int turn = 0; turn < 200; turn++) {
			bench_enqueue(bench, 3, SIZE);
			matrix_take();
			bench_serve(bench);
		}
		assert_true(bench->to.delivered > 400);
		assert_true(bench->from.returned < bench->from.sent);
		assert_true(iotlb()->misses - asked < 200);
		assert_int_equal(bench_stats(bench, TX).ring_broken, 0);
		assert_int_equal(guest_send_rarp(&bench->guest->frontend, mac), 0);
		assert_int_equal(bench_dequeue_raw(bench, pkts, BURST), 1);
		assert_int_equal(pkts[0]->pkt_len, 64);
		rte_pktmbuf_free(pkts[0]);
		take_away(VHOST_ACCESS_RW);
		/* Nobody says that it may ask again: it does, after a second. */
		usleep(1100000);
		matrix_close();
	}
}

/** A test of all ring formats. */
#define MATRIX_TEST(function) \
	cmocka_unit_test_setup_teardown(function, bench_setup_split, matrix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MATRIX_TEST(a_miss_at_each_place),
		MATRIX_TEST(misses_that_are_never_answered),
	};

	return BENCH_RUN(tests);
}
