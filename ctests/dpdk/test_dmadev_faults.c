/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* DMA devices without room, that refuse, fail, stop, or go: this library's promises, which DPDK's
 * own does not give. */
#include <pthread.h>
#include <unistd.h>

#include <rte_dev.h>

#include "front.h"
#include "rig.h"

static bool packed(void **state)
{
	return *(const bool *)*state;
}

/* So many packets in both directions, through one device. */
static void exchange(struct rig_port *port, int16_t dma, uint64_t packets)
{
	uint64_t to = port->to.sent + packets, from = port->from.sent + packets;
	double end = rig_now() + 30;

	while ((port->to.sent < to || port->from.sent < from) && rig_now() < end) {
		if (port->to.sent < to)
			rig_send(port, dma, RIG_BURST, RIG_MIN, RIG_MAX);
		if (port->from.sent < from)
			rig_offer(port, RIG_BURST, RIG_MIN, RIG_MAX);
		rig_take(port, dma);
	}
	rig_settle(port, dma, 10);
	assert_true(port->to.sent >= to && port->from.sent >= from);
}

static void with_room_for(void **state, uint16_t copies)
{
	struct rig_port *port = rig_open(packed(state), 256);

	front_install(rig_dma[0]);
	front.capacity = copies;
	exchange(port, rig_dma[0], 500);
	assert_int_equal(port->to.received, port->to.sent);
	assert_int_equal(port->from.received, port->from.sent);
	assert_int_equal(front.copies > 0, copies > 0);
	rig_close(port);
	front_remove();
}

static void a_device_with_room_for_one_copy(void **state)
{
	with_room_for(state, 1);
}

static void a_device_without_room(void **state)
{
	with_room_for(state, 0);
}

static void a_refused_first_copy_is_offered_again(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);

	front_install(rig_dma[0]);
	for (int i = 0; i < 20; i++) {
		front.refuse_at = 1;
		assert_int_equal(rig_send(port, rig_dma[0], 1, 5000, 5000), 0);
		assert_int_equal(rig_send(port, rig_dma[0], 1, 5000, 5000), 1);
		assert_int_equal(rig_offer(port, 1, 5000, 5000), 1);
		front.refuse_at = 1;
		rig_settle(port, rig_dma[0], 5);
	}
	assert_int_equal(front.refused, 40);
	exchange(port, rig_dma[0], 100);
	rig_close(port);
	front_remove();
}

static void a_packet_taken_in_part_is_no_packet(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);

	port->lossy = true;
	front_install(rig_dma[0]);
	for (uint64_t i = 1; i <= 20; i++) {
		front.refuse_at = 2;
		assert_int_equal(rig_send(port, rig_dma[0], 1, 5000, 5000), 1);
		rig_settle(port, rig_dma[0], 5);
		assert_int_equal(front.refuse_at, 0);
		front.refuse_at = 2;
		assert_int_equal(rig_offer(port, 1, 5000, 5000), 1);
		rig_settle(port, rig_dma[0], 5);
		assert_int_equal(front.refuse_at, 0);
		assert_int_equal(port->to.sent, i);
		assert_int_equal(port->to.received + port->from.received, 0);
	}
	/* Each chain that held a part of it came back empty. */
	assert_true(port->to.empty >= 20);
	port->lossy = false;
	port->to.received = port->to.next = port->to.sent;
	port->from.received = port->from.next = port->from.sent;
	exchange(port, rig_dma[0], 100);
	port->lossy = true;
	rig_close(port);
	front_remove();
}

static void failed_copies_reach_nobody(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	uint64_t failed;

	port->lossy = true;
	front_install(rig_dma[0]);
	/* A device's thread that hardly gets a CPU makes few copies a round. */
	for (uint32_t round = 0; round < 200 || (front.spoiled <= 100 && round < 20000); round++) {
		front.spoil_at = 1 + round % 50;
		front.spoil_count = 1 + round % 3;
		rig_send(port, rig_dma[0], 8, 300, RIG_MAX);
		rig_offer(port, 8, 300, RIG_MAX);
		rig_take(port, rig_dma[0]);
	}
	rig_settle(port, rig_dma[0], 10);
	front.spoil_at = 0;
	failed = port->to.sent - port->to.received + port->from.sent - port->from.received;
	/* A packet has one copy or several. */
	assert_true(front.spoiled > 100);
	assert_in_range(failed, 50, front.spoiled);
	print_message("%lu copies failed, %lu of %lu packets did not arrive\n", front.spoiled,
		      failed, port->to.sent + port->from.sent);
	assert_int_equal(port->to.returned, port->to.sent);
	rig_close(port);
	front_remove();
}

static void a_device_is_started_again(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	uint64_t lost;

	exchange(port, rig_dma[0], 100);
	port->lossy = true;
	assert_int_equal(rte_dma_stop(rig_dma[0]), 0);
	lost = rig_send(port, rig_dma[0], RIG_BURST, 300, 2000);
	assert_true(lost > 0);
	assert_true(rig_offer(port, RIG_BURST, 300, 2000) > 0);
	for (int i = 0; i < 100; i++)
		rig_take(port, rig_dma[0]);
	assert_true(port->inflight > 0);
	assert_int_equal(rte_vhost_async_get_inflight(port->vid, TO_GUEST), lost);
	assert_int_equal(rte_dma_start(rig_dma[0]), 0);
	/* The next copy's place tells that the others are gone. */
	exchange(port, rig_dma[0], 100);
	assert_true(port->to.empty >= lost);
	assert_int_equal(port->to.received, port->to.sent - lost);
	rig_close(port);
}

static void a_device_is_started_again_and_not_used(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	double start;

	port->lossy = true;
	assert_int_equal(rte_dma_stop(rig_dma[0]), 0);
	assert_true(rig_send(port, rig_dma[0], RIG_BURST, 300, 2000) > 0);
	assert_true(rig_offer(port, RIG_BURST, 300, 2000) > 0);
	rig_take(port, rig_dma[0]);
	assert_int_equal(rte_dma_start(rig_dma[0]), 0);
	start = rig_now();
	/* GET_VRING_BASE waits for the device, but not for ever. */
	assert_int_equal(guest_stop(port->guest), 0);
	assert_true(rig_now() - start < 4);
	rig_hang_up(port);
	assert_true(port->cleared > 0);
	rig_free(port);
	rig_assert_full(5);
}

static void polls_alone_find_out(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);

	port->lossy = true;
	assert_int_equal(rte_dma_stop(rig_dma[0]), 0);
	assert_true(rig_send(port, rig_dma[0], RIG_BURST, 300, 2000) > 0);
	rig_take(port, rig_dma[0]);
	assert_int_equal(rte_dma_start(rig_dma[0]), 0);
	rig_settle(port, rig_dma[0], 10);
	assert_int_equal(port->to.received, 0);
	rig_close(port);
}

static void a_stopped_device_keeps_memory_until_it_lets_go(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256), *other;
	double start;

	port->clears = false;
	assert_int_equal(rte_dma_stop(rig_dma[0]), 0);
	assert_true(rig_send(port, rig_dma[0], RIG_BURST, 300, 2000) > 0);
	assert_true(rig_offer(port, RIG_BURST, 300, 2000) > 0);
	rig_take(port, rig_dma[0]);
	assert_int_equal(rte_vhost_async_dma_unconfigure(rig_dma[0], 0), -1);
	start = rig_now();
	rig_hang_up(port);
	assert_true(rig_now() - start < 4);
	/* Other devices go on, on the other DMA device. */
	other = rig_open(packed(state), 256);
	exchange(other, rig_dma[1], 100);
	rig_hang_up(other);
	rig_free(other);
	assert_true(rig_in_use() > 0);
	assert_int_equal(rte_dma_start(rig_dma[0]), 0);
	rig_assert_full(10);
	rig_free(port);
}

static void *let_go(void *data)
{
	(void)data;
	usleep(300000);
	front.held = false;
	return NULL;
}

static void nobody_fetches_what_was_in_flight(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	pthread_t thread;

	port->clears = false;
	front_install(rig_dma[0]);
	front.held = true;
	assert_true(rig_send(port, rig_dma[0], RIG_BURST, 300, 2000) > 0);
	assert_true(rig_offer(port, RIG_BURST, 300, 2000) > 0);
	rig_take(port, rig_dma[0]);
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	rig_hang_up(port);
	pthread_join(thread, NULL);
	rig_free(port);
	rig_assert_full(10);
	assert_int_equal(front_pending(), 0);
	front_remove();
}

/* A DMA device more. */
static int16_t plug(void)
{
	int dma;

	assert_int_equal(rte_eal_hotplug_add("vdev", "dma_skeleton2", ""), 0);
	dma = rte_dma_get_dev_id_by_name("dma_skeleton2");
	assert_true(dma >= 0);
	return (int16_t)dma;
}

static void a_device_goes(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	int16_t dma = plug();
	uint64_t lost;

	rig_dma_setup(dma, 1024);
	assert_int_equal(rte_vhost_async_dma_configure(dma, 0), 0);
	exchange(port, dma, 100);
	assert_true(rig_copies(dma) > 100);
	port->lossy = true;
	assert_int_equal(rte_dma_stop(dma), 0);
	lost = rig_send(port, dma, RIG_BURST, 300, 2000);
	assert_true(lost > 0);
	assert_int_equal(rte_eal_hotplug_remove("vdev", "dma_skeleton2"), 0);
	assert_int_equal(rte_vhost_async_dma_configure(dma, 0), -1);
	exchange(port, dma, 100);
	assert_int_equal(port->to.received, port->to.sent - lost);
	assert_int_equal(rte_vhost_async_dma_unconfigure(dma, 0), 0);
	rig_close(port);
}

static void a_device_that_is_not_set_up_copies_nothing(void **state)
{
	struct rig_port *port = rig_open(packed(state), 256);
	int16_t dma = plug();

	assert_int_equal(rte_vhost_async_dma_configure(dma, 0), 0);
	exchange(port, dma, 100);
	rig_dma_setup(dma, 1024);
	assert_int_equal(rig_copies(dma), 0);
	exchange(port, dma, 100);
	assert_true(rig_copies(dma) > 100);
	assert_int_equal(rte_vhost_async_dma_unconfigure(dma, 0), 0);
	rte_dma_stop(dma);
	assert_int_equal(rte_eal_hotplug_remove("vdev", "dma_skeleton2"), 0);
	rig_close(port);
}

static const struct CMUnitTest tests[] = {
	RIG_BOTH(a_device_with_room_for_one_copy),
	RIG_BOTH(a_device_without_room),
	RIG_BOTH(a_refused_first_copy_is_offered_again),
	RIG_BOTH(a_packet_taken_in_part_is_no_packet),
	RIG_BOTH(failed_copies_reach_nobody),
	RIG_BOTH(a_device_is_started_again),
	RIG_BOTH(a_device_is_started_again_and_not_used),
	RIG_BOTH(polls_alone_find_out),
	RIG_BOTH(a_stopped_device_keeps_memory_until_it_lets_go),
	RIG_BOTH(nobody_fetches_what_was_in_flight),
	RIG_BOTH(a_device_goes),
	RIG_BOTH(a_device_that_is_not_set_up_copies_nothing),
};

RIG_MAIN(tests)
