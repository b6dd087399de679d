/* SPDX-License-Identifier: BSD-3-Clause */

/* Indexes: jumps and what is logged, ring sizes, interrupts by event index. */
#define _GNU_SOURCE
#include "control.h"

#include "guest_misbehave.h"
#include "guest_split.h"

#define WRAPS 140000

static char text[CONTROL_TEXT];
static struct control_stage stage;
static bool manual_rx;

static void attach_pairs(uint32_t pairs, uint32_t ring_size)
{
	struct guest_config config;

	guest_config_init(&config);
	config.queue_pairs = pairs;
	config.ring_size = ring_size;
	config.table_entries = 0;
	config.manual_rx = manual_rx;
	control_attach(&stage.target, &config);
}

/** A broken transmit ring: counted and logged once, silent, and well again after a reset. */
static void break_transmit(enum guest_bad kind)
{
	struct guest *guest = stage.target.guest;
	struct guest_queue *queue = guest_tx_queue(guest, 0);
	static const struct guest_shape shape;
	struct rte_mbuf *mbufs[32];
	uint8_t frame[60] = { 0 };

	for (uint64_t i = 0; i < 10; i++)
		control_send_good(&stage.target, i);
	assert_int_equal(guest_bad_add(queue, kind, NULL, 0, 0), 0);
	control_capture_begin();
	for (int i = 0; i < 100; i++)
		if (rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), mbufs, 32) != 0)
			break;
	control_capture_end(text);
	control_assert_line(text, stage.target.path, "queue 1", NULL);
	assert_int_equal(control_stats(stage.target.vid, 1).ring_broken, 1);
	assert_int_equal(control_stats(stage.target.vid, 1).packets, 10);
	/* An index that is right again does not mend it. */
	guest_tx(queue, frame, sizeof(frame), &shape);
	guest_submit(queue);
	assert_int_equal(rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), mbufs, 32),
			 0);
	/* The other queues of the device work. */
	control_receive_good(&stage.target, 1);
	assert_int_equal(guest_tx(guest_tx_queue(guest, 1), frame, sizeof(frame), &shape), 0);
	guest_submit(guest_tx_queue(guest, 1));
	assert_int_equal(rte_vhost_dequeue_burst(stage.target.vid, 3, control_pool(), mbufs, 32),
			 1);
	rte_pktmbuf_free(mbufs[0]);
	assert_int_equal(guest_stop(guest), 0);
	guest_reset(guest);
	assert_int_equal(guest_start(guest), 0);
	control_send_good(&stage.target, 1);
	control_receive_good(&stage.target, 2);
}

static void break_receive(enum guest_bad kind)
{
	struct guest *guest = stage.target.guest;
	static const struct guest_shape shape;
	struct rte_mbuf *mbuf;

	for (int i = 0; i < 4; i++)
		assert_int_equal(guest_rx_post(guest_rx_queue(guest, i / 3), 2048, &shape), 0);
	guest_submit(guest_rx_queue(guest, 0));
	guest_submit(guest_rx_queue(guest, 1));
	for (uint64_t i = 0; i < 3; i++)
		control_receive_good(&stage.target, i);
	mbuf = control_mbuf(100, 1);
	assert_int_equal(guest_bad_add(guest_rx_queue(guest, 0), kind, NULL, 0, 0), 0);
	control_capture_begin();
	for (int i = 0; i < 100; i++)
		if (rte_vhost_enqueue_burst(stage.target.vid, 0, &mbuf, 1) != 0)
			break;
	control_capture_end(text);
	control_assert_line(text, stage.target.path, "queue 0", NULL);
	assert_int_equal(control_stats(stage.target.vid, 0).ring_broken, 1);
	assert_int_equal(rte_vhost_enqueue_burst(stage.target.vid, 2, &mbuf, 1), 1);
	rte_pktmbuf_free(mbuf);
	control_send_good(&stage.target, 1);
	assert_int_equal(guest_stop(guest), 0);
	guest_reset(guest);
	assert_int_equal(guest_start(guest), 0);
	assert_int_equal(guest_rx_post(guest_rx_queue(guest, 0), 2048, &shape), 0);
	guest_submit(guest_rx_queue(guest, 0));
	control_receive_good(&stage.target, 2);
}

static void jumping_indexes_break_one_ring(void **state)
{
	static const enum guest_bad kinds[] = { GUEST_BAD_INDEX_JUMP, GUEST_BAD_INDEX_BACK,
						GUEST_BAD_INDEX_FAR };

	(void)state;
	control_stage_begin(&stage, "jump");
	for (size_t i = 0; i < CONTROL_COUNT(kinds); i++) {
		attach_pairs(2, 256);
		break_transmit(kinds[i]);
		control_detach(&stage.target);
		manual_rx = true;
		attach_pairs(2, 256);
		manual_rx = false;
		break_receive(kinds[i]);
		control_detach(&stage.target);
	}
	control_stage_end(&stage);
}

/** Fill and empty a ring of this size three times over, each way. */
static void ring_of(uint32_t size)
{
	static const struct guest_shape shape;
	struct guest_queue *tx, *rx;
	struct rte_mbuf *mbufs[64];
	uint64_t sent = 0, got = 0, back = 0;
	uint8_t frame[2048];

	attach_pairs(1, size);
	tx = guest_tx_queue(stage.target.guest, 0);
	rx = guest_rx_queue(stage.target.guest, 0);
	while (back < 3 * size) {
		struct guest_received received;
		uint16_t count;

		for (;; sent++) {
			control_frame(frame, 64, sent);
			if (guest_tx(tx, frame, 64, &shape) < 0)
				break;
		}
		guest_submit(tx);
		while ((count = rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), mbufs,
							64)) > 0) {
			for (uint16_t i = 0; i < count; i++)
				control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *), 64,
						     got++);
			for (uint16_t done = 0; done < count;) {
				done += rte_vhost_enqueue_burst(stage.target.vid, 0, mbufs + done,
								(uint16_t)(count - done));
				while (guest_rx(rx, frame, sizeof(frame), &received) >= 0)
					control_assert_frame(frame, 64, back++);
				guest_rx_fill(rx);
				guest_submit(rx);
			}
			rte_pktmbuf_free_bulk(mbufs, count);
		}
		assert_int_equal(got, sent);
		assert_int_equal(back, sent);
		assert_int_equal(guest_tx_reap(tx), size);
	}
	assert_int_equal(guest_complaints(stage.target.guest), 0);
	control_detach(&stage.target);
}

static void rings_of_all_sizes(void **state)
{
	(void)state;
	control_stage_begin(&stage, "sizes");
	if (control_is_packed()) {
		static const uint32_t sizes[] = { 1, 3, 5, 7, 255, 1000, 32767 };

		for (size_t i = 0; i < CONTROL_COUNT(sizes); i++)
			ring_of(sizes[i]);
	}
	ring_of(2);
	ring_of(4);
	ring_of(256);
	ring_of(1024);
	ring_of(32768);
	control_stage_end(&stage);
}

static uint64_t take_calls(struct guest_queue *queue)
{
	uint64_t count = 0;

	return read(queue->call_fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/*
 * Event index over the wrap from 65535 to 0, twice: an interrupt comes if and only if used
 * passes used_event (virtio 1.2, 2.7.7.2).
 */
static void event_index_wraps(void **state)
{
	struct guest_random random = { .state = 31 };
	static const struct guest_shape shape;
	struct guest_queue *queue;
	struct rte_mbuf *mbufs[64];
	uint8_t frame[64];
	uint16_t used = 0;

	(void)state;
	control_stage_begin(&stage, "event");
	attach_pairs(1, 256);
	queue = guest_tx_queue(stage.target.guest, 0);
	control_send_good(&stage.target, 0);
	used = 1;
	take_calls(queue);
	for (uint32_t total = 1; total < WRAPS;) {
		uint16_t count = (uint16_t)guest_random_range(&random, 1, 40);
		uint16_t event = (uint16_t)(used + guest_random_range(&random, 0, 90) - 20);
		uint16_t next = (uint16_t)(used + count);
		bool due = (uint16_t)(next - event - 1) < count;

		for (uint16_t i = 0; i < count; i++) {
			control_frame(frame, sizeof(frame), total);
			assert_int_equal(guest_tx(queue, frame, sizeof(frame), &shape), 0);
		}
		guest_submit(queue);
		__atomic_store_n(queue->ring.split.used_event, event, __ATOMIC_SEQ_CST);
		assert_int_equal(rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(),
							 mbufs, 64), count);
		rte_pktmbuf_free_bulk(mbufs, count);
		assert_int_equal(take_calls(queue), due);
		assert_int_equal(guest_tx_reap(queue), count);
		used = next;
		total += count;
	}
	assert_int_equal(guest_complaints(stage.target.guest), 0);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST_SPLIT(jumping_indexes_break_one_ring),
	CONTROL_TEST(rings_of_all_sizes),
	CONTROL_TEST_SPLIT(event_index_wraps),
};

CONTROL_MAIN_QUIET(300, tests)
