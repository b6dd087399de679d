/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What a frontend does while DMA devices copy, and everything at once. */
#include <pthread.h>
#include <unistd.h>

#include "front.h"
#include "rig.h"

static bool packed(void **state)
{
	return *(const bool *)*state;
}

static void *let_go(void *data)
{
	(void)data;
	usleep(100000);
	front.held = false;
	return NULL;
}

/* Copies in both directions that the device does not finish yet. */
static void fill(struct rig_port *port)
{
	front.held = true;
	assert_true(rig_send(port, rig_dma[0], RIG_BURST, 300, 2000) > 0);
	assert_true(rig_offer(port, RIG_BURST, 300, 2000) > 0);
	rig_take(port, rig_dma[0]);
	assert_true(port->inflight > 0);
	assert_true(front_pending() > 0);
}

static void expect_all(struct rig_port *port)
{
	rig_settle(port, rig_dma[0], 10);
	assert_int_equal(port->to.received, port->to.sent);
	assert_int_equal(port->from.received, port->from.sent);
}

/* The step ends when the device has no copy left, and not before. */
static void during(void **state, int (*step)(struct guest *guest), int (*back)(struct guest *guest))
{
	struct rig_port *port = rig_open(packed(state), 256);
	pthread_t thread;

	front_install(rig_dma[0]);
	for (int i = 0; i < 3; i++) {
		fill(port);
		assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
		assert_int_equal(step(port->guest), 0);
		assert_int_equal(front_pending(), 0);
		pthread_join(thread, NULL);
		if (back)
			assert_int_equal(back(port->guest), 0);
		expect_all(port);
	}
	rig_close(port);
	front_remove();
}

static int disable(struct guest *guest)
{
	return guest_enable_pair(guest, 0, false);
}

static int enable(struct guest *guest)
{
	return guest_enable_pair(guest, 0, true);
}

static int stop_rings(struct guest *guest)
{
	for (uint32_t queue = 0; queue < 2; queue++) {
		int result = guest_get_vring_base(&guest->frontend, queue,
						  &guest->queues[queue].base);

		if (result)
			return result;
	}
	return 0;
}

static int start_rings(struct guest *guest)
{
	int result = guest_send_ring(guest, 0);

	return result ? result : guest_send_ring(guest, 1);
}

static void the_memory_table_changes(void **state)
{
	during(state, guest_send_memory, NULL);
}

static void queues_are_disabled(void **state)
{
	during(state, disable, enable);
}

static void rings_stop(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	pthread_t thread;

	port->lossy = true;
	front_install(rig_dma[0]);
	for (int i = 0; i < 3; i++) {
		uint64_t before = port->cleared;

		fill(port);
		assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
		assert_int_equal(stop_rings(port->guest), 0);
		assert_int_equal(front_pending(), 0);
		pthread_join(thread, NULL);
		/* The application fetched them in destroy_device(), whole or not at all. */
		rig_wait(port, false);
		assert_true(port->cleared > before);
		assert_int_equal(rig_in_use(), 0);
		assert_int_equal(start_rings(port->guest), 0);
		rig_wait(port, true);
		rig_send(port, rig_dma[0], RIG_BURST, RIG_MIN, RIG_MAX);
		rig_offer(port, RIG_BURST, RIG_MIN, RIG_MAX);
		rig_settle(port, rig_dma[0], 10);
	}
	assert_true(port->to.received > 0 && port->from.received > 0);
	rig_close(port);
	front_remove();
}

static void a_register_round_trip_keeps_its_lane(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_send(port, rig_dma[0], RIG_BURST, 300, 2000), RIG_BURST);
		assert_true(rig_offer(port, RIG_BURST, 300, 2000) > 0);
		expect_all(port);
		for (uint16_t queue = TO_GUEST; queue <= FROM_GUEST; queue++) {
			assert_int_equal(rte_vhost_async_channel_unregister(port->vid, queue), 0);
			assert_int_equal(rte_vhost_async_get_inflight(port->vid, queue), -1);
		}
		assert_int_equal(rig_send(port, rig_dma[0], 1, 300, 2000), 0);
		rig_take(port, rig_dma[0]);
		assert_int_equal(port->inflight, -1);
		for (uint16_t queue = TO_GUEST; queue <= FROM_GUEST; queue++) {
			assert_int_equal(rte_vhost_async_channel_register(port->vid, queue), 0);
			assert_int_equal(rte_vhost_async_channel_register(port->vid, queue), -1);
			assert_int_equal(rte_vhost_async_get_inflight(port->vid, queue), 0);
		}
	}
	rig_close(port);
}

/* Devices come and go, and leave copies on a channel that others use. */
static void devices_come_and_go_on_a_shared_channel(void **state)
{
	struct rig_port *stays = rig_open(packed(state), 256);

	for (int i = 0; i < 30; i++) {
		struct rig_port *port = rig_open(i % 2 == 0, 64);

		port->clears = i % 3 > 0;
		port->lossy = true;
		rig_send(stays, rig_dma[0], 8, RIG_MIN, RIG_MAX);
		rig_send(port, rig_dma[0], RIG_BURST, RIG_MIN, RIG_MAX);
		rig_offer(port, RIG_BURST, RIG_MIN, RIG_MAX);
		rig_offer(stays, 8, RIG_MIN, RIG_MAX);
		rig_take(port, rig_dma[i % RIG_DMAS]);
		rig_take(stays, rig_dma[0]);
		rig_hang_up(port);
		rig_free(port);
	}
	expect_all(stays);
	rig_close(stays);
}

/* The device, its room and its errors change at random under two ports. */
static void everything_at_once(void **state)
{
	struct rig_port *ports[2] = { rig_open(packed(state), 256), rig_open(!packed(state), 128) };
	struct guest_random random = { .state = 0xd0a };
	double end = rig_now() + 4;
	uint64_t sent = 0, received = 0;

	front_install(rig_dma[0]);
	ports[0]->lossy = ports[1]->lossy = true;
	while (rig_now() < end) {
		uint64_t dice = guest_random_next(&random);
		struct rig_port *port = ports[dice & 1];
		int16_t dma = rig_dma[dice >> 1 & 1];

		front.held = (dice >> 8) % 4 == 0;
		front.capacity = (dice >> 12) % 3 == 0 ? (dice >> 16) % 40 : UINT16_MAX;
		if ((dice >> 24) % 16 == 0)
			front.refuse_at = 1 + (dice >> 32) % 8;
		if ((dice >> 28) % 16 == 0)
			front.spoil_at = 1 + (dice >> 40) % 8;
		rig_send(port, dma, 1 + (dice >> 44) % RIG_BURST, RIG_MIN, RIG_MAX);
		rig_offer(port, 1 + (dice >> 52) % RIG_BURST, RIG_MIN, RIG_MAX);
		rig_take(port, dma);
	}
	front.held = false;
	front.capacity = UINT16_MAX;
	front.refuse_at = front.spoil_at = 0;
	for (int i = 0; i < 2; i++) {
		rig_settle(ports[i], rig_dma[0], 10);
		sent += ports[i]->to.sent + ports[i]->from.sent;
		received += ports[i]->to.received + ports[i]->from.received;
	}
	print_message("%lu packets, %lu not delivered for %lu failed and %lu refused copies\n",
		      sent, sent - received, front.spoiled, front.refused);
	assert_true(front.spoiled > 10 && front.refused > 10);
	assert_true(sent > received);
	assert_true(sent - received <= front.spoiled + front.refused);
	for (int i = 0; i < 2; i++) {
		rig_hang_up(ports[i]);
		rig_free(ports[i]);
	}
	rig_assert_full(5);
	assert_int_equal(front_pending(), 0);
	front_remove();
}

static const struct CMUnitTest tests[] = {
	RIG_BOTH(the_memory_table_changes),
	RIG_BOTH(queues_are_disabled),
	RIG_BOTH(rings_stop),
	RIG_BOTH(a_register_round_trip_keeps_its_lane),
	RIG_BOTH(devices_come_and_go_on_a_shared_channel),
	RIG_BOTH(everything_at_once),
};

RIG_MAIN(tests)
