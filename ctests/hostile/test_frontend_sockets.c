/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F13: paths that are no good, very many clients, and clients that never speak. */
#define _GNU_SOURCE
#include "front.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define THOUSAND 1000
#define LIMIT 1024
#define LONGEST 107

static char text[CONTROL_TEXT];
static int sockets[LIMIT + 50];

static void no_more_than(rlim_t descriptors)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = descriptors < limit.rlim_max ? descriptors : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static bool is_served(int socket)
{
	uint64_t value;

	control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, NULL, 0);
	return control_reply(socket, &value) == 0;
}

static void F13_a_thousand_clients(struct hostile *hostile)
{
	no_more_than(8192);
	front_open(hostile, NULL);
	for (int i = 0; i < THOUSAND; i++) {
		sockets[i] = control_connect(&front.door);
		if (i % 50 == 0)
			front_load();
	}
	for (int i = 0; i < THOUSAND; i++)
		assert_true(is_served(sockets[i]));
	front_load();
	front_settle();
	/* In another order than they came. */
	for (int i = 0; i < THOUSAND; i++)
		close(sockets[(i * 7) % THOUSAND]);
	front_close(hostile);
}

/* Behind the last vid connections are refused, and taken again when there is one. */
static void F13_more_clients_than_devices(struct hostile *hostile)
{
	int served = 0;

	no_more_than(8192);
	front_open(hostile, NULL);
	for (int i = 0; i < LIMIT + 50; i++)
		sockets[i] = control_connect(&front.door);
	for (int i = 0; i < LIMIT + 50; i++)
		served += is_served(sockets[i]);
	/* The two of the test have one each. */
	assert_int_equal(served, LIMIT - 2);
	front_load();
	front_settle();
	for (int i = 0; i < LIMIT + 50; i++)
		close(sockets[i]);
	control_assert_flat(&front.before);
	front_revive();
	front_close(hostile);
}

/* Some say nothing at all, some stop in the middle of a message, some never read an answer. */
static void F13_clients_that_never_speak(struct hostile *hostile)
{
	uint32_t half[3] = { GUEST_SET_MEM_TABLE, GUEST_FLAG_VERSION, 40 };
	uint32_t header[3] = { GUEST_GET_FEATURES, 1, 0 };
	int new;

	front_open(hostile, NULL);
	for (int i = 0; i < 60; i++) {
		sockets[i] = control_connect(&front.door);
		if (i % 3 == 1)
			assert_int_equal(guest_send_raw(sockets[i], half, (size_t)(i % 12) + 1,
							NULL, 0), i % 12 + 1);
		for (int j = 0; j < 3000 && i % 3 == 2; j++)
			if (send(sockets[i], header, 12, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
				break;
		front_load();
	}
	/* A new frontend is served all the same. */
	new = front_dial();
	assert_true(is_served(new));
	close(new);
	front_load();
	front_settle();
	for (int i = 0; i < 60; i++)
		close(sockets[i]);
	control_assert_flat(&front.before);
	front_revive();
	front_close(hostile);
}

static void F13_clients_that_come_and_go(struct hostile *hostile)
{
	front_open(hostile, NULL);
	for (uint32_t i = 0; i < front_times(10000, 400); i++) {
		int socket = control_connect(&front.door);

		if (i % 3 == 0)
			control_send(socket, GUEST_GET_FEATURES, 1, NULL, 0, NULL, 0);
		close(socket);
		if (i % 40 == 0)
			front_load();
	}
	front_close(hostile);
	control_assert_memory(&front.before, 8192);
}

static void long_path(char *path, size_t length)
{
	strcpy(path, control_directory());
	strcat(path, "/");
	memset(path + strlen(path), 'x', length - strlen(path));
	path[length] = 0;
}

static void register_ready(const char *path)
{
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
}

/** A start that fails with a line that names the path; the packets of others go on. */
static void does_not_start(const char *path)
{
	int ret;

	front_load();
	register_ready(path);
	ret = CONTROL_LOGGED(text, rte_vhost_driver_start(path));
	assert_int_equal(ret, -1);
	control_assert_line(text, path, NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	front_check();
}

static void F13_paths_that_are_too_long(struct hostile *hostile)
{
	char path[300];

	control_directory();
	front_open(hostile, NULL);
	for (size_t length = LONGEST + 1; length < 290; length += 91) {
		int ret;

		front_load();
		long_path(path, length);
		ret = CONTROL_LOGGED(text, rte_vhost_driver_register(path, 0));
		assert_int_equal(ret, -1);
		control_assert_line(text, "rte_vhost_driver_register", "107", NULL);
	}
	long_path(path, LONGEST);
	register_ready(path);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	front_close(hostile);
}

static void F13_paths_that_cannot_be_written(struct hostile *hostile)
{
	char path[120];

	control_directory();
	front_open(hostile, NULL);
	does_not_start("/proc/control.sock");
	does_not_start("/tmp/control-no-dir/x.sock");
	/* The directory is a file. */
	snprintf(path, sizeof(path), "%s/x", front.door.path);
	does_not_start(path);
	front_close(hostile);
}

/** A socket of somebody else. */
static int foreign_listener(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void F13_paths_that_are_taken(struct hostile *hostile)
{
	char path[108], link[108];
	struct stat status;
	int fd;

	control_path(path, "taken");
	control_path(link, "link");
	front_open(hostile, NULL);
	/* By a file, a directory, a link, somebody who listens, and by ourselves. */
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	does_not_start(path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 1);
	assert_int_equal(symlink(path, link), 0);
	does_not_start(link);
	assert_int_equal(unlink(link) | unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	does_not_start(path);
	assert_int_equal(rmdir(path), 0);
	fd = foreign_listener(path);
	does_not_start(path);
	close(fd);
	/* Nobody listens any more: it is replaced. */
	register_ready(path);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	assert_int_equal(access(path, F_OK), -1);
	fd = CONTROL_LOGGED(text, rte_vhost_driver_register(front.door.path, 0));
	assert_int_equal(fd, -1);
	front_close(hostile);
}

/* Somebody else's file comes in the place of ours while we listen: it is not ours to remove. */
static void F13_paths_that_are_replaced(struct hostile *hostile)
{
	char path[108];
	int fd;

	control_path(path, "replaced");
	front_open(hostile, NULL);
	for (int kind = 0; kind < 2; kind++) {
		register_ready(path);
		assert_int_equal(rte_vhost_driver_start(path), 0);
		assert_int_equal(unlink(path), 0);
		fd = kind ? foreign_listener(path) :
			    open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		front_load();
		assert_int_equal(rte_vhost_driver_unregister(path), 0);
		assert_int_equal(access(path, F_OK), 0);
		close(fd);
		unlink(path);
		front_check();
	}
	/* The file of a device that runs is gone: its connection is not. */
	assert_int_equal(unlink(front.door.path), 0);
	front_load();
	front_settle();
	fd = open(front.door.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	front_load();
	front_settle();
	unlink(front.door.path);
	front_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F13_a_thousand_clients),
	HOSTILE_TEST(F13_more_clients_than_devices),
	HOSTILE_TEST(F13_clients_that_never_speak),
	HOSTILE_TEST(F13_clients_that_come_and_go),
	HOSTILE_TEST(F13_paths_that_are_too_long),
	HOSTILE_TEST(F13_paths_that_cannot_be_written),
	HOSTILE_TEST(F13_paths_that_are_taken),
	HOSTILE_TEST(F13_paths_that_are_replaced),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
