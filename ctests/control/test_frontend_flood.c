/* SPDX-License-Identifier: BSD-3-Clause */

/* The same message very often: nothing may grow. More of them: ctests/hostile. */
#define _GNU_SOURCE
#include "control.h"

#include <sys/eventfd.h>

#define TIMES 100000
#define CLIENTS 40

static struct control_stage stage;

/** Send one message @p times, every hundredth with NEED_REPLY so that they are waited for. */
static void flood(uint32_t request, const void *payload, int fd, int times)
{
	int socket = control_negotiate(&stage.target);

	for (int i = 0; i < times; i++)
		if (i % 100 == 99)
			assert_int_equal(control_ask(socket, request, payload,
						     control_payload_size(request), fd), 0);
		else
			assert_int_equal(control_send(socket, request, 1, payload,
						      control_payload_size(request), &fd, fd >= 0),
					 0);
	close(socket);
}

static void descriptors_a_hundred_thousand_times(void **state)
{
	uint64_t index = 3;
	int fd;

	(void)state;
	control_stage_begin(&stage, "eventfds");
	fd = eventfd(0, EFD_CLOEXEC);
	for (uint32_t request = GUEST_SET_VRING_KICK; request <= GUEST_SET_VRING_ERR; request++)
		flood(request, &index, fd, TIMES / 3);
	close(fd);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 4096);
}

static void ring_states_a_hundred_thousand_times(void **state)
{
	uint32_t payload[10] = { 2, 0 };

	(void)state;
	control_stage_begin(&stage, "states");
	flood(GUEST_SET_VRING_BASE, payload, -1, TIMES / 4);
	flood(GUEST_SET_VRING_ENABLE, payload, -1, TIMES / 4);
	flood(GUEST_SET_VRING_ADDR, payload, -1, TIMES / 4);
	payload[0] = 0x40000000;
	flood(GUEST_SET_FEATURES, payload, -1, TIMES / 4);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 4096);
}

/* Start and stop of a running device. */
static void starts_and_stops(void **state)
{
	struct control_poller poller;

	(void)state;
	control_stage_begin(&stage, "starts");
	control_attach(&stage.target, NULL);
	control_poller_start(&poller);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(guest_stop(stage.target.guest), 0);
		guest_reset(stage.target.guest);
		assert_int_equal(guest_start(stage.target.guest), 0);
	}
	control_poller_stop(&poller);
	control_detach(&stage.target);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 4096);
}

/*
 * Clients that name the highest queue and go: what a vid once needed is kept, so the second
 * time must cost nothing more.
 */
static void the_highest_queue_of_many_clients(void **state)
{
	struct control_counts before;

	(void)state;
	control_stage_begin(&stage, "highest");
	for (int round = 0; round < 6; round++) {
		int sockets[CLIENTS];

		if (round == 1)
			control_count_idle(&before);
		for (int i = 0; i < CLIENTS; i++) {
			uint32_t payload[2] = { 255, 32768 };

			sockets[i] = control_negotiate(&stage.target);
			assert_int_equal(control_ask(sockets[i], GUEST_SET_VRING_NUM, payload, 8,
						     -1), 0);
		}
		for (int i = 0; i < CLIENTS; i++)
			close(sockets[i]);
		control_assert_flat(&stage.before);
	}
	control_assert_memory(&before, 4096);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(descriptors_a_hundred_thousand_times),
	cmocka_unit_test(ring_states_a_hundred_thousand_times),
	cmocka_unit_test(starts_and_stops),
	cmocka_unit_test(the_highest_queue_of_many_clients),
};

CONTROL_MAIN_QUIET(600, tests)
