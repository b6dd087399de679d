/* SPDX-License-Identifier: BSD-3-Clause */

/* Packed rings (virtio 1.2, 2.8): events over the wrap, and going on after a cut. */
#define _GNU_SOURCE
#include "control.h"

#include <linux/virtio_config.h>

#include "guest_packed.h"

#define BURST 64

static struct control_stage stage;
static const struct guest_shape direct;

static void attach(uint32_t size, uint64_t without)
{
	struct guest_config config;

	guest_config_init(&config);
	config.ring_size = size;
	config.tx_buffers = config.rx_buffers = size + 64;
	config.features &= ~without;
	control_attach(&stage.target, &config);
}

static uint64_t take_calls(struct guest_queue *queue)
{
	uint64_t count = 0;

	return read(queue->call_fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/** Slots from one place to another, over two laps after which slot and counter are the same. */
static uint32_t distance(const struct guest_queue *queue, struct guest_packed_place from,
			 struct guest_packed_place to)
{
	uint32_t a = from.slot + (from.wrap ? 0 : queue->size);
	uint32_t b = to.slot + (to.wrap ? 0 : queue->size);

	return b >= a ? b - a : b + 2 * queue->size - a;
}

/** An interrupt if and only if the device uses the descriptor that the driver named. */
static void events_in_a_ring_of(uint32_t size, uint32_t rounds)
{
	struct guest_random random = { .state = size };
	struct rte_mbuf *mbufs[BURST];
	struct guest_queue *queue;
	uint32_t due_count = 0;

	attach(size, 0);
	queue = control_tx(&stage.target);
	control_send_good(&stage.target, 0);
	take_calls(queue);
	for (uint32_t i = 0; i < rounds; i++) {
		struct guest_packed_place used = queue->ring.packed.used.place, event;
		uint32_t pieces = guest_random_range(&random, 1, size < 3 ? size : 3);
		struct guest_shape shape = { .data_pieces = (uint16_t)pieces };
		uint32_t most = size / pieces < BURST ? size / pieces : BURST;
		uint32_t count = guest_random_range(&random, 1, most < 40 ? most : 40);
		bool due;

		/* In this lap, or in the next one. */
		event = guest_packed_after(queue, used, guest_random_range(&random, 0, size));
		due = distance(queue, used, event) < count * pieces;
		due_count += due;
		for (uint32_t j = 0; j < count; j++)
			control_tx_numbered(&stage.target, j, &shape);
		guest_submit(queue);
		guest_packed_want_call_at(queue, event);
		assert_int_equal(control_dequeue(&stage.target, mbufs, BURST), count);
		rte_pktmbuf_free_bulk(mbufs, (unsigned int)count);
		assert_int_equal(take_calls(queue), due);
		assert_int_equal(guest_tx_reap(queue), count);
	}
	assert_in_range(due_count, rounds / 100, rounds - rounds / 100);
	assert_int_equal(guest_complaints(stage.target.guest), 0);
	control_detach(&stage.target);
}

static void event_index_wraps(void **state)
{
	static const uint32_t sizes[] = { 3, 4, 5, 256, 1000 };

	(void)state;
	control_stage_begin(&stage, "event");
	for (size_t i = 0; i < CONTROL_COUNT(sizes); i++)
		events_in_a_ring_of(sizes[i], 4000);
	control_stage_end(&stage);
}

/* Without EVENT_IDX: all or nothing; a place that is named all the same means all. */
static void interrupts_without_event_index(void **state)
{
	struct rte_mbuf *mbuf;
	struct guest_queue *queue;

	(void)state;
	control_stage_begin(&stage, "flags");
	attach(7, GUEST_BIT(VIRTIO_RING_F_EVENT_IDX));
	queue = control_tx(&stage.target);
	for (uint32_t i = 0; i < 60; i++) {
		static const uint16_t flags[] = { VRING_PACKED_EVENT_FLAG_ENABLE,
						  VRING_PACKED_EVENT_FLAG_DISABLE };

		control_tx_numbered(&stage.target, i, &direct);
		guest_submit(queue);
		queue->ring.packed.driver->off_wrap = (uint16_t)i;
		__atomic_store_n(&queue->ring.packed.driver->flags, flags[i % 2],
				 __ATOMIC_SEQ_CST);
		assert_int_equal(rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(),
							 &mbuf, 1), 1);
		rte_pktmbuf_free(mbuf);
		assert_int_equal(take_calls(queue), i % 2 == 0);
		assert_int_equal(guest_tx_reap(queue), 1);
	}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* Kicks: the device names the place where it will look next, or wants none. */
static void kicks_are_asked_for(bool event_index)
{
	struct rte_mbuf *mbuf;
	struct guest_queue *queue;

	attach(5, event_index ? 0 : GUEST_BIT(VIRTIO_RING_F_EVENT_IDX));
	queue = control_tx(&stage.target);
	for (uint32_t i = 0; i < 60; i++) {
		bool wanted = i / 3 % 2 == 0;
		uint64_t kicks = queue->stats.kicks;

		assert_int_equal(rte_vhost_enable_guest_notification(stage.target.vid, 1, wanted),
				 0);
		assert_int_equal(queue->ring.packed.device->flags,
				 !wanted ? VRING_PACKED_EVENT_FLAG_DISABLE :
				 event_index ? VRING_PACKED_EVENT_FLAG_DESC :
					       VRING_PACKED_EVENT_FLAG_ENABLE);
		control_tx_numbered(&stage.target, i, &direct);
		guest_submit(queue);
		assert_int_equal(queue->stats.kicks - kicks, wanted);
		assert_int_equal(rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(),
							 &mbuf, 1), 1);
		rte_pktmbuf_free(mbuf);
		guest_tx_reap(queue);
	}
	control_detach(&stage.target);
}

static void kicks_are_wanted_or_not(void **state)
{
	(void)state;
	control_stage_begin(&stage, "kicks");
	kicks_are_asked_for(false);
	kicks_are_asked_for(true);
	control_stage_end(&stage);
}

/* A frontend that was cut off goes on behind what was used, wherever that is. */
static void rings_go_on_after_a_disconnect(void **state)
{
	struct guest_shape shape = { .data_pieces = 3 };
	struct rte_mbuf *mbufs[BURST];
	uint64_t sequence = 0;
	struct guest *guest;

	(void)state;
	control_stage_begin(&stage, "cut");
	attach(17, 0);
	guest = stage.target.guest;
	for (int round = 0; round < 30; round++) {
		int from = control_events(), found;
		uint16_t got;

		/* Some are used, some are only offered. */
		for (int i = 0; i < 5; i++)
			control_tx_numbered(&stage.target, sequence + (uint64_t)i, &shape);
		guest_submit(control_tx(&stage.target));
		got = rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), mbufs,
					      (uint16_t)(round % 6));
		assert_int_equal(got, round % 6 < 5 ? round % 6 : 5);
		rte_pktmbuf_free_bulk(mbufs, got);
		guest_disconnect(guest);
		assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, -1) >= 0);
		from = control_events();
		assert_int_equal(guest_connect(guest), 0);
		assert_int_equal(guest_start(guest), 0);
		found = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
		assert_true(found >= 0);
		stage.target.vid = control_event(found).vid;
		for (uint16_t more; got < 5; got = (uint16_t)(got + more)) {
			more = control_dequeue(&stage.target, mbufs, BURST);
			assert_true(more > 0);
			for (uint16_t i = 0; i < more; i++)
				control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *), 200,
						     sequence + got + i);
			rte_pktmbuf_free_bulk(mbufs, more);
		}
		sequence += 5;
		assert_int_equal(guest_tx_reap(control_tx(&stage.target)), 5);
		control_receive_good(&stage.target, sequence);
	}
	assert_int_equal(guest_complaints(guest), 0);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* A driver that is loaded anew may choose the other format; nothing of the old ring is left. */
static void the_format_changes_between_starts(void **state)
{
	struct guest *guest;

	(void)state;
	control_stage_begin(&stage, "format");
	attach(64, 0);
	guest = stage.target.guest;
	for (uint64_t round = 0; round < 20; round++) {
		bool packed = round % 2;

		for (uint64_t i = 0; i < 10 + 7 * round; i++) {
			control_send_good(&stage.target, i);
			control_receive_good(&stage.target, i);
		}
		assert_int_equal(guest_stop(guest), 0);
		guest->features ^= GUEST_BIT(VIRTIO_F_RING_PACKED);
		for (uint32_t i = 0; i < guest->queue_count; i++)
			assert_int_equal(guest_queue_set_format(&guest->queues[i], packed), 0);
		assert_int_equal(guest_start(guest), 0);
	}
	control_send_good(&stage.target, 1);
	assert_int_equal(guest_complaints(guest), 0);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST_PACKED(event_index_wraps),
	CONTROL_TEST_PACKED(interrupts_without_event_index),
	CONTROL_TEST_PACKED(kicks_are_wanted_or_not),
	CONTROL_TEST_PACKED(rings_go_on_after_a_disconnect),
	CONTROL_TEST_PACKED(the_format_changes_between_starts),
};

CONTROL_MAIN_QUIET(300, tests)
