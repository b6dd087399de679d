/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What only an application's handlers serve: configuration space and crypto sessions; and what
 * puts a device back to its beginning: RESET_DEVICE, RESET_OWNER.
 */
#define _GNU_SOURCE
#include "control.h"

#include <rte_vhost_crypto.h>

#define PROTOCOL (GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | GUEST_BIT(GUEST_PROTOCOL_MQ))
#define CONFIG GUEST_BIT(GUEST_PROTOCOL_CONFIG)
#define CRYPTO GUEST_BIT(GUEST_PROTOCOL_CRYPTO_SESSION)
#define RESET GUEST_BIT(GUEST_PROTOCOL_RESET_DEVICE)

/** Bytes in front of a configuration space's. */
#define CONFIG_HEAD 12
/** Parameters of a crypto session, as QEMU up to 7.2 sends and DPDK 21.08 reads them. */
#define SESSION 632

static struct control_device one;
static bool serves, works;
static uint8_t space[256];
static uint8_t session_seen[SESSION];
static uint64_t closed;

/** Configuration space and sessions, as a storage or crypto target has them. */
static enum rte_vhost_msg_result serve(int vid, void *argument)
{
	uint8_t *message = argument;
	struct guest_config_space *config = (void *)(message + 12);
	uint32_t header[3];

	(void)vid;
	memcpy(header, message, sizeof(header));
	switch (header[0]) {
	case GUEST_GET_CONFIG:
		if (!works)
			return RTE_VHOST_MSG_RESULT_ERR;
		memcpy(config->bytes, space + config->offset, config->size);
		return RTE_VHOST_MSG_RESULT_REPLY;
	case GUEST_SET_CONFIG:
		if (!works)
			return RTE_VHOST_MSG_RESULT_ERR;
		memcpy(space + config->offset, config->bytes, config->size);
		return RTE_VHOST_MSG_RESULT_OK;
	case GUEST_CREATE_CRYPTO_SESSION:
		memcpy(session_seen, message + 12, SESSION);
		/* The session's id is the first field. */
		memcpy(message + 12, &(uint64_t){ works ? 4711 : UINT64_MAX }, 8);
		return RTE_VHOST_MSG_RESULT_REPLY;
	case GUEST_CLOSE_CRYPTO_SESSION:
		memcpy(&closed, message + 12, 8);
		return RTE_VHOST_MSG_RESULT_OK;
	default:
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	}
}

static void hook(enum control_kind kind, int vid)
{
	static const struct rte_vhost_user_extern_ops ops = { .pre_msg_handle = serve };

	if (kind == CONTROL_NEW_CONNECTION && serves)
		assert_int_equal(rte_vhost_extern_callback_register(vid, &ops, NULL), 0);
}

/** Connect a frontend that negotiates @p more of what is offered. */
static void begin(struct guest_frontend *frontend, const char *name, uint64_t offered,
		  uint64_t more)
{
	control_answers.hook = hook;
	control_path(one.path, name);
	assert_int_equal(rte_vhost_driver_register(one.path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(one.path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_set_protocol_features(one.path, PROTOCOL | offered), 0);
	assert_int_equal(rte_vhost_driver_start(one.path), 0);
	guest_frontend_init(frontend, CONTROL_PATIENCE_MS);
	assert_int_equal(guest_frontend_connect(frontend, one.path), 0);
	assert_int_equal(guest_set_protocol_features(frontend, PROTOCOL | more), 0);
	frontend->reply_ack = true;
}

static void finish(struct guest_frontend *frontend)
{
	guest_frontend_destroy(frontend);
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
	control_answers.hook = NULL;
}

static void configuration_is_read_and_written(void **state)
{
	struct guest_config_space config = { .offset = 8, .size = 60 };
	struct guest_frontend frontend;

	(void)state;
	serves = works = true;
	for (int i = 0; i < 256; i++)
		space[i] = (uint8_t)(i * 7);
	begin(&frontend, "config", CONFIG, CONFIG);
	assert_int_equal(guest_get_config(&frontend, &config), 0);
	assert_int_equal(config.size, 60);
	assert_memory_equal(config.bytes, space + 8, 60);
	memset(config.bytes, 0xee, 60);
	assert_int_equal(guest_set_config(&frontend, &config), 0);
	assert_int_equal(space[7], 49);
	for (int i = 8; i < 68; i++)
		assert_int_equal(space[i], 0xee);
	assert_int_equal(space[68], (uint8_t)(68 * 7));
	finish(&frontend);
}

/** GET_CONFIG and its answer's payload size. */
static uint32_t get_config(struct guest_frontend *frontend, uint32_t request_size)
{
	uint8_t payload[CONFIG_HEAD + 256] = { 0 };
	struct guest_message reply;

	payload[4] = 16;
	assert_int_equal(control_send(frontend->socket, GUEST_GET_CONFIG, GUEST_FLAG_VERSION,
				      payload, request_size, NULL, 0), 0);
	assert_int_equal(guest_receive(frontend->socket, &reply, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(reply.request, GUEST_GET_CONFIG);
	assert_int_equal(reply.flags, GUEST_FLAG_VERSION | GUEST_FLAG_REPLY);
	return reply.size;
}

/* vhost-user, GET_CONFIG: "zero length of payload to indicate an error". */
static void failures_to_read_it_are_empty_answers(void **state)
{
	struct guest_config_space config = { .size = 16 };
	struct guest_frontend frontend;

	(void)state;
	for (int i = 0; i < 2; i++) {
		serves = i == 1;
		works = false;
		begin(&frontend, "empty", CONFIG, CONFIG);
		assert_int_equal(get_config(&frontend, CONFIG_HEAD + 16), 0);
		/* And the connection lives on. */
		assert_int_equal(guest_set_config(&frontend, &config), -EREMOTEIO);
		assert_int_equal(guest_set_owner(&frontend), 0);
		finish(&frontend);
	}
	serves = works = true;
	begin(&frontend, "full", CONFIG, CONFIG);
	assert_int_equal(get_config(&frontend, CONFIG_HEAD + 16), CONFIG_HEAD + 16);
	finish(&frontend);
}

/** A size field that says more than came, in it or in the message. */
static void wrong_sizes_end_the_connection(void **state)
{
	static const struct { uint32_t request, message, field; } wrong[] = {
		{ GUEST_GET_CONFIG, 0, 0 }, { GUEST_GET_CONFIG, 11, 0 },
		{ GUEST_GET_CONFIG, CONFIG_HEAD, 1 }, { GUEST_GET_CONFIG, CONFIG_HEAD + 16, 17 },
		{ GUEST_GET_CONFIG, CONFIG_HEAD + 256, 257 },
		{ GUEST_GET_CONFIG, CONFIG_HEAD + 256, UINT32_MAX },
		{ GUEST_GET_CONFIG, CONFIG_HEAD + 257, 256 },
		{ GUEST_SET_CONFIG, CONFIG_HEAD, 256 },
		{ GUEST_SET_CONFIG, CONFIG_HEAD + 256, 0x80000000 },
		{ GUEST_CREATE_CRYPTO_SESSION, SESSION - 1, 0 },
		{ GUEST_CREATE_CRYPTO_SESSION, SESSION + 1, 0 },
		{ GUEST_CREATE_CRYPTO_SESSION, 0, 0 }, { GUEST_CLOSE_CRYPTO_SESSION, 4, 0 },
		{ GUEST_CLOSE_CRYPTO_SESSION, SESSION, 0 }, { GUEST_RESET_DEVICE, 8, 0 },
	};
	struct guest_frontend frontend;

	(void)state;
	serves = works = true;
	for (size_t i = 0; i < CONTROL_COUNT(wrong); i++) {
		uint32_t payload[200] = { 0, wrong[i].field };

		begin(&frontend, "sizes", CONFIG | CRYPTO | RESET, CONFIG | CRYPTO | RESET);
		assert_int_equal(control_send(frontend.socket, wrong[i].request, 9, payload,
					      wrong[i].message, NULL, 0), 0);
		assert_true(control_hangs_up(frontend.socket));
		finish(&frontend);
	}
}

static void none_of_them_carries_descriptors(void **state)
{
	static const uint32_t requests[][2] = { { GUEST_GET_CONFIG, 28 }, { GUEST_SET_CONFIG, 28 },
						{ GUEST_CREATE_CRYPTO_SESSION, SESSION },
						{ GUEST_CLOSE_CRYPTO_SESSION, 8 },
						{ GUEST_RESET_DEVICE, 0 } };
	struct guest_frontend frontend;

	(void)state;
	serves = works = true;
	for (size_t i = 0; i < CONTROL_COUNT(requests); i++) {
		begin(&frontend, "fds", CONFIG | CRYPTO | RESET, CONFIG | CRYPTO | RESET);
		assert_int_equal(control_send(frontend.socket, requests[i][0], 9, NULL,
					      requests[i][1], (int[]){ 0 }, 1), 0);
		assert_true(control_hangs_up(frontend.socket));
		finish(&frontend);
	}
}

static void each_wants_its_protocol_feature(void **state)
{
	struct guest_config_space config = { .size = 16 };
	struct guest_frontend frontend;

	(void)state;
	serves = works = true;
	begin(&frontend, "negotiated", CONFIG | CRYPTO | RESET, 0);
	assert_int_equal(guest_set_config(&frontend, &config), -EREMOTEIO);
	assert_int_equal(guest_reset_device(&frontend), -EREMOTEIO);
	assert_int_equal(control_ask(frontend.socket, GUEST_GET_CONFIG, &config, 28, -1), 1);
	assert_int_equal(control_ask(frontend.socket, GUEST_CLOSE_CRYPTO_SESSION, NULL, 8, -1), 1);
	assert_int_equal(
		control_ask(frontend.socket, GUEST_CREATE_CRYPTO_SESSION, NULL, SESSION, -1), 1);
	finish(&frontend);
}

static void sessions_reach_the_application(void **state)
{
	uint8_t payload[SESSION];
	struct guest_frontend frontend;
	struct guest_message reply;
	int64_t id;

	(void)state;
	serves = works = true;
	for (int i = 0; i < SESSION; i++)
		payload[i] = (uint8_t)(i ^ i >> 8);
	begin(&frontend, "session", CRYPTO, CRYPTO);
	assert_int_equal(control_send(frontend.socket, GUEST_CREATE_CRYPTO_SESSION,
				      GUEST_FLAG_VERSION, payload, SESSION, NULL, 0), 0);
	assert_int_equal(guest_receive(frontend.socket, &reply, CONTROL_PATIENCE_MS), 0);
	assert_memory_equal(session_seen, payload, SESSION);
	assert_int_equal(reply.size, SESSION);
	memcpy(&id, reply.payload.bytes, 8);
	assert_int_equal(id, 4711);
	assert_memory_equal(reply.payload.bytes + 8, payload + 8, SESSION - 8);
	assert_int_equal(control_ask(frontend.socket, GUEST_CLOSE_CRYPTO_SESSION,
				     &(uint64_t){ 4711 }, 8, -1), 0);
	assert_int_equal(closed, 4711);
	finish(&frontend);
	/* Without application nobody serves them. */
	serves = false;
	begin(&frontend, "nobody", CRYPTO, CRYPTO);
	assert_int_equal(
		control_ask(frontend.socket, GUEST_CREATE_CRYPTO_SESSION, NULL, SESSION, -1), 1);
	assert_int_equal(
		control_ask(frontend.socket, GUEST_CLOSE_CRYPTO_SESSION, NULL, 8, -1), 1);
	finish(&frontend);
}

/* rte_vhost_crypto.h: "0, or negative". */
static void crypto_functions_fail_as_documented(void **state)
{
	static char text[CONTROL_TEXT];
	uint16_t count = 7;
	int fds[VIRTIO_CRYPTO_MAX_NUM_BURST_VQS];

	(void)state;
	assert_true(CONTROL_LOGGED(text, rte_vhost_crypto_driver_start("/tmp/none")) < 0);
	control_assert_line(text, "rte_vhost_crypto_driver_start", "not supported", NULL);
	/* One line is enough. */
	assert_true(CONTROL_LOGGED(text, rte_vhost_crypto_create(0, 0, NULL, NULL, 0)) < 0);
	assert_string_equal(text, "");
	assert_true(rte_vhost_crypto_driver_start(NULL) < 0);
	assert_true(rte_vhost_crypto_free(0) < 0);
	assert_true(rte_vhost_crypto_set_zero_copy(0, RTE_VHOST_CRYPTO_ZERO_COPY_ENABLE) < 0);
	assert_int_equal(rte_vhost_crypto_fetch_requests(0, 0, NULL, 32), 0);
	assert_int_equal(rte_vhost_crypto_finalize_requests(NULL, 32, fds, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(rte_vhost_crypto_finalize_requests(NULL, 0, NULL, NULL), 0);
}

/** A device in use, put back by a message, and used again. */
static void reset_by(uint64_t offered, int (*reset)(struct guest_frontend *))
{
	struct guest_config config;
	uint64_t features;
	int from;

	control_listen(&one, "reset", 0);
	control_close(&one);
	control_path(one.path, "reset");
	assert_int_equal(rte_vhost_driver_register(one.path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(one.path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_set_protocol_features(
				 one.path, PROTOCOL | GUEST_BIT(GUEST_PROTOCOL_STATUS) | offered),
			 0);
	assert_int_equal(rte_vhost_driver_start(one.path), 0);
	guest_config_init(&config);
	config.protocol_features |= offered;
	control_attach(&one, &config);
	for (int i = 0; i < 3; i++) {
		control_send_good(&one, (uint64_t)i);
		control_receive_good(&one, (uint64_t)i);
		from = control_events();
		assert_int_equal(reset(&one.guest->frontend), 0);
		assert_int_equal(control_count_events(from, CONTROL_DESTROY_DEVICE, one.vid), 1);
		assert_int_equal(control_count_events(from, CONTROL_DESTROY_CONNECTION, one.vid),
				 0);
		assert_int_equal(control_count_events(from, CONTROL_STATE, one.vid), 2);
		assert_int_equal(rte_vhost_get_negotiated_features(one.vid, &features), 0);
		assert_int_equal(features, 0);
		assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(),
							 (struct rte_mbuf *[1]){ NULL }, 1), 0);
		/* A guest that begins anew. */
		guest_reset(one.guest);
		assert_int_equal(guest_set_protocol_features(&one.guest->frontend,
							     one.guest->protocol_features), 0);
		assert_int_equal(guest_start(one.guest), 0);
		assert_true(control_wait_event(from, CONTROL_NEW_DEVICE, one.vid) >= 0);
	}
	control_send_good(&one, 9);
	control_receive_good(&one, 9);
	control_close(&one);
	control_assert_pool();
}

static void reset_device_begins_anew(void **state)
{
	(void)state;
	reset_by(RESET, guest_reset_device);
}

static void reset_owner_begins_anew(void **state)
{
	(void)state;
	reset_by(0, guest_reset_owner);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(configuration_is_read_and_written),
	cmocka_unit_test(failures_to_read_it_are_empty_answers),
	cmocka_unit_test(wrong_sizes_end_the_connection),
	cmocka_unit_test(none_of_them_carries_descriptors),
	cmocka_unit_test(each_wants_its_protocol_feature),
	cmocka_unit_test(sessions_reach_the_application),
	cmocka_unit_test(crypto_functions_fail_as_documented),
	cmocka_unit_test(reset_device_begins_anew),
	cmocka_unit_test(reset_owner_begins_anew),
};

CONTROL_MAIN_QUIET(120, tests)
