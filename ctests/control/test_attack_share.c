/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * One socket's frontends take what there is only so much of in a process. Another socket's
 * frontend must get a device that works.
 */
#define _GNU_SOURCE
#include "control.h"

#define VIDS 1024

static struct control_stage stage;
static int sockets[VIDS + 50];
static int socket_count;

static void drop_all(void)
{
	while (socket_count > 0)
		close(sockets[--socket_count]);
}

/** The victim's frontend connects, and its packets pass. */
static void check_victim(struct control_device *victim)
{
	control_attach(victim, NULL);
	control_send_good(victim, 1);
	control_receive_good(victim, 2);
	control_detach(victim);
}

static void all_vids(void **state)
{
	struct control_device victim;

	(void)state;
	control_stage_begin(&stage, "vids");
	control_listen(&victim, "vids-victim", 0);
	while (socket_count < VIDS + 50) {
		uint64_t value;

		sockets[socket_count] = control_connect(&stage.target);
		control_send(sockets[socket_count], GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0,
			     NULL, 0);
		control_reply(sockets[socket_count++], &value);
	}
	check_victim(&victim);
	drop_all();
	rte_vhost_driver_unregister(victim.path);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_vids),
};

CONTROL_MAIN_QUIET(240, tests)
