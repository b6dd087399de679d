/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * One socket's frontends take what there is only so much of in a process. Another socket's
 * frontend must get a device that works.
 */
#define _GNU_SOURCE
#include "control.h"

#include <sys/mman.h>
#include <sys/resource.h>

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

/** A frontend that adds regions of one page until it may not. @return how many it has. */
static int take_regions(int socket, int file)
{
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) |
		GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS);
	int taken = 0;

	control_send(socket, GUEST_SET_PROTOCOL_FEATURES, GUEST_FLAG_VERSION, &protocol, 8, NULL,
		     0);
	while (taken < 509) {
		uint64_t place = (uint64_t)(taken + 1) << 20;
		struct guest_mem_single single = {
			.region = { .gpa = place, .size = 4096, .user_addr = place },
		};

		if (control_ask(socket, GUEST_ADD_MEM_REG, &single, sizeof(single), file) != 0)
			break;
		taken++;
	}
	return taken;
}

/** Frontends of one socket keep as many descriptors as they can. */
static void all_descriptors(void **state)
{
	struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };
	struct control_device victim;
	int file, regions = 0;

	(void)state;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	control_stage_begin(&stage, "descriptors");
	control_listen(&victim, "descriptors-victim", 0);
	file = memfd_create("greedy", MFD_CLOEXEC);
	assert_int_equal(ftruncate(file, 4096), 0);
	while (socket_count < 100) {
		int socket = control_connect(&stage.target);

		/* Some are hung up on: that is the point. */
		sockets[socket_count++] = socket;
		regions += take_regions(socket, file);
	}
	assert_in_range(regions, 509, 1024);
	check_victim(&victim);
	close(file);
	drop_all();
	rte_vhost_driver_unregister(victim.path);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(all_vids),
	cmocka_unit_test(all_descriptors),
};

CONTROL_MAIN_QUIET(240, tests)
