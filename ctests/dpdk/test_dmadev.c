/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* DPDK 22.11's asynchronous data path, used as its documentation says: runs on DPDK's own library
 * as well. */
#include <pthread.h>
#include <unistd.h>

#include <rte_lcore.h>

#include "front.h"
#include "rig.h"

#define PACKETS 3000

static bool packed(void **state)
{
	return *(const bool *)*state;
}

/* Traffic in both directions until each has had so many packets. */
static void run(struct rig_port *port, uint64_t packets, int16_t (*choose)(struct rig_port *))
{
	double end = rig_now() + 60;

	while (port->to.sent < packets || port->from.sent < packets) {
		int16_t dma = choose(port);

		if (port->to.sent < packets)
			rig_send(port, dma, 1 + port->to.sent % RIG_BURST, RIG_MIN, RIG_MAX);
		if (port->from.sent < packets)
			rig_offer(port, 1 + port->from.sent % RIG_BURST, RIG_MIN, RIG_MAX);
		rig_take(port, dma);
		if (rig_now() > end)
			fail_msg("%lu and %lu packets in 60 s", port->to.sent, port->from.sent);
	}
	rig_settle(port, rig_dma[0], 20);
	assert_int_equal(port->to.received, port->to.sent);
	assert_int_equal(port->from.received, port->from.sent);
}

static int16_t first(struct rig_port *port)
{
	(void)port;
	return rig_dma[0];
}

static int16_t any(struct rig_port *port)
{
	return rig_dma[guest_random_range(&port->random, 0, RIG_DMAS - 1)];
}

static void both_directions_all_sizes(void **state)
{
	uint64_t before = rig_copies(rig_dma[0]);
	struct rig_port *port = rig_open(packed(state), 256);

	run(port, PACKETS, first);
	/* Most packets are long: the device has copied them, and no other one has. */
	assert_true(rig_copies(rig_dma[0]) - before > PACKETS);
	print_message("%lu packets to the guest, %lu from it, %lu copies by the device\n",
		      port->to.received, port->from.received, rig_copies(rig_dma[0]) - before);
	rig_close(port);
}

static void one_queue_alternates_channels(void **state)
{
	uint64_t before[RIG_DMAS];
	struct rig_port *port = rig_open(packed(state), 256);

	for (int i = 0; i < RIG_DMAS; i++)
		before[i] = rig_copies(rig_dma[i]);
	run(port, PACKETS, any);
	for (int i = 0; i < RIG_DMAS; i++)
		assert_true(rig_copies(rig_dma[i]) - before[i] > PACKETS / 4);
	rig_close(port);
}

static void *drive(void *data)
{
	rte_thread_register();
	run(data, PACKETS, first);
	rte_thread_unregister();
	return NULL;
}

static void two_threads_and_devices_share_a_channel(void **state)
{
	struct rig_port *ports[2];
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		ports[i] = rig_open(i == 0 ? packed(state) : !packed(state), 128);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, drive, ports[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ports[i]->from.received, ports[i]->from.sent);
	for (int i = 0; i < 2; i++) {
		rig_settle(ports[i], rig_dma[0], 10);
		rig_hang_up(ports[i]);
		rig_free(ports[i]);
	}
	rig_assert_full(5);
}

static void a_small_ring_loses_nothing(void **state)
{
	struct rig_port *port;

	rig_dma_setup(rig_dma[0], 32);
	port = rig_open(packed(state), 256);
	/* More than the device has room for, and nobody asks it in between. */
	for (int i = 0; i < 8; i++) {
		rig_send(port, rig_dma[0], RIG_BURST, 300, 2000);
		rig_offer(port, RIG_BURST, 300, 2000);
	}
	run(port, PACKETS / 4, first);
	rig_close(port);
	rig_dma_setup(rig_dma[0], 1024);
}

/* In destroy_device(): the device lets go after a while. */
static void *let_go(void *data)
{
	(void)data;
	usleep(200000);
	front.held = false;
	return NULL;
}

static void a_device_ends_with_copies_in_flight(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	pthread_t thread;
	int inflight;

	front_install(rig_dma[0]);
	front.held = true;
	assert_true(rig_send(port, rig_dma[0], RIG_BURST, 300, 2000) > 0);
	assert_true(rig_offer(port, RIG_BURST, 300, 2000) > 0);
	rig_take(port, rig_dma[0]);
	inflight = rte_vhost_async_get_inflight(port->vid, TO_GUEST);
	assert_int_equal(inflight, port->to.sent);
	assert_true(port->inflight > 0);
	assert_int_equal(rte_vhost_async_channel_unregister(port->vid, TO_GUEST), -1);
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	rig_hang_up(port);
	pthread_join(thread, NULL);
	assert_int_equal(front_pending(), 0);
	rig_free(port);
	rig_assert_full(5);
	front_remove();
	/* The next one on the same vid is not touched by what was there. */
	port = rig_open(packed(state), 256);
	run(port, 200, first);
	rig_close(port);
}

static void channels_that_there_are_not(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(rig_pool);
	int inflight = 7;

	assert_non_null(rte_pktmbuf_append(mbuf, 1000));
	/* The last one is a device that exists without having been configured for vhost. */
	for (int i = 0; i < 4; i++) {
		const int16_t dmas[] = { -1, 60, rig_dma[0], rig_dma[1] };
		const uint16_t channels[] = { 0, 0, 1, 0 };

		if (i == 3) {
			assert_int_equal(rte_vhost_async_dma_unconfigure(rig_dma[1], 0), 0);
			assert_int_equal(rte_vhost_async_dma_unconfigure(rig_dma[1], 0), -1);
		} else {
			assert_int_equal(rte_vhost_async_dma_configure(dmas[i], channels[i]), -1);
		}
		assert_int_equal(rte_vhost_submit_enqueue_burst(port->vid, TO_GUEST, &mbuf, 1,
								dmas[i], channels[i]), 0);
		assert_int_equal(rte_vhost_poll_enqueue_completed(port->vid, TO_GUEST, &mbuf, 1,
								  dmas[i], channels[i]), 0);
		inflight = 7;
		assert_int_equal(rte_vhost_async_try_dequeue_burst(port->vid, FROM_GUEST, rig_pool,
					&mbuf, 1, &inflight, dmas[i], channels[i]), 0);
		assert_int_equal(inflight, -1);
		assert_int_equal(rte_vhost_clear_queue(port->vid, TO_GUEST, &mbuf, 1, dmas[i],
						       channels[i]), 0);
	}
	assert_int_equal(rte_vhost_async_dma_configure(rig_dma[1], 0), 0);
	assert_int_equal(rte_vhost_async_dma_configure(rig_dma[1], 0), 0);
	rte_pktmbuf_free(mbuf);
	run(port, 100, any);
	rig_close(port);
}

static const struct CMUnitTest tests[] = {
	RIG_BOTH(both_directions_all_sizes),
	RIG_BOTH(one_queue_alternates_channels),
	RIG_BOTH(two_threads_and_devices_share_a_channel),
	RIG_BOTH(a_small_ring_loses_nothing),
	RIG_BOTH(a_device_ends_with_copies_in_flight),
	RIG_BOTH(channels_that_there_are_not),
};

RIG_MAIN(tests)
