/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * hostile.md, Frontend: "the socket path taken, ... replaced". A stale socket file is replaced
 * only if it is a socket and nobody listens; the file of a living process stays, at whatever moment
 * it comes to be there.
 */
#define _GNU_SOURCE
#include "control.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char text[CONTROL_TEXT];

/* What happens behind the library's back, and after which of its looks. */
static void (*intrusion)(const char *path);
static int intrusion_after;
static char intrusion_path[108];
static int intruder = -1;

static int bound_socket(const char *path, bool listens)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (listens)
		assert_int_equal(listen(fd, 5), 0);
	return fd;
}

/** The library's look: in the place of libc's, which it calls. */
int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	static int (*real)(int, const struct sockaddr *, socklen_t);
	int ret, error;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "connect");
	ret = real(fd, address, size);
	error = errno;
	if (intrusion_after > 0 && --intrusion_after == 0)
		intrusion(intrusion_path);
	errno = error;
	return ret;
}

static bool answers(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	strcpy(address.sun_path, path);
	ret = connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return ret == 0;
}

static void register_ready(const char *path)
{
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
}

/** The driver does not start, and the file is the same one afterwards. */
static void assert_left_alone(const char *path)
{
	struct stat before, after;

	assert_int_equal(lstat(path, &before), 0);
	register_ready(path);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, "98", NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	assert_int_equal(lstat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

static void assert_nothing_aside(const char *path)
{
	char aside[128];

	snprintf(aside, sizeof(aside), "%s.stale", path);
	assert_int_equal(access(aside, F_OK), -1);
}

static void links_directories_and_others_stay(void **state)
{
	char path[108], target[108];

	(void)state;
	control_path(target, "target");
	close(bound_socket(target, true));
	control_path(path, "link");
	assert_int_equal(symlink(target, path), 0);
	assert_left_alone(path);
	assert_int_equal(access(target, F_OK), 0);
	unlink(path);
	assert_int_equal(symlink("/nonexistent", path), 0);
	assert_left_alone(path);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_left_alone(path);
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_left_alone(path);
	unlink(path);
	unlink(target);
}

/** A socket whose queue of connections is full has somebody who listens. */
static void a_busy_listener_stays(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int clients[32], count = 0, listener;
	char path[108];

	(void)state;
	control_path(path, "busy");
	listener = bound_socket(path, false);
	assert_int_equal(listen(listener, 1), 0);
	strcpy(address.sun_path, path);
	for (; count < 32; count++) {
		clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(clients[count], (struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	assert_true(count < 32);
	assert_left_alone(path);
	for (int i = 0; i <= count; i++)
		close(clients[i]);
	close(listener);
	unlink(path);
}

static void replace(const char *path)
{
	unlink(path);
	intruder = bound_socket(path, true);
}

static void remove_only(const char *path)
{
	unlink(path);
}

/** Begins on a stale socket, and something happens after one of the library's looks at it. */
static int start_with(const char *name, void (*what)(const char *path), int after)
{
	int ret;

	control_path(intrusion_path, name);
	close(bound_socket(intrusion_path, true));
	register_ready(intrusion_path);
	intrusion = what;
	intruder = -1;
	intrusion_after = after;
	ret = CONTROL_LOGGED(text, rte_vhost_driver_start(intrusion_path));
	/* It did look that often. */
	assert_int_equal(intrusion_after, 0);
	return ret;
}

/* Another process takes the path over between a look and what follows from it. */
static void a_listener_that_comes_meanwhile_stays(void **state)
{
	(void)state;
	for (int after = 1; after <= 3; after++) {
		assert_int_equal(start_with("meanwhile", replace, after), -1);
		control_assert_line(text, intrusion_path, "98", NULL);
		assert_true(answers(intrusion_path));
		assert_nothing_aside(intrusion_path);
		assert_int_equal(rte_vhost_driver_unregister(intrusion_path), 0);
		assert_true(answers(intrusion_path));
		close(intruder);
		unlink(intrusion_path);
	}
}

/* Another process removes it first: the path is free, whoever freed it. */
static void a_file_that_goes_meanwhile_is_no_obstacle(void **state)
{
	struct control_device device = { .vid = -1 };

	(void)state;
	for (int after = 2; after <= 3; after++) {
		int ret = start_with("gone", remove_only, after);

		if (ret != 0)
			assert_int_equal(rte_vhost_driver_start(intrusion_path), 0);
		strcpy(device.path, intrusion_path);
		control_attach(&device, NULL);
		control_send_good(&device, 1);
		control_close(&device);
		assert_nothing_aside(intrusion_path);
	}
}

/* The name aside may be somebody's, or too long for a socket's address: it works all the same. */
static void a_taken_name_aside_is_left_alone(void **state)
{
	char path[108], aside[128];
	int fd;

	(void)state;
	control_path(path, "taken");
	snprintf(aside, sizeof(aside), "%s.stale", path);
	fd = open(aside, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	close(bound_socket(path, true));
	register_ready(path);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_int_equal(access(aside, F_OK), 0);
	unlink(aside);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	memset(path + strlen(path), 'x', sizeof(path) - 1 - strlen(path));
	path[sizeof(path) - 1] = 0;
	close(bound_socket(path, true));
	register_ready(path);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_true(answers(path));
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

/** Tries to start at a path; if it does, it is the one that answers there. Dies without a word. */
static int contend(const char *path)
{
	struct ucred peer = { .pid = -1 };
	socklen_t size = sizeof(peer);
	int fd = -1;

	if (rte_vhost_driver_register(path, 0) != 0 ||
	    rte_vhost_driver_callback_register(path, &control_ops) != 0)
		return 2;
	if (rte_vhost_driver_start(path) != 0)
		return 0;
	for (int tries = 0; tries < 3; tries++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };

		control_sleep_ms(10);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		strcpy(address.sun_path, path);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
		    peer.pid != getpid())
			return 3;
		close(fd);
	}
	return 1;
}

/* Processes find the same stale socket at the same time: one at most gets the path and keeps it. */
static void one_of_many_gets_the_path(void **state)
{
	const int contenders = 4, rounds = 15;
	int winners = 0;
	char path[108];

	(void)state;
	control_path(path, "contended");
	close(bound_socket(path, true));
	for (int round = 0; round < rounds; round++) {
		pid_t children[4];

		for (int i = 0; i < contenders; i++) {
			children[i] = fork();
			assert_true(children[i] >= 0);
			if (children[i] == 0)
				_exit(contend(path));
		}
		for (int i = 0; i < contenders; i++) {
			int status = -1;

			assert_int_equal(waitpid(children[i], &status, 0), children[i]);
			assert_true(WIFEXITED(status));
			assert_in_range(WEXITSTATUS(status), 0, 1);
			winners += WEXITSTATUS(status);
		}
	}
	/* Those that came later in a round may have had the path after the first one's death. */
	assert_true(winners >= rounds);
	unlink(path);
}

static const struct CMUnitTest tests[] = {
	/* First: children of a process whose event thread runs cannot use the library. */
	cmocka_unit_test(one_of_many_gets_the_path),
	cmocka_unit_test(links_directories_and_others_stay),
	cmocka_unit_test(a_busy_listener_stays),
	cmocka_unit_test(a_listener_that_comes_meanwhile_stays),
	cmocka_unit_test(a_file_that_goes_meanwhile_is_no_obstacle),
	cmocka_unit_test(a_taken_name_aside_is_left_alone),
};

CONTROL_MAIN_QUIET(120, tests)
