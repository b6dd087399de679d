/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* A frontend each of whose messages is worth a line of the log would fill the disk: few come. */
#define _GNU_SOURCE
#include "control.h"

#define MESSAGES 100000
#define CONNECTIONS 3000
/** Messages that are sent before an answer is read. */
#define AHEAD 50
/** Lines at once, and in a second: five, and before each how many were left out. */
#define FIRST_LINES 64
#define LINES_PER_SECOND 10

static char text[CONTROL_TEXT];

/** Requests that are refused, and answered. */
static void send_bad(int socket, int count)
{
	uint64_t number = 3ULL << 32 | 300;

	for (int i = 0; i < count; i++)
		assert_int_equal(control_send(socket, GUEST_SET_VRING_NUM,
					      GUEST_FLAG_VERSION | GUEST_FLAG_NEED_REPLY, &number,
					      sizeof(number), NULL, 0), 0);
	for (int i = 0; i < count; i++) {
		uint64_t result = 0;

		assert_int_equal(control_reply(socket, &result), 0);
		assert_int_equal(result, 1);
	}
}

static void assert_lines(int lines, int64_t start)
{
	int64_t seconds = (control_now_ms() - start) / 1000 + 1;

	print_message("%d lines in %ld s\n", lines, (long)seconds);
	assert_in_range(lines, 1, FIRST_LINES + LINES_PER_SECOND * seconds);
}

static void requests_that_are_refused(void **state)
{
	static struct control_stage stage;
	int socket, other;
	int64_t start;

	(void)state;
	control_stage_begin(&stage, "lines");
	socket = control_negotiate(&stage.target);
	start = control_now_ms();
	control_capture_begin();
	for (int i = 0; i < MESSAGES / AHEAD; i++)
		send_bad(socket, AHEAD);
	assert_lines(control_capture_end(text), start);
	assert_non_null(strstr(text, "SET_VRING_NUM refused"));
	/* Others are heard, and when there are lines again, how many were missing. */
	other = control_negotiate(&stage.echo.device);
	assert_int_equal(CONTROL_LOGGED(text, (send_bad(other, 1), 0)), 0);
	control_assert_line(text, stage.echo.device.path, "refused", NULL);
	control_sleep_ms(500);
	control_capture_begin();
	send_bad(socket, 1);
	assert_int_equal(control_capture_end(text), 2);
	assert_non_null(strstr(text, "lines of log left out"));
	close(socket);
	close(other);
	control_stage_end(&stage);
}

/* Whoever hangs up and comes back is the same one. */
static void connections_that_are_dropped(void **state)
{
	static struct control_stage stage;
	int64_t start;

	(void)state;
	control_stage_begin(&stage, "drops");
	start = control_now_ms();
	control_capture_begin();
	for (int i = 0; i < CONNECTIONS; i++) {
		int socket = control_connect(&stage.target);

		control_send(socket, 77, GUEST_FLAG_VERSION, NULL, 0, NULL, 0);
		assert_true(control_hangs_up(socket));
		close(socket);
	}
	assert_lines(control_capture_end(text), start);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(requests_that_are_refused),
	cmocka_unit_test(connections_that_are_dropped),
};

CONTROL_MAIN(240, tests)
