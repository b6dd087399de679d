/* SPDX-License-Identifier: BSD-3-Clause */

/* Messages of any shape, in pieces, with as many descriptors as there can be. */
#define _GNU_SOURCE
#include "control.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define MANY_FDS 253
#define FUZZED 20000

static struct control_stage stage;
static int fds[MANY_FDS];

static void make_fds(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		fds[i] = i % 2 ? eventfd(0, EFD_CLOEXEC) : memfd_create("x", MFD_CLOEXEC);
}

static void drop_fds(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
}

/** Everything the backend answered is thrown away. */
static void drain(int socket)
{
	char bytes[4096];

	while (recv(socket, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static uint32_t random_size(struct guest_random *random, uint32_t request)
{
	uint32_t right = control_payload_size(request);

	switch (guest_random_range(random, 0, 7)) {
	case 0:
		return right + 1;
	case 1:
		return right ? right - 1 : 0;
	case 2:
		return guest_random_range(random, 0, 600);
	case 3:
		return guest_random_range(random, 0, 15) ? right : 0xffffffff;
	default:
		return right;
	}
}

/* Random requests, sizes, flags, bytes and descriptors, many on each connection. */
static void random_messages(void **state)
{
	struct guest_random random = { .state = 0x5eed };
	uint8_t payload[1024];

	(void)state;
	control_stage_begin(&stage, "random");
	make_fds(9);
	for (int i = 0; i < FUZZED;) {
		int socket = control_connect(&stage.target), ret = 0;

		for (int j = 0; j < 20 && ret == 0; j++, i++) {
			uint32_t request = guest_random_range(&random, 0, CONTROL_LAST_REQUEST);
			uint32_t size = random_size(&random, request);

			for (int k = 0; k < 64; k++)
				((uint64_t *)payload)[k] = guest_random_range(&random, 0, 9) ? 0 :
							   guest_random_next(&random);
			ret = control_send(socket, request, guest_random_range(&random, 0, 15),
					   payload, size <= 1024 ? size : 0, fds,
					   guest_random_range(&random, 0, 9));
			drain(socket);
		}
		control_finish(socket);
		if (i % 2000 < 20)
			control_echo_check(&stage.echo, 20);
	}
	drop_fds(9);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 16384);
}

/* A whole message in single bytes is a whole message. */
static void single_bytes_are_put_together(void **state)
{
	uint32_t header[3] = { GUEST_SET_VRING_CALL, 9, 8 };
	uint8_t bytes[20] = { 0 };

	(void)state;
	control_stage_begin(&stage, "single");
	make_fds(2);
	memcpy(bytes, header, 12);
	for (int with = 0; with < 20; with++) {
		int socket = control_negotiate(&stage.target);
		uint64_t value = 9;

		for (int i = 0; i < 20; i++)
			assert_int_equal(guest_send_raw(socket, bytes + i, 1, fds + 1, i == with),
					 1);
		assert_int_equal(control_reply(socket, &value), 0);
		assert_int_equal(value, 0);
		close(socket);
	}
	drop_fds(2);
	control_stage_end(&stage);
}

/* As many descriptors as Linux carries, with whole messages and with single bytes. */
static void floods_of_descriptors(void **state)
{
	uint8_t bytes[20] = { GUEST_SET_VRING_CALL };

	(void)state;
	control_stage_begin(&stage, "flood");
	make_fds(MANY_FDS);
	bytes[4] = 9;
	bytes[8] = 8;
	for (int i = 0; i < 500; i++) {
		int socket = control_connect(&stage.target);

		guest_send_raw(socket, bytes, sizeof(bytes), fds, MANY_FDS);
		close(socket);
	}
	for (unsigned int count = 1; count <= 40; count++) {
		int socket = control_connect(&stage.target), ret = 1;

		for (int i = 0; i < 19 && ret > 0; i++)
			ret = guest_send_raw(socket, bytes + i, 1, fds, count);
		close(socket);
	}
	drop_fds(MANY_FDS);
	control_stage_end(&stage);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	int socket;

	(void)state;
	control_stage_begin(&stage, "pipelined");
	socket = control_connect(&stage.target);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 50; i++) {
			control_send(socket, GUEST_GET_FEATURES, 1, NULL, 0, NULL, 0);
			control_send(socket, GUEST_GET_QUEUE_NUM, 1, NULL, 0, NULL, 0);
		}
		for (int i = 0; i < 100; i++) {
			struct guest_message message;

			assert_int_equal(guest_receive(socket, &message, CONTROL_PATIENCE_MS), 0);
			assert_int_equal(message.request,
					 i % 2 ? GUEST_GET_QUEUE_NUM : GUEST_GET_FEATURES);
			assert_int_equal(message.flags, 5);
			assert_int_equal(message.size, 8);
		}
	}
	close(socket);
	control_stage_end(&stage);
}

/* A peer that asks and never reads must not hold up the others. */
static void answers_that_nobody_reads(void **state)
{
	uint32_t header[3] = { GUEST_GET_FEATURES, 1, 0 };
	int sockets[8];

	(void)state;
	control_stage_begin(&stage, "unread");
	for (int i = 0; i < 8; i++) {
		sockets[i] = control_connect(&stage.target);
		for (int j = 0; j < 20000; j++)
			if (send(sockets[i], header, 12, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
				break;
	}
	control_echo_check(&stage.echo, 500);
	for (int i = 0; i < 8; i++)
		close(sockets[i]);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(random_messages),
	cmocka_unit_test(single_bytes_are_put_together),
	cmocka_unit_test(floods_of_descriptors),
	cmocka_unit_test(pipelined_requests_are_answered_in_order),
	cmocka_unit_test(answers_that_nobody_reads),
};

CONTROL_MAIN_QUIET(600, tests)
