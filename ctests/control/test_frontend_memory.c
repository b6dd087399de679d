/* SPDX-License-Identifier: BSD-3-Clause */

/* SET_MEM_TABLE while other threads move packets. */
#define _GNU_SOURCE
#include "control.h"

static struct control_stage stage;

static void the_same_table_over_and_over(void **state)
{
	struct control_poller poller;

	(void)state;
	control_stage_begin(&stage, "again");
	control_attach(&stage.target, NULL);
	control_poller_start(&poller);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(guest_send_memory(stage.target.guest), 0);
	control_poller_stop(&poller);
	control_detach(&stage.target);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 8192);
}

/* Packets move while the table is replaced; none may be lost, doubled or changed. */
static void replaced_under_an_echo(void **state)
{
	struct control_echo *echo = &stage.echo;

	(void)state;
	control_stage_begin(&stage, "echoing");
	for (int i = 0; i < 300; i++) {
		assert_int_equal(guest_send_memory(echo->device.guest), 0);
		control_echo_check(echo, 50);
	}
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_same_table_over_and_over),
	cmocka_unit_test(replaced_under_an_echo),
};

CONTROL_MAIN_QUIET(300, tests)
