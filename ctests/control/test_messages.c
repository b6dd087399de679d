/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * What a frontend said last and why something of it was refused, by function and by the control
 * socket; and why a port is down, whatever came after its last connection.
 */
#define _GNU_SOURCE
#include "control_client.h"
#include "control_inspect.h"

#include <sys/socket.h>

#define NOBODY 77
#define MOST RTEVHOSTSWIFT_MAX_MESSAGES

static char text[CONTROL_TEXT];
static struct control_device one;

static void the_last_messages_are_told(void **state)
{
	struct rtevhostswift_message messages[MOST + 1];
	struct rtevhostswift_message last;
	int count;

	(void)state;
	control_open(&one, "told", 0, NULL);
	memset(messages, 0xee, sizeof(messages));
	/* More were sent than are remembered. */
	assert_int_equal(rtevhostswift_device_messages_get(one.vid, NULL, 0), MOST);
	assert_int_equal(rtevhostswift_device_messages_get(one.vid, messages, MOST - 1), MOST);
	assert_int_equal(messages[0].request, 0xeeeeeeee);
	count = rtevhostswift_device_messages_get(one.vid, messages, MOST + 1);
	assert_int_equal(count, MOST);
	for (int i = 0; i < count; i++) {
		assert_in_range(messages[i].request, 1, 40);
		assert_in_range(strnlen(messages[i].name, sizeof(messages[i].name)), 5, 40);
		assert_string_equal(messages[i].error, "");
		assert_true(messages[i].time_ns > 0 && messages[i].byte_count < 1000);
		if (i > 0)
			assert_true(messages[i].time_ns >= messages[i - 1].time_ns);
		/* u64: SET_VRING_KICK and SET_VRING_CALL; index and number: SET_VRING_ENABLE. */
		if (messages[i].request == GUEST_SET_VRING_ENABLE) {
			assert_string_equal(messages[i].name, "SET_VRING_ENABLE");
			assert_int_equal(messages[i].byte_count, 8);
		}
	}
	assert_int_equal((uint8_t)messages[count].name[0], 0xee);
	memset(&last, 0xee, sizeof(last));
	assert_int_equal(rtevhostswift_device_last_error_get(one.vid, &last), 0);
	assert_int_equal(last.request, 0xeeeeeeee);
	control_close(&one);
}

static void a_refused_message_is_kept(void **state)
{
	const uint32_t beyond[2] = { 300, 256 };
	struct rtevhostswift_message last, messages[MOST];
	int socket;

	(void)state;
	control_listen(&one, "refused", 0);
	socket = control_negotiate(&one);
	one.vid = 0;
	assert_int_equal(rtevhostswift_device_last_error_get(one.vid, NULL), 0);
	control_capture_begin();
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, beyond, sizeof(beyond), -1), 1);
	control_capture_end(text);
	assert_int_equal(rtevhostswift_device_last_error_get(one.vid, NULL), 1);
	assert_int_equal(rtevhostswift_device_last_error_get(one.vid, &last), 1);
	assert_string_equal(last.name, "SET_VRING_NUM");
	assert_int_equal(last.request, GUEST_SET_VRING_NUM);
	assert_int_equal(last.byte_count, sizeof(beyond));
	assert_true(last.time_ns > 0);
	/* The words of the log. */
	assert_true(strlen(last.error) > 5);
	inspect_assert_has(text, last.error, NULL);
	/* However many come after it. */
	for (int i = 0; i < 2 * MOST; i++)
		assert_int_equal(control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL,
					      0, NULL, 0), 0);
	for (int i = 0; i < 2 * MOST; i++) {
		uint64_t value;

		assert_int_equal(control_reply(socket, &value), 0);
	}
	assert_int_equal(rtevhostswift_device_messages_get(one.vid, messages, MOST), MOST);
	for (int i = 0; i < MOST; i++)
		assert_string_equal(messages[i].name, "GET_FEATURES");
	memset(&last, 0, sizeof(last));
	assert_int_equal(rtevhostswift_device_last_error_get(one.vid, &last), 1);
	assert_string_equal(last.name, "SET_VRING_NUM");
	close(socket);
	control_close(&one);
}

static void nothing_without_a_device(void **state)
{
	struct rtevhostswift_message message = { .request = 5 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		int vid = (int[]){ -1, NOBODY, 1 << 20 }[i];

		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_device_messages_get(
			vid, &message, 1)), -1);
		control_assert_line(text, "rtevhostswift_device_messages_get", "not found", NULL);
		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_device_last_error_get(
			vid, &message)), -1);
		control_assert_line(text, "rtevhostswift_device_last_error_get", "not found",
				    NULL);
		assert_int_equal(message.request, 5);
	}
}

static void nothing_of_a_path_that_is_not_registered(void **state)
{
	struct rtevhostswift_connection_end end = { .vid = 77 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		const char *path = (const char *[]){ NULL, "", "/run/no.sock" }[i];
		const char *words = i < 2 ? "the path is missing" : "not found";

		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_driver_last_end_get(
			path, &end)), -1);
		control_assert_line(text, "rtevhostswift_driver_last_end_get", words, NULL);
		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_driver_last_refusal_get(
			path, &end)), -1);
		control_assert_line(text, "rtevhostswift_driver_last_refusal_get", words, NULL);
		assert_int_equal(end.vid, 77);
	}
}

/** Ask until the answer has these words. */
static void wait_for(const char *words)
{
	for (int64_t start = control_now_ms();; control_sleep_ms(20)) {
		assert_true(inspect_ask(inspect_path, "1 list\n", inspect_text) > 0);
		if (strstr(inspect_text, words))
			return;
		if (control_now_ms() - start > CONTROL_PATIENCE_MS)
			fail_msg("no %s in %s", words, inspect_text);
	}
}

/*
 * A client whose frontend broke the protocol and went away tries to connect again and again: why
 * the connection ended is told still, and why there is none beside it.
 */
static void attempts_do_not_hide_the_end(void **state)
{
	static const uint8_t garbage[64] = { 0xff, 0xff, 0xff, 0xff };
	struct rtevhostswift_connection_end last, failed;
	const char *end, *refusal;

	(void)state;
	inspect_begin("ctl");
	control_client_listen(&one, "down.sock");
	control_client_start(one.path, 0);
	assert_int_equal(guest_connect(one.guest), 0);
	assert_int_equal(guest_start(one.guest), 0);
	close(one.guest->frontend.listener);
	one.guest->frontend.listener = -1;
	assert_int_equal(send(one.guest->frontend.socket, garbage, sizeof(garbage), MSG_NOSIGNAL),
			 sizeof(garbage));
	wait_for("\"last_end\":{");
	guest_disconnect(one.guest);
	wait_for("\"last_refusal\":{");
	/* Some more attempts. */
	control_sleep_ms(1500);
	assert_true(inspect_ask(inspect_path, "1 list\n", inspect_text) > 0);
	end = strstr(inspect_text, "\"last_end\":{");
	refusal = strstr(inspect_text, "\"last_refusal\":{");
	assert_true(end && refusal && end < refusal);
	inspect_assert_has(refusal, "\"errno\":111", NULL);
	assert_null(strstr(inspect_text, "\"last_refusal\":{\"time_ns\":0"));
	inspect_text[refusal - inspect_text] = 0;
	inspect_assert_has(end, "\"device\":0", "\"error\":\"malformed message\"", NULL);
	assert_null(strstr(end, "\"errno\":111"));
	assert_int_equal(rtevhostswift_driver_last_end_get(one.path, NULL), 1);
	assert_int_equal(rtevhostswift_driver_last_end_get(one.path, &last), 1);
	assert_string_equal(last.error, "malformed message");
	assert_int_equal(last.vid, 0);
	assert_int_equal(last.error_number, 0);
	assert_string_equal(last.last_name, "SET_STATUS");
	assert_int_equal(last.last_request, GUEST_SET_STATUS);
	assert_int_equal(last.refused.time_ns, 0);
	assert_int_equal(rtevhostswift_driver_last_refusal_get(one.path, &failed), 1);
	assert_int_equal(failed.error_number, ECONNREFUSED);
	assert_int_equal(failed.vid, -1);
	assert_true(strlen(failed.error) > 5 && failed.last_name[0] == 0);
	assert_true(failed.time_ns > last.time_ns);
	guest_destroy(one.guest);
	control_client_close(&one);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

/* The frontend hangs up because a message was refused: that is told with the end. */
static void a_refusal_before_the_end_is_told(void **state)
{
	struct rtevhostswift_connection_end end = { .vid = 77 };
	const uint32_t beyond[2] = { 300, 256 };
	int socket;

	(void)state;
	inspect_begin("ctl");
	control_listen(&one, "hung-up.sock", 0);
	/* Nothing has ended yet. */
	assert_int_equal(rtevhostswift_driver_last_end_get(one.path, &end), 0);
	socket = control_negotiate(&one);
	assert_int_equal(rtevhostswift_driver_last_end_get(one.path, &end), 0);
	assert_int_equal(end.vid, 77);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, beyond, sizeof(beyond), -1), 1);
	close(socket);
	wait_for("\"last_end\":{");
	inspect_assert_has(inspect_text, "\"last_message\":\"SET_VRING_NUM\",\"last_refused\":{"
			   "\"name\":\"SET_VRING_NUM\"", NULL);
	assert_int_equal(rtevhostswift_driver_last_end_get(one.path, &end), 1);
	assert_string_equal(end.error, "");
	assert_int_equal(end.last_request, GUEST_SET_VRING_NUM);
	assert_string_equal(end.refused.name, "SET_VRING_NUM");
	assert_true(strlen(end.refused.error) > 5);
	assert_true(end.refused.time_ns > 0 && end.refused.time_ns <= end.time_ns);
	assert_int_equal(rtevhostswift_driver_last_refusal_get(one.path, &end), 0);
	control_close(&one);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(the_last_messages_are_told),
	cmocka_unit_test(a_refused_message_is_kept),
	cmocka_unit_test(nothing_without_a_device),
	cmocka_unit_test(nothing_of_a_path_that_is_not_registered),
	cmocka_unit_test(attempts_do_not_hide_the_end),
	cmocka_unit_test(a_refusal_before_the_end_is_told),
};

CONTROL_MAIN(60, tests)
