/* SPDX-License-Identifier: BSD-3-Clause */

/* POSTCOPY_ADVISE, POSTCOPY_LISTEN, POSTCOPY_END, and memory while listening. */
#define _GNU_SOURCE
#include "control.h"

#include <sys/mman.h>

#define PAGE 4096

static struct control_stage stage;

/** A connection that negotiated postcopy and slots. */
static int negotiate(const struct control_device *device)
{
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) |
		GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT) |
		GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS);
	int socket = control_negotiate(device);

	assert_int_equal(control_send(socket, GUEST_SET_PROTOCOL_FEATURES, GUEST_FLAG_VERSION,
				      &protocol, 8, NULL, 0), 0);
	return socket;
}

static int advise(int socket)
{
	struct guest_message message;

	assert_int_equal(control_send(socket, GUEST_POSTCOPY_ADVISE, 1, NULL, 0, NULL, 0), 0);
	assert_int_equal(guest_receive(socket, &message, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(message.request, GUEST_POSTCOPY_ADVISE);
	assert_int_equal(message.flags, 5);
	assert_int_equal(message.size, 0);
	assert_int_equal(message.fd_count, 1);
	return message.fds[0];
}

static int listen_postcopy(int socket)
{
	return control_ask(socket, GUEST_POSTCOPY_LISTEN, NULL, 0, -1);
}

static int page_file(void)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, PAGE), 0);
	return fd;
}

/** The first migration starts a thread that looks after all of them; it is not counted. */
static void start_watch(void)
{
	struct control_device device;
	int socket;

	control_listen(&device, "watch", RTE_VHOST_USER_POSTCOPY_SUPPORT);
	socket = negotiate(&device);
	close(advise(socket));
	close(socket);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
}

static void begin(const char *name)
{
	start_watch();
	control_stage_begin(&stage, name);
	assert_int_equal(rte_vhost_driver_unregister(stage.target.path), 0);
	control_listen(&stage.target, name, RTE_VHOST_USER_POSTCOPY_SUPPORT);
}

static void postcopy_needs_the_flag_and_negotiation(void **state)
{
	static const uint32_t requests[] = { GUEST_POSTCOPY_ADVISE, GUEST_POSTCOPY_LISTEN,
					     GUEST_POSTCOPY_END };
	uint64_t features, protocol, queues;
	int socket;

	(void)state;
	control_stage_begin(&stage, "flag");
	assert_int_equal(guest_probe(stage.target.path, CONTROL_PATIENCE_MS, &features, &protocol,
				     &queues), 0);
	assert_int_equal(protocol & GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT), 0);
	assert_int_equal(rte_vhost_driver_set_protocol_features(stage.target.path, UINT64_MAX), 0);
	assert_int_equal(rte_vhost_driver_get_protocol_features(stage.target.path, &protocol), 0);
	assert_int_equal(protocol & GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT), 0);
	control_stage_end(&stage);
	begin("negotiated");
	assert_int_equal(guest_probe(stage.target.path, CONTROL_PATIENCE_MS, &features, &protocol,
				     &queues), 0);
	assert_true(protocol & GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT));
	for (size_t i = 0; i < CONTROL_COUNT(requests); i++) {
		socket = control_negotiate(&stage.target);
		assert_int_equal(control_ask(socket, requests[i], NULL, 0, -1), 1);
		close(socket);
		/* Sizes that these have not. */
		socket = negotiate(&stage.target);
		control_send(socket, requests[i], 9, NULL, 8, NULL, 0);
		assert_true(control_hangs_up(socket));
		close(socket);
	}
	control_stage_end(&stage);
}

static void steps_in_the_wrong_order_are_refused(void **state)
{
	struct guest_mem_single single = { .region = { .gpa = 0, .size = PAGE,
						       .user_addr = 1 << 20 } };
	uint64_t value = 9;
	int socket, file;

	(void)state;
	begin("order");
	socket = negotiate(&stage.target);
	assert_int_equal(listen_postcopy(socket), 1);
	assert_int_equal(control_ask(socket, GUEST_POSTCOPY_END, NULL, 0, -1), 1);
	close(advise(socket));
	close(advise(socket));
	/* Memory that nobody watches. */
	file = page_file();
	assert_int_equal(control_ask(socket, GUEST_ADD_MEM_REG, &single, sizeof(single), file), 0);
	assert_int_equal(listen_postcopy(socket), 1);
	assert_int_equal(control_ask(socket, GUEST_REM_MEM_REG, &single, sizeof(single), -1), 0);
	assert_int_equal(listen_postcopy(socket), 0);
	assert_int_equal(listen_postcopy(socket), 1);
	assert_int_equal(control_ask(socket, GUEST_POSTCOPY_ADVISE, NULL, 0, -1), 1);
	/* A confirmation of nothing. */
	value = 0;
	assert_int_equal(control_ask(socket, GUEST_SET_MEM_TABLE, &value, 8, -1), 1);
	control_send(socket, GUEST_POSTCOPY_END, 1, NULL, 0, NULL, 0);
	assert_int_equal(control_reply(socket, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(control_ask(socket, GUEST_POSTCOPY_END, NULL, 0, -1), 1);
	close(socket);
	close(file);
	control_stage_end(&stage);
}

/* ADD_MEM_REG while listening is answered with our address, its confirmation not at all. */
static void slots_are_answered_with_addresses(void **state)
{
	struct guest_mem_single single = { .region = { .gpa = 1 << 20, .size = PAGE,
						       .user_addr = 1 << 21 } };
	struct guest_message message, first;
	uint64_t value = 0, host;
	int socket, file;

	(void)state;
	begin("slots");
	file = page_file();
	socket = negotiate(&stage.target);
	close(advise(socket));
	assert_int_equal(listen_postcopy(socket), 0);
	control_send(socket, GUEST_ADD_MEM_REG, 9, &single, sizeof(single), &file, 1);
	assert_int_equal(guest_receive(socket, &message, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(message.request, GUEST_ADD_MEM_REG);
	assert_int_equal(message.size, sizeof(single));
	assert_int_equal(message.payload.single.region.gpa, single.region.gpa);
	assert_int_equal(message.payload.single.region.size, PAGE);
	assert_true(message.payload.single.region.user_addr != 0 &&
		    message.payload.single.region.user_addr != single.region.user_addr);
	first = message;
	control_send(socket, GUEST_ADD_MEM_REG, 9, &value, 8, NULL, 0);
	control_send(socket, GUEST_GET_FEATURES, 1, NULL, 0, NULL, 0);
	assert_int_equal(guest_receive(socket, &message, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(message.request, GUEST_GET_FEATURES);
	/* The same again, as QEMU sends it for each pair of queues: where it is already. */
	host = first.payload.single.region.user_addr;
	control_send(socket, GUEST_ADD_MEM_REG, 9, &single, sizeof(single), &file, 1);
	assert_int_equal(guest_receive(socket, &message, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(message.request, GUEST_ADD_MEM_REG);
	assert_true(message.payload.single.region.user_addr == host);
	control_send(socket, GUEST_ADD_MEM_REG, 9, &value, 8, NULL, 0);
	/* Another one in its place, and a confirmation that is none. */
	single.region.user_addr += PAGE;
	assert_int_equal(control_ask(socket, GUEST_ADD_MEM_REG, &single, sizeof(single), file), 1);
	value = 1;
	assert_int_equal(control_ask(socket, GUEST_ADD_MEM_REG, &value, 8, -1), 1);
	control_send(socket, GUEST_ADD_MEM_REG, 9, &single, 39, &file, 1);
	assert_true(control_hangs_up(socket));
	close(socket);
	close(file);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(postcopy_needs_the_flag_and_negotiation),
	cmocka_unit_test(steps_in_the_wrong_order_are_refused),
	cmocka_unit_test(slots_are_answered_with_addresses),
};

CONTROL_MAIN_QUIET(200, tests)
