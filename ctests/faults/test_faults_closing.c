/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Files that a frontend sent, and that may be slow to close, are closed by threads. Where there is
 * no memory for their list, or no thread, they are closed all the same, and later by threads again.
 */
#define _GNU_SOURCE
#include "control.h"
#include "faults_inject.h"

#include <fcntl.h>

#define CONNECTIONS 8
/** Files of a message that has none: the connection ends with it. */
#define FILES 8

static struct control_device device;
static int sockets[CONNECTIONS];
static int file;

/** Connections, while there is memory for their devices. */
static void connect_all(struct control_counts *before)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		uint64_t features = 0;

		sockets[i] = control_connect(&device);
		assert_true(sockets[i] >= 0);
		/* The device is made when this is answered. */
		assert_int_equal(control_send(sockets[i], GUEST_GET_FEATURES, GUEST_FLAG_VERSION,
					      NULL, 0, NULL, 0), 0);
		assert_int_equal(control_reply(sockets[i], &features), 0);
	}
	control_count(before);
	/* The connections' own. */
	before->fds -= CONNECTIONS;
}

static void send_all(void)
{
	int files[FILES];

	for (int i = 0; i < FILES; i++)
		files[i] = file;
	for (int i = 0; i < CONNECTIONS; i++) {
		control_send(sockets[i], GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, files,
			     FILES);
		assert_true(control_hangs_up(sockets[i]));
	}
}

/** The library's side of each connection is gone with all that came by it, ours is not. */
static void expect_closed(struct control_counts *before)
{
	control_assert_flat(before);
	for (int i = 0; i < CONNECTIONS; i++)
		close(sockets[i]);
}

/** Nothing of a group comes from the system; or the first thread does not; or all does. */
static void send_while_it_fails(enum faults_group group, bool first_thread)
{
	struct control_counts before;

	connect_all(&before);
	if (group != FAULTS_NONE)
		faults_arm_group(group, 1);
	else if (first_thread)
		faults_arm(faults_find("pthread_create"), 1, 0);
	send_all();
	/* While there is none still: the next file may never come. */
	expect_closed(&before);
	if (group != FAULTS_NONE || first_thread)
		assert_true(faults_disarm());
}

/* In this order: the list is made when it is first needed. */
static void files_are_closed_without_memory_or_threads(void **state)
{
	(void)state;
	file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(file >= 0);
	control_listen(&device, "closing", 0);
	for (int i = 0; i < 3; i++)
		send_while_it_fails(FAULTS_MEMORY, false);
	send_while_it_fails(FAULTS_NONE, false);
	send_while_it_fails(FAULTS_MEMORY, false);
	for (int i = 0; i < 3; i++)
		send_while_it_fails(FAULTS_NONE, true);
	send_while_it_fails(FAULTS_NONE, false);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
	close(file);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(files_are_closed_without_memory_or_threads),
};

CONTROL_MAIN_QUIET(120, tests)
