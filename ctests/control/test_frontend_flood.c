/* SPDX-License-Identifier: BSD-3-Clause */

/* The same message very often, and all messages in any order: nothing may grow. */
#define _GNU_SOURCE
#include "control.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define TIMES 100000
#define ORDERS 60000
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

static void sizes_a_hundred_thousand_times(void **state)
{
	uint32_t payload[2] = { 1, 256 };

	(void)state;
	control_stage_begin(&stage, "num");
	for (uint32_t size = 1; size <= 32768; size *= 8) {
		payload[1] = size;
		flood(GUEST_SET_VRING_NUM, payload, -1, TIMES / 6);
	}
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 4096);
}

static void tables_a_hundred_thousand_times(void **state)
{
	uint64_t payload[5] = { 1, 0, 65536, 0, 0 };
	int fd;

	(void)state;
	control_stage_begin(&stage, "table");
	fd = memfd_create("guest-flood", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 65536), 0);
	flood(GUEST_SET_MEM_TABLE, payload, fd, TIMES);
	close(fd);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 4096);
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

/** A plausible message: right size, values near what is right. */
static int random_message(struct guest_random *random, int socket, struct guest *guest,
			  int eventfd, int file)
{
	static const uint32_t requests[] = { 1, 2, 3, 4, 5, 5, 8, 8, 9, 9, 10, 11, 12, 12, 13, 14,
					     15, 16, 17, 18, 18, 19, 20, 39, 40 };
	uint32_t request = requests[guest_random_range(random, 0, CONTROL_COUNT(requests) - 1)];
	uint32_t index = guest_random_range(random, 0, 3), fd_count = 0;
	uint32_t flags = guest_random_range(random, 0, 99) ? 9 : 1;
	union guest_payload payload;
	int fd = eventfd;

	/* It resets the device, which seldom gets ready then. */
	if (request == GUEST_RESET_OWNER && guest_random_range(random, 0, 19))
		request = GUEST_SET_OWNER;
	memset(&payload, 0, sizeof(payload));
	payload.state.index = index;
	payload.state.number = guest_random_range(random, 0, 9) ? 256 :
			       1u << guest_random_range(random, 0, 8);
	if (request == GUEST_SET_VRING_ADDR) {
		guest_ring_addr(&guest->queues[index % 2], &payload.addr);
		payload.addr.index = index;
	} else if (request == GUEST_SET_MEM_TABLE) {
		payload.table.count = 1;
		payload.table.regions[0] = (struct guest_wire_region){
			.gpa = guest->memory.regions[0].gpa,
			.size = guest->memory.regions[0].size,
			.user_addr = (uintptr_t)guest->memory.regions[0].host };
		fd_count = 1;
		fd = file;
	} else if (request >= GUEST_SET_VRING_KICK && request <= GUEST_SET_VRING_ERR) {
		fd_count = guest_random_range(random, 0, 5) > 0;
		payload.u64 = index | (fd_count ? 0 : GUEST_VRING_NOFD);
	} else if (request == GUEST_SET_FEATURES) {
		payload.u64 = GUEST_DEFAULT_FEATURES & guest_random_next(random);
		payload.u64 |= GUEST_BIT(GUEST_F_PROTOCOL_FEATURES);
	} else if (request == GUEST_SET_PROTOCOL_FEATURES) {
		payload.u64 = 0x1001d | (guest_random_range(random, 0, 9) ? 0 : 1ULL << 40);
	} else if (request == GUEST_SET_VRING_ENABLE) {
		payload.state.number = guest_random_range(random, 0, 9) > 0;
	} else if (request == GUEST_SET_STATUS) {
		payload.u64 = guest_random_range(random, 0, 9) ? 0xf : 0;
	}
	return control_send(socket, request, flags, &payload, control_payload_size(request), &fd,
			    fd_count);
}

/* Any order, with seeds, while an application polls whatever comes up. */
static void messages_in_any_order(void **state)
{
	struct guest_random random = { .state = 20210826 };
	struct control_poller poller;
	struct guest_config config;
	struct guest *guest;
	int event, at;

	(void)state;
	control_stage_begin(&stage, "order");
	guest_config_init(&config);
	config.socket_path = stage.target.path;
	assert_int_equal(guest_create(&config, &guest), 0);
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	control_poller_start(&poller);
	at = control_events();
	for (int i = 0; i < ORDERS;) {
		int socket = control_negotiate(&stage.target), ret = 0;
		char bytes[4096];

		for (int j = 0; j < 200 && ret == 0; j++, i++) {
			ret = random_message(&random, socket, guest, event,
					     guest->memory.regions[0].fd);
			while (recv(socket, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
				;
		}
		control_finish(socket);
	}
	control_poller_stop(&poller);
	/* It was not all refused. */
	assert_true(control_count_events(at, CONTROL_NEW_DEVICE, -1) > 10);
	close(event);
	guest_destroy(guest);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 16384);
}

static void features_that_were_not_offered(void **state)
{
	uint64_t offered, bits;
	int socket;

	(void)state;
	control_stage_begin(&stage, "features");
	assert_int_equal(rte_vhost_driver_get_features(stage.target.path, &offered), 0);
	socket = control_negotiate(&stage.target);
	for (int bit = 0; bit < 64; bit++) {
		bits = GUEST_BIT(GUEST_F_PROTOCOL_FEATURES) | GUEST_BIT(bit);
		assert_int_equal(control_ask(socket, GUEST_SET_FEATURES, &bits, 8, -1),
				 (bits & ~offered) != 0);
	}
	assert_int_equal(rte_vhost_driver_get_protocol_features(stage.target.path, &offered), 0);
	for (int bit = 0; bit < 64; bit++) {
		bits = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | GUEST_BIT(bit);
		assert_int_equal(control_ask(socket, GUEST_SET_PROTOCOL_FEATURES, &bits, 8, -1),
				 (bits & ~offered) != 0);
	}
	close(socket);
	control_stage_end(&stage);
}

/* The header's size must not change under a running ring. */
static void features_renegotiated_while_running(void **state)
{
	struct guest *guest;
	uint64_t features = 0;

	(void)state;
	control_stage_begin(&stage, "renegotiated");
	control_attach(&stage.target, NULL);
	guest = stage.target.guest;
	for (int bit = 0; bit < 36; bit++)
		/* LOG_ALL alone comes and goes: test_migration_log.c. */
		if (guest->offered & GUEST_BIT(bit) && bit != GUEST_F_LOG_ALL) {
			uint64_t other = guest->features ^ GUEST_BIT(bit);

			assert_int_equal(guest_set_features(&guest->frontend, other), -EREMOTEIO);
		}
	assert_int_equal(guest_set_features(&guest->frontend, guest->features), 0);
	assert_int_equal(rte_vhost_get_negotiated_features(stage.target.vid, &features), 0);
	assert_int_equal(features, guest->features);
	control_send_good(&stage.target, 1);
	control_receive_good(&stage.target, 2);
	/* Stopped, it may. */
	assert_int_equal(guest_stop(guest), 0);
	guest_reset(guest);
	guest->features = GUEST_BIT(GUEST_F_PROTOCOL_FEATURES);
	assert_int_equal(guest_start(guest), 0);
	control_send_good(&stage.target, 3);
	control_receive_good(&stage.target, 4);
	control_detach(&stage.target);
	control_stage_end(&stage);
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
			control_count(&before);
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
	cmocka_unit_test(sizes_a_hundred_thousand_times),
	cmocka_unit_test(tables_a_hundred_thousand_times),
	cmocka_unit_test(descriptors_a_hundred_thousand_times),
	cmocka_unit_test(ring_states_a_hundred_thousand_times),
	cmocka_unit_test(starts_and_stops),
	cmocka_unit_test(messages_in_any_order),
	cmocka_unit_test(features_that_were_not_offered),
	cmocka_unit_test(features_renegotiated_while_running),
	cmocka_unit_test(the_highest_queue_of_many_clients),
};

CONTROL_MAIN_QUIET(600, tests)
