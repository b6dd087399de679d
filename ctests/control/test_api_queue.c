/* SPDX-License-Identifier: BSD-3-Clause */

/* What a queue is asked and told: interrupts, notifications, entries, positions, bursts. */
#define _GNU_SOURCE
#include "control.h"

#define NOBODY 77

static char text[CONTROL_TEXT];
static struct control_device one;

static void open_with(const char *name, uint64_t add, uint64_t remove)
{
	struct guest_config config;

	guest_config_init(&config);
	config.features = (config.features | add) & ~remove;
	control_open(&one, name, 0, &config);
}

static uint64_t calls(uint32_t index)
{
	uint64_t count = 0;

	if (read(one.guest->queues[index].call_fd, &count, sizeof(count)) < 0)
		return 0;
	return count;
}

static void call_obeys_the_flag(void **state)
{
	struct guest_queue *queue;

	(void)state;
	open_with("call-flag", 0, GUEST_BIT(VIRTIO_RING_F_EVENT_IDX));
	for (uint16_t index = 0; index < 2; index++) {
		queue = &one.guest->queues[index];
		guest_want_calls(queue, true);
		calls(index);
		assert_int_equal(rte_vhost_vring_call(one.vid, index), 0);
		assert_int_equal(calls(index), 1);
		guest_want_calls(queue, false);
		assert_int_equal(rte_vhost_vring_call(one.vid, index), 0);
		assert_int_equal(calls(index), 0);
		assert_int_equal(control_stats(one.vid, index).notifications, 1);
		assert_int_equal(control_stats(one.vid, index).notifications_suppressed, 1);
	}
	control_close(&one);
}

static void call_obeys_the_event_index(void **state)
{
	struct guest_queue *queue;
	uint16_t *event;

	(void)state;
	open_with("call-event", 0, 0);
	queue = guest_tx_queue(one.guest, 0);
	event = queue->ring.split.used_event;
	/* The first of all is always due, then it is asked for by number. */
	control_send_good(&one, 0);
	calls(1);
	for (uint16_t used = 1; used < 50; used++) {
		bool want = used % 3 == 0;

		*event = (uint16_t)(want ? used : used + 5);
		control_send_good(&one, used);
		assert_int_equal(calls(1), want);
		/* Nothing new was used: no second one. */
		assert_int_equal(rte_vhost_vring_call(one.vid, 1), 0);
		assert_int_equal(calls(1), 0);
	}
	control_close(&one);
}

static void call_without_eventfd_is_no_failure(void **state)
{
	struct guest_config config;

	(void)state;
	guest_config_init(&config);
	config.call = config.kick = false;
	control_open(&one, "poll", 0, &config);
	guest_want_calls(guest_tx_queue(one.guest, 0), true);
	control_send_good(&one, 4);
	control_receive_good(&one, 5);
	assert_int_equal(rte_vhost_vring_call(one.vid, 1), 0);
	assert_int_equal(control_stats(one.vid, 1).notifications, 0);
	control_close(&one);
}

static void notification_flag_is_set(void **state)
{
	struct guest_split *split;

	(void)state;
	open_with("no-notify", 0, GUEST_BIT(VIRTIO_RING_F_EVENT_IDX));
	split = &guest_tx_queue(one.guest, 0)->ring.split;
	assert_int_equal(split->used->flags & VRING_USED_F_NO_NOTIFY, 0);
	assert_int_equal(rte_vhost_enable_guest_notification(one.vid, 1, 0), 0);
	assert_int_equal(split->used->flags & VRING_USED_F_NO_NOTIFY, VRING_USED_F_NO_NOTIFY);
	control_send_good(&one, 1);
	assert_int_equal(split->used->flags & VRING_USED_F_NO_NOTIFY, VRING_USED_F_NO_NOTIFY);
	assert_int_equal(rte_vhost_enable_guest_notification(one.vid, 1, 5), 0);
	assert_int_equal(split->used->flags & VRING_USED_F_NO_NOTIFY, 0);
	/* The wish outlives a stop of the ring. */
	assert_int_equal(rte_vhost_enable_guest_notification(one.vid, 1, 0), 0);
	assert_int_equal(guest_stop(one.guest), 0);
	assert_int_equal(guest_start(one.guest), 0);
	assert_int_equal(split->used->flags & VRING_USED_F_NO_NOTIFY, VRING_USED_F_NO_NOTIFY);
	control_close(&one);
}

static void notification_event_is_set(void **state)
{
	struct guest_queue *queue;

	(void)state;
	open_with("avail-event", 0, 0);
	queue = guest_tx_queue(one.guest, 0);
	for (int i = 0; i < 5; i++)
		control_send_good(&one, (uint64_t)i);
	assert_int_equal(rte_vhost_enable_guest_notification(one.vid, 1, 1), 0);
	assert_int_equal(*queue->ring.split.avail_event, 5);
	/* With EVENT_IDX the flag stays 0 (virtio 1.2, 2.7.10.1). */
	assert_int_equal(rte_vhost_enable_guest_notification(one.vid, 1, 0), 0);
	assert_int_equal(queue->ring.split.used->flags, 0);
	control_close(&one);
}

static void available_entries_are_counted(void **state)
{
	static const struct guest_shape shape;
	struct guest_config config;
	struct guest_queue *rx, *tx;

	(void)state;
	guest_config_init(&config);
	config.manual_rx = true;
	control_open(&one, "entries", 0, &config);
	rx = guest_rx_queue(one.guest, 0);
	tx = guest_tx_queue(one.guest, 0);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 0), 0);
	for (int i = 0; i < 17; i++)
		assert_int_equal(guest_rx_post(rx, 2048, &shape), 0);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 0), 0);
	guest_submit(rx);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 0), 17);
	control_receive_good(&one, 1);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 0), 16);
	assert_int_equal(rte_vhost_rx_queue_count(one.vid, 1), 0);
	for (int i = 0; i < 9; i++)
		assert_int_equal(guest_tx(tx, text, 60, &shape), 0);
	guest_submit(tx);
	assert_int_equal(rte_vhost_rx_queue_count(one.vid, 1), 9);
	/* A disabled queue has none. */
	assert_int_equal(guest_enable_pair(one.guest, 0, false), 0);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 0), 0);
	assert_int_equal(rte_vhost_rx_queue_count(one.vid, 1), 0);
	assert_int_equal(guest_enable_pair(one.guest, 0, true), 0);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 0), 16);
	control_close(&one);
}

static void wrong_queues_have_no_entries(void **state)
{
	(void)state;
	open_with("no-entries", 0, 0);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 2), 0);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 65535), 0);
	assert_int_equal(rte_vhost_avail_entries(NOBODY, 0), 0);
	assert_int_equal(rte_vhost_avail_entries(-1, 0), 0);
	assert_int_equal(rte_vhost_rx_queue_count(NOBODY, 1), 0);
	assert_int_equal(rte_vhost_rx_queue_count(one.vid, 3), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_rx_queue_count(one.vid, 0)), 0);
	control_assert_line(text, one.path, "queue 0", "invalid", NULL);
	control_close(&one);
}

static void wrong_queues_are_refused(void **state)
{
	uint16_t a, b;

	(void)state;
	open_with("refused", 0, 0);
#define REFUSED(call, device, queue) \
	do { \
		assert_int_equal(CONTROL_LOGGED(text, call), -1); \
		control_assert_line(text, device, queue, "not found", NULL); \
	} while (0)
	REFUSED(rte_vhost_vring_call(one.vid, 2), one.path, "queue 2");
	REFUSED(rte_vhost_vring_call(NOBODY, 0), "device 77", "queue 0");
	REFUSED(rte_vhost_vring_call(-1, 0), "device -1", "queue 0");
	REFUSED(rte_vhost_enable_guest_notification(one.vid, 256, 1), one.path, "queue 256");
	REFUSED(rte_vhost_enable_guest_notification(NOBODY, 1, 1), "device 77", "queue 1");
	REFUSED(rte_vhost_get_vring_base(one.vid, 9, &a, &b), one.path, "queue 9");
	REFUSED(rte_vhost_get_vring_base(NOBODY, 0, &a, &b), "device 77", "queue 0");
	REFUSED(rte_vhost_set_vring_base(one.vid, 65535, 0, 0), one.path, "queue 65535");
	REFUSED(rte_vhost_set_vring_base(1024, 0, 0, 0), "device 1024", "queue 0");
#undef REFUSED
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_vring_base(one.vid, 0, NULL, &b)), -1);
	control_assert_line(text, one.path, "queue 0", "invalid", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_vring_base(one.vid, 0, &a, NULL)), -1);
	control_assert_line(text, one.path, "queue 0", "invalid", NULL);
	control_close(&one);
}

static void positions_follow_the_packets(void **state)
{
	uint16_t available = 99, used = 99;
	uint32_t base;

	(void)state;
	open_with("base", 0, 0);
	for (uint16_t i = 0; i < 300; i++) {
		assert_int_equal(rte_vhost_get_vring_base(one.vid, 1, &available, &used), 0);
		assert_int_equal(available, i);
		assert_int_equal(used, i);
		control_send_good(&one, i);
	}
	/* An application that serves the ring by itself moves them. */
	assert_int_equal(rte_vhost_set_vring_base(one.vid, 1, 290, 288), 0);
	assert_int_equal(rte_vhost_get_vring_base(one.vid, 1, &available, &used), 0);
	assert_int_equal(available, 290);
	assert_int_equal(used, 288);
	assert_int_equal(rte_vhost_set_vring_base(one.vid, 1, 300, 300), 0);
	control_send_good(&one, 300);
	assert_int_equal(guest_get_vring_base(&one.guest->frontend, 1, &base), 0);
	assert_int_equal(base, 301);
	/* A stopped ring keeps its position. */
	assert_int_equal(rte_vhost_get_vring_base(one.vid, 1, &available, &used), 0);
	assert_int_equal(available, 301);
	control_close(&one);
}

static void bursts_on_wrong_queues_give_nothing(void **state)
{
	struct rte_mbuf *mbufs[4] = { NULL };

	(void)state;
	open_with("bursts", 0, 0);
	mbufs[0] = control_mbuf(100, 1);
	/* One line a device, however often a poll loop asks. */
	control_capture_begin();
	for (int i = 0; i < 100; i++) {
		rte_vhost_enqueue_burst(one.vid, 1, mbufs, 1);
		rte_vhost_enqueue_burst(one.vid, 200, mbufs, 1);
		rte_vhost_dequeue_burst(one.vid, 0, control_pool(), mbufs + 1, 3);
	}
	control_capture_end(text);
	control_assert_line(text, one.path, "queue 1", NULL);
	assert_int_equal(rte_vhost_enqueue_burst(one.vid, 1, mbufs, 1), 0);
	assert_int_equal(rte_vhost_enqueue_burst(NOBODY, 0, mbufs, 1), 0);
	assert_int_equal(rte_vhost_enqueue_burst(-1, 0, mbufs, 1), 0);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 0, control_pool(), mbufs + 1, 3), 0);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 3, control_pool(), mbufs + 1, 3), 0);
	assert_int_equal(rte_vhost_dequeue_burst(NOBODY, 1, control_pool(), mbufs + 1, 3), 0);
	assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, NULL, 1), 0);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, NULL, mbufs + 1, 3), 0);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), NULL, 3), 0);
	assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, mbufs, 0), 0);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), mbufs + 1, 0), 0);
	rte_pktmbuf_free(mbufs[0]);
	control_send_good(&one, 1);
	control_receive_good(&one, 2);
	control_close(&one);
	control_assert_pool();
}

/* rte_vhost_driver_set_features(): the application serves the rings, the net backend does not. */
static void own_features_take_the_net_backend_away(void **state)
{
	static const struct guest_shape shape;
	struct rte_vhost_vring ring;
	struct rte_mbuf *mbuf;
	uint64_t features;

	(void)state;
	control_path(one.path, "own");
	assert_int_equal(rte_vhost_driver_register(one.path, 0), 0);
	assert_int_equal(rte_vhost_driver_get_features(one.path, &features), 0);
	assert_int_equal(rte_vhost_driver_set_features(one.path, features), 0);
	assert_int_equal(rte_vhost_driver_callback_register(one.path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_start(one.path), 0);
	control_attach(&one, NULL);
	assert_int_equal(guest_tx(guest_tx_queue(one.guest, 0), text, 60, &shape), 0);
	guest_submit(guest_tx_queue(one.guest, 0));
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 0);
	assert_int_equal(rte_vhost_avail_entries(one.vid, 1), 1);
	assert_int_equal(rte_vhost_get_vhost_vring(one.vid, 1, &ring), 0);
	assert_int_equal(ring.avail->idx, 1);
	ring.used->ring[0] = (struct vring_used_elem){ .id = ring.avail->ring[0], .len = 0 };
	ring.used->idx = 1;
	assert_int_equal(rte_vhost_set_vring_base(one.vid, 1, 1, 1), 0);
	assert_int_equal(guest_tx_reap(guest_tx_queue(one.guest, 0)), 1);
	control_close(&one);
}

/* The pool runs dry in the middle: counted, and the packets come once there are mbufs. */
static void an_empty_pool_is_counted(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("small", 4, 0, 0, 2176, SOCKET_ID_ANY);
	static const struct guest_shape shape;
	struct rte_mbuf *mbufs[16];
	uint8_t frame[100];

	(void)state;
	open_with("dry", 0, 0);
	for (uint64_t i = 0; i < 10; i++) {
		control_frame(frame, sizeof(frame), i);
		assert_int_equal(guest_tx(guest_tx_queue(one.guest, 0), frame, 100, &shape), 0);
	}
	guest_submit(guest_tx_queue(one.guest, 0));
	for (uint64_t sequence = 0; sequence < 10;) {
		uint16_t got = rte_vhost_dequeue_burst(one.vid, 1, pool, mbufs, 16);

		assert_in_range(got, 1, 4);
		for (uint16_t i = 0; i < got; i++)
			control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *), 100,
					     sequence++);
		assert_true(sequence == 10 || control_stats(one.vid, 1).pool_empty > 0);
		rte_pktmbuf_free_bulk(mbufs, got);
	}
	assert_int_equal(rte_mempool_avail_count(pool), 4);
	assert_int_equal(control_stats(one.vid, 1).packets, 10);
	rte_mempool_free(pool);
	control_close(&one);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(call_obeys_the_flag),
	cmocka_unit_test(call_obeys_the_event_index),
	cmocka_unit_test(call_without_eventfd_is_no_failure),
	cmocka_unit_test(notification_flag_is_set),
	cmocka_unit_test(notification_event_is_set),
	cmocka_unit_test(available_entries_are_counted),
	cmocka_unit_test(wrong_queues_have_no_entries),
	cmocka_unit_test(wrong_queues_are_refused),
	cmocka_unit_test(positions_follow_the_packets),
	cmocka_unit_test(bursts_on_wrong_queues_give_nothing),
	cmocka_unit_test(own_features_take_the_net_backend_away),
	cmocka_unit_test(an_empty_pool_is_counted),
};

CONTROL_MAIN(300, tests)
