/* SPDX-License-Identifier: BSD-3-Clause */

/* Every kind of bad chain, in transmit and receive queues. */
#define _GNU_SOURCE
#include "control.h"

#include "guest_misbehave.h"

#define FRAME 200
#define MIXED 20000

/** What may become of a chain; the first five are counters. */
enum outcome {
	CHAIN = 1, UNMAPPED = 2, SHORT = 4, DIRECTION = 8, LONG = 16, GOOD = 32, EITHER = 63,
};

struct expectation {
	enum guest_bad kind;
	unsigned int tx, rx;
};

static const struct expectation expectations[] = {
	{ GUEST_BAD_LOOP, CHAIN, CHAIN },
	{ GUEST_BAD_LOOP_SELF, CHAIN, CHAIN },
	{ GUEST_BAD_HEAD_RANGE, CHAIN, CHAIN },
	{ GUEST_BAD_HEAD_MAX, CHAIN, CHAIN },
	{ GUEST_BAD_NEXT_RANGE, CHAIN, CHAIN },
	{ GUEST_BAD_NEXT_MAX, CHAIN, CHAIN },
	{ GUEST_BAD_TABLE_NESTED, CHAIN, CHAIN },
	{ GUEST_BAD_TABLE_AND_NEXT, CHAIN, CHAIN },
	{ GUEST_BAD_TABLE_EMPTY, CHAIN, CHAIN },
	{ GUEST_BAD_TABLE_ODD, CHAIN, CHAIN },
	{ GUEST_BAD_TABLE_HUGE, CHAIN, CHAIN },
	{ GUEST_BAD_TABLE_LOOP, CHAIN, CHAIN },
	{ GUEST_BAD_TABLE_NEXT_RANGE, CHAIN, CHAIN },
	{ GUEST_BAD_TABLE_UNMAPPED, UNMAPPED, UNMAPPED },
	/* Its first entry is in memory and ends the chain; what is wrong depends on its bytes. */
	{ GUEST_BAD_TABLE_CROSSING, UNMAPPED | SHORT | DIRECTION, UNMAPPED | SHORT | DIRECTION },
	/* Linux builds such tables for small rings, so they are taken up to 256 entries. */
	{ GUEST_BAD_TABLE_LONG, CHAIN | LONG | GOOD, CHAIN | LONG | GOOD },
	{ GUEST_BAD_UNMAPPED, UNMAPPED, UNMAPPED },
	{ GUEST_BAD_UNMAPPED_LONE, UNMAPPED, UNMAPPED },
	{ GUEST_BAD_UNMAPPED_HEADER, UNMAPPED, UNMAPPED },
	{ GUEST_BAD_CROSSING, UNMAPPED, UNMAPPED },
	{ GUEST_BAD_CROSSING_LONE, UNMAPPED, UNMAPPED },
	{ GUEST_BAD_WRAP, UNMAPPED, UNMAPPED },
	{ GUEST_BAD_LENGTH_MAX, UNMAPPED, UNMAPPED },
	{ GUEST_BAD_LENGTH_SUM, UNMAPPED, UNMAPPED },
	{ GUEST_BAD_ALIASES, LONG, 0 },
	{ GUEST_BAD_TOO_LARGE, LONG, GOOD },
	{ GUEST_BAD_ZERO, SHORT, SHORT },
	{ GUEST_BAD_ZERO_CHAIN, SHORT, SHORT },
	{ GUEST_BAD_ZERO_MIXED, GOOD, GOOD },
	{ GUEST_BAD_HEADER_ONLY, SHORT, GOOD },
	{ GUEST_BAD_DIRECTION, DIRECTION, DIRECTION },
	{ GUEST_BAD_DIRECTION_MIXED, DIRECTION, DIRECTION },
	{ GUEST_ODD_HEADER_BYTES, GOOD, GOOD },
	{ GUEST_ODD_CHAIN_IDS, GOOD, GOOD },
};

static struct control_stage stage;

static void attach(bool manual_rx)
{
	struct guest_config config;

	guest_config_init(&config);
	config.table_entries = 300;
	config.tx_buffers = config.rx_buffers = 600;
	config.manual_rx = manual_rx;
	control_attach(&stage.target, &config);
}

/** Whether the kind is one of this ring format, and one that leaves the ring in order. */
static bool applies(enum guest_bad kind)
{
	/* Packed rings break of ids that there are not: test_guest_packed.c. */
	if (control_is_packed() && (kind == GUEST_BAD_HEAD_RANGE || kind == GUEST_BAD_HEAD_MAX))
		return false;
	return guest_bad_suits(guest_tx_queue(stage.target.guest, 0), kind);
}

/** Which counter went up, and by how much all did together. */
static unsigned int difference(const struct rtevhostswift_vring_stats *before,
			       const struct rtevhostswift_vring_stats *after, uint64_t *sum)
{
	uint64_t counts[5] = {
		after->dropped_bad_chain - before->dropped_bad_chain,
		after->dropped_unmapped - before->dropped_unmapped,
		after->dropped_short - before->dropped_short,
		after->dropped_direction - before->dropped_direction,
		after->dropped_too_long - before->dropped_too_long,
	};
	unsigned int mask = 0;

	*sum = 0;
	for (int i = 0; i < 5; i++) {
		*sum += counts[i];
		mask |= counts[i] ? 1u << i : 0;
	}
	return mask;
}

static void check(const struct expectation *expected, unsigned int wanted, uint64_t sum,
		  unsigned int mask, bool delivered)
{
	const char *name = guest_bad_name(expected->kind);

	if (delivered) {
		if (!(wanted & GOOD) || sum != 0)
			fail_msg("%s: delivered", name);
		return;
	}
	if (sum != 1 || !(mask & wanted))
		fail_msg("%s: counters %x, %lu in all", name, mask, (unsigned long)sum);
}

/** One bad chain, then a good packet that must arrive. */
static void send_bad(const struct expectation *expected, uint32_t argument)
{
	struct guest_queue *queue = guest_tx_queue(stage.target.guest, 0);
	struct rtevhostswift_vring_stats before = control_stats(stage.target.vid, 1), after;
	struct rte_mbuf *mbuf = NULL;
	uint8_t frame[FRAME];
	unsigned int mask;
	uint64_t sum;
	uint16_t got;

	control_frame(frame, FRAME, 12345);
	assert_int_equal(guest_bad_add(queue, expected->kind, frame, FRAME, argument), 0);
	guest_submit(queue);
	got = rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), &mbuf, 1);
	rte_pktmbuf_free(got ? mbuf : NULL);
	after = control_stats(stage.target.vid, 1);
	mask = difference(&before, &after, &sum);
	check(expected, expected->tx, sum, mask, got == 1);
	assert_true(guest_all_used(queue));
	assert_int_equal(guest_used_length(queue, 0), 0);
	guest_tx_reap(queue);
	assert_int_equal(queue->in_flight + queue->ghosts, 0);
	control_send_good(&stage.target, argument);
	assert_int_equal(guest_complaints(stage.target.guest), 0);
}

static void transmit_chains(void **state)
{
	(void)state;
	control_stage_begin(&stage, "tx");
	attach(false);
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < CONTROL_COUNT(expectations); i++)
			if (applies(expectations[i].kind))
				send_bad(&expectations[i], 0);
	control_echo_check(&stage.echo, 100);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* Total length from 0 to 13, in one descriptor and in as many as there are bytes. */
static void transmit_lengths_around_the_header(void **state)
{
	struct expectation short_one = { GUEST_BAD_SHORT, SHORT, SHORT };
	struct expectation short_chain = { GUEST_BAD_SHORT_CHAIN, SHORT, SHORT };

	(void)state;
	control_stage_begin(&stage, "lengths");
	attach(false);
	for (uint32_t length = 0; length <= 13; length++) {
		short_one.tx = short_chain.tx = length <= 12 ? SHORT : GOOD;
		send_bad(&short_one, length);
		if (length > 0)
			send_bad(&short_chain, length);
	}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static void transmit_head_twice(void **state)
{
	struct guest_queue *queue;
	struct rte_mbuf *mbufs[4];
	uint8_t frame[FRAME];

	(void)state;
	control_stage_begin(&stage, "twice");
	attach(false);
	queue = guest_tx_queue(stage.target.guest, 0);
	for (int i = 0; i < 50; i++) {
		uint16_t got;

		control_frame(frame, FRAME, 7);
		assert_int_equal(guest_bad_add(queue, GUEST_BAD_HEAD_TWICE, frame, FRAME, 0), 0);
		guest_submit(queue);
		got = rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), mbufs, 4);
		/* Two honest copies of one packet: only the guest is to blame. */
		assert_in_range(got, 1, 2);
		for (uint16_t j = 0; j < got; j++)
			control_assert_frame(rte_pktmbuf_mtod(mbufs[j], uint8_t *), FRAME, 7);
		rte_pktmbuf_free_bulk(mbufs, got);
		assert_true(guest_all_used(queue));
		guest_tx_reap(queue);
		control_send_good(&stage.target, (uint64_t)i);
	}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* Data that ends with the last byte of memory is as good as any other. */
static void transmit_up_to_the_last_byte(void **state)
{
	static const struct expectation last = { GUEST_ODD_LAST_BYTE, GOOD, GOOD };

	(void)state;
	control_stage_begin(&stage, "last-tx");
	attach(false);
	for (int i = 0; i < 100; i++)
		send_bad(&last, 0);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/** One bad chain in front of good ones; the packet must arrive behind it, or in it. */
static void receive_bad(const struct expectation *expected, uint32_t argument)
{
	struct guest_queue *queue = guest_rx_queue(stage.target.guest, 0);
	struct rtevhostswift_vring_stats before = control_stats(stage.target.vid, 0), after;
	struct rte_mbuf *mbuf = control_mbuf(FRAME, argument);
	static const struct guest_shape shape;
	struct guest_received received;
	uint8_t frame[2048];
	unsigned int mask;
	uint64_t sum;

	assert_int_equal(guest_bad_add(queue, expected->kind, NULL, FRAME, argument), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(guest_rx_post(queue, 2048, &shape), 0);
	guest_submit(queue);
	if (rte_vhost_enqueue_burst(stage.target.vid, 0, &mbuf, 1) != 1)
		fail_msg("%s: nothing was sent", guest_bad_name(expected->kind));
	rte_pktmbuf_free(mbuf);
	after = control_stats(stage.target.vid, 0);
	mask = difference(&before, &after, &sum);
	check(expected, expected->rx, sum, mask, sum == 0);
	/* A bad chain comes back first, with nothing in it; the driver takes it for a packet. */
	if (sum > 0) {
		assert_int_equal(guest_used_length(queue, 0), 0);
		if (queue->ghosts == 0)
			assert_int_equal(guest_rx(queue, frame, sizeof(frame), &received), 0);
	}
	assert_int_equal(guest_rx(queue, frame, sizeof(frame), &received), FRAME);
	control_assert_frame(frame, FRAME, argument);
	/* The rest of the good ones. */
	while (queue->in_flight > 0)
		control_receive_good(&stage.target, argument);
	assert_int_equal(guest_slots_damaged(&queue->slots), 0);
}

static void receive_chains(void **state)
{
	(void)state;
	control_stage_begin(&stage, "rx");
	attach(true);
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < CONTROL_COUNT(expectations); i++)
			if (expectations[i].rx && applies(expectations[i].kind))
				receive_bad(&expectations[i], 0);
	control_echo_check(&stage.echo, 100);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static void receive_lengths_below_the_header(void **state)
{
	static const struct expectation one = { GUEST_BAD_SHORT, SHORT, SHORT };
	static const struct expectation chain = { GUEST_BAD_SHORT_CHAIN, SHORT, SHORT };

	(void)state;
	control_stage_begin(&stage, "rx-lengths");
	attach(true);
	for (uint32_t length = 0; length < 12; length++) {
		receive_bad(&one, length);
		if (length > 0)
			receive_bad(&chain, length);
	}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static void receive_up_to_the_last_byte(void **state)
{
	const struct guest_region *region;
	struct guest_queue *queue;
	struct rte_mbuf *mbuf;

	(void)state;
	control_stage_begin(&stage, "last-rx");
	attach(true);
	queue = guest_rx_queue(stage.target.guest, 0);
	region = &stage.target.guest->memory.regions[0];
	for (uint32_t size = 60; size < 2000; size += 97) {
		mbuf = control_mbuf(size, size);
		assert_int_equal(guest_bad_add(queue, GUEST_ODD_LAST_BYTE, NULL, size, 0), 0);
		guest_submit(queue);
		assert_int_equal(rte_vhost_enqueue_burst(stage.target.vid, 0, &mbuf, 1), 1);
		rte_pktmbuf_free(mbuf);
		assert_int_equal(guest_used_length(queue, 0), size + 12);
		control_assert_frame(region->host + region->size - size, size, size);
		guest_tx_reap(queue);
	}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* All 256 descriptors over the whole of memory: the guest writes over its own rings. */
static void receive_aliases(void **state)
{
	struct rte_mbuf *mbuf;

	(void)state;
	control_stage_begin(&stage, "aliases");
	for (int i = 0; i < 20; i++) {
		struct guest_queue *queue;

		attach(true);
		queue = guest_rx_queue(stage.target.guest, 0);
		mbuf = control_mbuf(2000, 1);
		assert_int_equal(guest_bad_add(queue, GUEST_BAD_ALIASES, NULL, 100, 0), 0);
		guest_submit(queue);
		for (int j = 0; j < 10; j++)
			assert_in_range(rte_vhost_enqueue_burst(stage.target.vid, 0, &mbuf, 1),
					0, 1);
		rte_pktmbuf_free(mbuf);
		control_echo_check(&stage.echo, 20);
		control_detach(&stage.target);
	}
	control_stage_end(&stage);
}

/* Good and bad in one burst, thousands of them: all good ones arrive, in order. */
static void transmit_mixed(void **state)
{
	struct guest_random random = { .state = 99 };
	static const struct guest_shape shape;
	struct rte_mbuf *mbufs[64];
	uint64_t sent = 0, got = 0;
	struct guest_queue *queue;
	uint8_t frame[FRAME];

	(void)state;
	control_stage_begin(&stage, "mixed");
	attach(false);
	queue = guest_tx_queue(stage.target.guest, 0);
	while (sent < MIXED) {
		for (int i = 0; i < 30; i++) {
			const struct expectation *bad = &expectations[guest_random_range(
				&random, 0, CONTROL_COUNT(expectations) - 1)];

			control_frame(frame, FRAME, sent);
			if (guest_tx(queue, frame, FRAME, &shape) == 0)
				sent++;
			if (!(bad->tx & GOOD) && applies(bad->kind))
				guest_bad_add(queue, bad->kind, frame, FRAME, 0);
		}
		guest_submit(queue);
		for (int empty = 0; empty < 3;) {
			uint16_t count = rte_vhost_dequeue_burst(stage.target.vid, 1,
								 control_pool(), mbufs, 64);

			empty += count == 0;
			for (uint16_t i = 0; i < count; i++)
				control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *),
						     mbufs[i]->pkt_len, got++);
			rte_pktmbuf_free_bulk(mbufs, count);
		}
		guest_tx_reap(queue);
		assert_int_equal(got, sent);
		assert_int_equal(queue->in_flight + queue->ghosts, 0);
	}
	assert_int_equal(guest_complaints(stage.target.guest), 0);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(transmit_chains),
	CONTROL_TEST(transmit_lengths_around_the_header),
	CONTROL_TEST_SPLIT(transmit_head_twice),
	CONTROL_TEST(transmit_up_to_the_last_byte),
	CONTROL_TEST(receive_chains),
	CONTROL_TEST(receive_lengths_below_the_header),
	CONTROL_TEST(receive_up_to_the_last_byte),
	CONTROL_TEST(receive_aliases),
	CONTROL_TEST(transmit_mixed),
};

CONTROL_MAIN_QUIET(300, tests)
