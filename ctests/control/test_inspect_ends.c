/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Captures that end as soon as they begin.
 */
#define _GNU_SOURCE
#include "control_capture.h"

#define FRAME 9000

static struct control_device one;
static char line[100];

static void begin(const char *name)
{
	inspect_begin_with("ctl", RTEVHOSTSWIFT_CONTROL_CAPTURE);
	control_open(&one, name, 0, NULL);
	snprintf(line, sizeof(line), "1 capture %d 0 %d\nend\n", one.vid, FRAME);
}

static void end(void)
{
	control_close(&one);
	assert_int_equal(rtevhostswift_control_close(), 0);
	control_assert_pool();
}

/** The first line and the record that is the last: five words. */
static bool has_both_ends(const char *text, long count)
{
	return count > 100 && count < 1000 && strstr(text, "\"capture\":") &&
	       text[count - 41] == '\n';
}

/** A request and the word that it is enough, in one write. */
static void enough_may_come_with_the_request(void **state)
{
	(void)state;
	begin("enough.sock");
	for (int i = 0; i < 3; i++) {
		int fd = capture_ask(line);
		long count = inspect_read(fd, inspect_text, CONTROL_PATIENCE_MS);

		close(fd);
		assert_true(has_both_ends(inspect_text, count));
	}
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(enough_may_come_with_the_request),
};

CONTROL_MAIN(180, tests)
