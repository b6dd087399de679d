/* SPDX-License-Identifier: BSD-3-Clause */

/* GET_CONFIG and SET_CONFIG where hardware serves the device: DPDK 22.11's operations do them. */
#define _GNU_SOURCE
#include "control.h"

#include "control_vdpa.h"

#define PROTOCOL (GUEST_BIT(GUEST_PROTOCOL_MQ) | GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | \
		  GUEST_BIT(GUEST_PROTOCOL_CONFIG))
#define HEAD 12

static struct control_device one;
static uint8_t space[256];
static uint32_t last_size, last_offset, last_flags, calls;
static int answer;

static int read_space(int vid, uint8_t *config, uint32_t size)
{
	(void)vid;
	calls++;
	last_size = size;
	if (size > sizeof(space))
		abort();
	memcpy(config, space, size);
	return answer;
}

static int write_space(int vid, uint8_t *config, uint32_t offset, uint32_t size, uint32_t flags)
{
	(void)vid;
	calls++;
	last_size = size;
	last_offset = offset;
	last_flags = flags;
	if (size > sizeof(space) || offset > sizeof(space) - size)
		abort();
	if (answer == 0)
		memcpy(space + offset, config, size);
	return answer;
}

/** Connect a frontend to a socket of hardware with these operations. */
static void begin(struct guest_frontend *frontend, const char *name, bool reads, bool writes)
{
	control_vdpa_init(name);
	control_vdpa.ops.get_config = reads ? read_space : NULL;
	control_vdpa.ops.set_config = writes ? write_space : NULL;
	control_vdpa_register();
	control_path(one.path, name);
	assert_int_equal(rte_vhost_driver_register(one.path, 0), 0);
	assert_int_equal(rte_vhost_driver_attach_vdpa_device(one.path, control_vdpa.registered), 0);
	assert_int_equal(rte_vhost_driver_callback_register(one.path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_set_protocol_features(one.path, PROTOCOL), 0);
	assert_int_equal(rte_vhost_driver_start(one.path), 0);
	guest_frontend_init(frontend, CONTROL_PATIENCE_MS);
	assert_int_equal(guest_frontend_connect(frontend, one.path), 0);
	assert_int_equal(guest_set_protocol_features(frontend, PROTOCOL), 0);
	frontend->reply_ack = true;
	calls = 0;
	answer = 0;
	for (int i = 0; i < 256; i++)
		space[i] = (uint8_t)(i * 7);
}

static void finish(struct guest_frontend *frontend)
{
	guest_frontend_destroy(frontend);
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
}

static void hardware_reads_and_writes(void **state)
{
	struct guest_config_space config = { .size = 60, .flags = 1 };
	struct guest_frontend frontend;

	(void)state;
	begin(&frontend, "hardware", true, true);
	assert_int_equal(guest_get_config(&frontend, &config), 0);
	assert_int_equal(last_size, 60);
	assert_int_equal(config.size, 60);
	assert_memory_equal(config.bytes, space, 60);
	/* A piece from the middle. */
	config.offset = 100;
	config.size = 156;
	assert_int_equal(guest_get_config(&frontend, &config), 0);
	assert_memory_equal(config.bytes, space + 100, 156);
	config.offset = 8;
	config.size = 60;
	memset(config.bytes, 0xee, 60);
	assert_int_equal(guest_set_config(&frontend, &config), 0);
	assert_int_equal(last_offset, 8);
	assert_int_equal(last_size, 60);
	assert_int_equal(last_flags, 1);
	assert_int_equal(space[7], 49);
	assert_int_equal(space[8], 0xee);
	assert_int_equal(space[67], 0xee);
	assert_int_equal(space[68], (uint8_t)(68 * 7));
	finish(&frontend);
}

/** Payload size of the answer to GET_CONFIG. */
static uint32_t ask(struct guest_frontend *frontend)
{
	uint8_t payload[HEAD + 16] = { 0 };
	struct guest_message reply;

	payload[4] = 16;
	assert_int_equal(control_send(frontend->socket, GUEST_GET_CONFIG, GUEST_FLAG_VERSION,
				      payload, sizeof(payload), NULL, 0), 0);
	assert_int_equal(guest_receive(frontend->socket, &reply, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(reply.request, GUEST_GET_CONFIG);
	return reply.size;
}

static void failures_are_passed_on(void **state)
{
	struct guest_config_space config = { .size = 16 };
	struct guest_frontend frontend;

	(void)state;
	/* It fails; it has no such operation; it has none at all. */
	for (int i = 0; i < 3; i++) {
		begin(&frontend, "failing", i == 0, i <= 1);
		answer = -1;
		assert_int_equal(ask(&frontend), 0);
		assert_int_equal(calls, i == 0);
		assert_true(guest_set_config(&frontend, &config) != 0);
		assert_int_equal(calls, i == 0 ? 2 : i == 1 ? 1 : 0);
		finish(&frontend);
	}
}

/** What no configuration space has never reaches the driver. */
static void pieces_beyond_the_space_are_refused(void **state)
{
	static const struct { uint32_t offset, size, payload; } pieces[] = {
		{ 1, 256, 256 }, { 256, 1, 16 }, { 257, 0, 16 }, { UINT32_MAX, 16, 16 },
		{ 0x80000000, 16, 16 }, { 241, 16, 16 }, { 0, 17, 16 }, { 0, UINT32_MAX, 256 },
	};
	struct guest_frontend frontend;

	(void)state;
	for (size_t i = 0; i < CONTROL_COUNT(pieces) * 2; i++) {
		uint32_t payload[(HEAD + 256) / 4] = {
			pieces[i / 2].offset, pieces[i / 2].size,
		};

		begin(&frontend, "beyond", true, true);
		control_send(frontend.socket, i % 2 ? GUEST_GET_CONFIG : GUEST_SET_CONFIG,
			     GUEST_FLAG_VERSION, payload, HEAD + pieces[i / 2].payload, NULL, 0);
		assert_true(control_hangs_up(frontend.socket));
		assert_int_equal(calls, 0);
		finish(&frontend);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hardware_reads_and_writes),
	cmocka_unit_test(failures_are_passed_on),
	cmocka_unit_test(pieces_beyond_the_space_are_refused),
};

CONTROL_MAIN_QUIET(120, tests)
