/* SPDX-License-Identifier: BSD-3-Clause */

/* What DPDK 22.11 has and 21.08 has not, but for statistics and DMA. */
#define _GNU_SOURCE
#include "control.h"

#include <linux/virtio_config.h>
#include <rte_vhost_async.h>

#include "control_vdpa.h"

#define NOBODY 77
#define AVAIL (1 << 7)
#define USED (1 << 15)

static char text[CONTROL_TEXT];
static struct control_device one;

static uint64_t calls(uint32_t index)
{
	uint64_t count = 0;

	if (read(one.guest->queues[index].call_fd, &count, sizeof(count)) < 0)
		return 0;
	return count;
}

static void flags_are_those_of_the_release(void **state)
{
	char path[108];

	(void)state;
	control_path(path, "flags");
	for (int bit = 0; bit < 64; bit++) {
		int expected = bit <= 9 ? 0 : -1;

		assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register(
			path, 1ULL << bit)), expected);
		if (expected == 0)
			assert_int_equal(rte_vhost_driver_unregister(path), 0);
	}
}

static void call_interrupts_the_guest(void **state)
{
	struct guest_config config;

	(void)state;
	guest_config_init(&config);
	config.features &= ~GUEST_BIT(VIRTIO_RING_F_EVENT_IDX);
	control_open(&one, "call", 0, &config);
	for (uint16_t index = 0; index < 2; index++) {
		guest_want_calls(&one.guest->queues[index], true);
		calls(index);
		assert_int_equal(rte_vhost_vring_call_nonblock(one.vid, index), 0);
		assert_int_equal(calls(index), 1);
		guest_want_calls(&one.guest->queues[index], false);
		assert_int_equal(rte_vhost_vring_call_nonblock(one.vid, index), 0);
		assert_int_equal(calls(index), 0);
	}
	control_close(&one);
}

static void call_needs_a_queue(void **state)
{
	(void)state;
	control_open(&one, "call-none", 0, NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_vring_call_nonblock(-1, 0)), -1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_vring_call_nonblock(NOBODY, 0)), -1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_vring_call_nonblock(one.vid, 2)), -1);
	control_assert_line(text, "rte_vhost_vring_call_nonblock", "not found", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_vring_call_nonblock(one.vid, 65535)), -1);
	control_close(&one);
}

static bool stop;

static void *hold(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct rte_mbuf *mbufs[32];
		uint16_t got = rte_vhost_dequeue_burst(one.vid, 1, control_pool(), mbufs, 32);

		rte_pktmbuf_free_bulk(mbufs, got);
	}
	return NULL;
}

/** While bursts run, some calls find the lock taken; none waits, fails or loses an interrupt. */
static void call_does_not_wait(void **state)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	static const struct guest_shape shape;
	uint64_t busy = 0, done = 0;
	uint8_t frame[1500] = { 0 };
	pthread_t thread;

	(void)state;
	control_pool();
	control_open(&one, "busy", 0, NULL);
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, hold, NULL), 0);
	while (busy == 0 || done == 0) {
		int result = rte_vhost_vring_call_nonblock(one.vid, 1);

		assert_true(result == 0 || result == -EAGAIN);
		busy += result != 0;
		done += result == 0;
		guest_tx_reap(guest_tx_queue(one.guest, 0));
		guest_tx(guest_tx_queue(one.guest, 0), frame, sizeof(frame), &shape);
		guest_submit(guest_tx_queue(one.guest, 0));
		if (control_now_ms() > deadline)
			fail_msg("%lu calls found the lock taken, %lu did not", busy, done);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	control_close(&one);
	control_assert_pool();
}

/** Whether the condition says that there is work. */
static bool has_work(const struct rte_vhost_power_monitor_cond *condition)
{
	uint64_t value = *(volatile uint16_t *)condition->addr & condition->mask;

	return condition->match ? value == condition->val : value != condition->val;
}

static struct rte_vhost_power_monitor_cond monitor(uint16_t queue)
{
	struct rte_vhost_power_monitor_cond condition;

	memset(&condition, 0xee, sizeof(condition));
	assert_int_equal(rte_vhost_get_monitor_addr(one.vid, queue, &condition), 0);
	assert_int_equal(condition.size, 2);
	assert_int_equal(condition.match, control_is_packed());
	assert_int_equal(condition.mask, control_is_packed() ? AVAIL | USED : 0xffff);
	return condition;
}

/** More than two times around the ring: both wrap counters, and the index over the slots. */
static void monitor_sees_new_packets(void **state)
{
	static const struct guest_shape shape = { .indirect = true };
	struct guest_config config;
	uint8_t frame[100] = { 0 };
	struct guest_queue *queue;

	(void)state;
	guest_config_init(&config);
	config.ring_size = 64;
	control_open(&one, "monitor", 0, &config);
	queue = guest_tx_queue(one.guest, 0);
	for (int i = 0; i < 200; i++) {
		struct rte_vhost_power_monitor_cond condition = monitor(1);
		struct rte_mbuf *mbuf;

		assert_false(has_work(&condition));
		assert_true(guest_tx(queue, frame, sizeof(frame), &shape) >= 0);
		guest_submit(queue);
		assert_true(has_work(&condition));
		assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 1);
		rte_pktmbuf_free(mbuf);
		guest_tx_reap(queue);
	}
	control_close(&one);
	control_assert_pool();
}

/** As many entries as the ring has slots, which a comparison of slots would not see. */
static void monitor_sees_a_ring_that_filled(void **state)
{
	static const struct guest_shape shape = { .indirect = true };
	struct rte_vhost_power_monitor_cond condition;
	struct guest_config config;
	uint8_t frame[100] = { 0 };
	struct guest_queue *queue;
	int count = 0;

	(void)state;
	guest_config_init(&config);
	config.ring_size = 16;
	config.features |= GUEST_BIT(VIRTIO_RING_F_INDIRECT_DESC);
	config.table_entries = 4;
	config.tx_buffers = 64;
	control_open(&one, "full", 0, &config);
	queue = guest_tx_queue(one.guest, 0);
	condition = monitor(1);
	while (guest_tx(queue, frame, sizeof(frame), &shape) >= 0)
		count++;
	assert_int_equal(count, 16);
	assert_false(has_work(&condition));
	guest_submit(queue);
	assert_true(has_work(&condition));
	control_close(&one);
}

static void monitor_needs_a_ring(void **state)
{
	struct rte_vhost_power_monitor_cond condition;

	(void)state;
	control_open(&one, "no-ring", 0, NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_monitor_addr(-1, 0, &condition)), -1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_monitor_addr(
		NOBODY, 0, &condition)), -1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_monitor_addr(
		one.vid, 2, &condition)), -1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_monitor_addr(one.vid, 0, NULL)), -1);
	assert_int_equal(guest_stop(one.guest), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_get_monitor_addr(
		one.vid, 0, &condition)), -1);
	control_assert_line(text, "rte_vhost_get_monitor_addr", "not found", NULL);
	control_close(&one);
}

static int kind_result;

static int storage(struct rte_vdpa_device *device, uint32_t *type)
{
	(void)device;
	*type = RTE_VHOST_VDPA_DEVICE_TYPE_BLK;
	return kind_result;
}

static void kind_of_hardware(void **state)
{
	uint32_t type = 99;
	char path[108];

	(void)state;
	control_path(path, "kind");
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_get_vdpa_dev_type(
		NULL, &type)), -1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_get_vdpa_dev_type(
		path, &type)), -1);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_get_vdpa_dev_type(
		path, &type)), -1);
	assert_int_equal(type, 99);
	for (int i = 0; i < 3; i++) {
		control_vdpa_init("kinds");
		control_vdpa.ops.get_dev_type = i > 0 ? storage : NULL;
		kind_result = i == 2 ? -1 : 0;
		control_vdpa_register();
		assert_int_equal(control_vdpa.registered->type, i == 1);
		assert_int_equal(rte_vhost_driver_attach_vdpa_device(
			path, control_vdpa.registered), 0);
		assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_get_vdpa_dev_type(
			path, NULL)), -1);
		assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_get_vdpa_dev_type(
			path, &type)), i == 2 ? -1 : 0);
		if (i < 2)
			assert_int_equal(type, i == 1 ? RTE_VHOST_VDPA_DEVICE_TYPE_BLK :
						RTE_VHOST_VDPA_DEVICE_TYPE_NET);
		assert_int_equal(rte_vhost_driver_detach_vdpa_device(path), 0);
		assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
	}
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

/** Where there is no device, no queue, or no registration. */
static void in_flight_needs_a_registration(void **state)
{
	struct rte_mbuf *mbuf = (struct rte_mbuf *)text;

	(void)state;
	control_open(&one, "async", RTE_VHOST_USER_ASYNC_COPY, NULL);
	for (int i = 0; i < 5; i++) {
		int vid = (int[]){ -1, NOBODY, one.vid, one.vid, one.vid }[i];
		uint16_t queue = (uint16_t[]){ 0, 0, 2, 0, 1 }[i];

		control_capture_begin();
		assert_int_equal(rte_vhost_async_get_inflight(vid, queue), -1);
		assert_int_equal(rte_vhost_async_get_inflight_thread_unsafe(vid, queue), -1);
		assert_int_equal(rte_vhost_clear_queue(vid, queue, &mbuf, 1, 0, 0), 0);
		assert_int_equal(rte_vhost_clear_queue_thread_unsafe(vid, queue, &mbuf, 1, 0, 0),
				 0);
		assert_int_equal(rte_vhost_clear_queue(vid, queue, NULL, 1, 0, 0), 0);
		control_capture_end(NULL);
	}
	assert_ptr_equal(mbuf, text);
	control_close(&one);
}

static int cleaned[4], cleanings;

static int clean_up(int vid)
{
	if (cleanings < 4)
		cleaned[cleanings] = vid;
	cleanings++;
	return 0;
}

/** Once for each connection, after the hardware has let go; also when it was never set up. */
static void hardware_hears_of_the_end(void **state)
{
	int from, socket;

	(void)state;
	control_vdpa_init("cleaned");
	control_vdpa.ops.dev_cleanup = clean_up;
	control_vdpa_register();
	control_vdpa_listen(&one, "cleaned");
	control_attach(&one, NULL);
	assert_int_equal(cleanings, 0);
	cleaned[0] = -1;
	from = one.vid;
	control_detach(&one);
	assert_int_equal(cleanings, 1);
	assert_int_equal(cleaned[0], from);
	assert_non_null(strchr(control_vdpa_calls(), 'X'));
	from = control_events();
	socket = control_connect(&one);
	assert_true(control_wait_event(from, CONTROL_NEW_CONNECTION, -1) >= 0);
	control_finish(socket);
	assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, -1) >= 0);
	control_close(&one);
	assert_int_equal(cleanings, 2);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST_SPLIT(flags_are_those_of_the_release),
	CONTROL_TEST(call_interrupts_the_guest),
	CONTROL_TEST(call_needs_a_queue),
	CONTROL_TEST(call_does_not_wait),
	CONTROL_TEST(monitor_sees_new_packets),
	CONTROL_TEST(monitor_sees_a_ring_that_filled),
	CONTROL_TEST(monitor_needs_a_ring),
	CONTROL_TEST(in_flight_needs_a_registration),
	CONTROL_TEST_SPLIT(kind_of_hardware),
	CONTROL_TEST_SPLIT(hardware_hears_of_the_end),
};

CONTROL_MAIN(120, tests)
