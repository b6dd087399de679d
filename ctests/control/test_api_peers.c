/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Who may connect: the mode of the socket's file is what the application's umask says; beyond
 * that, lists of users by rtevhostswift_driver_allow_uids() and RTEVHOSTSWIFT_ALLOW_UIDS. What
 * needs other users needs root; without it, the own user takes their parts.
 */
#define _GNU_SOURCE
#include "control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define VARIABLE "RTEVHOSTSWIFT_ALLOW_UIDS"

/** What became of a connection. */
enum fate { SERVED = 10, HUNG_UP, NOT_CONNECTED, SILENT };

static char text[CONTROL_TEXT];

/** Connects, and asks at once. */
static enum fate ask_server(const char *path)
{
	static const uint32_t question[3] = { GUEST_GET_FEATURES, 1, 0 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	char answer[64];
	ssize_t got;

	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return NOT_CONNECTED;
	}
	got = send(fd, question, sizeof(question), MSG_NOSIGNAL);
	if (got == sizeof(question)) {
		if (poll(&poller, 1, CONTROL_PATIENCE_MS) != 1) {
			close(fd);
			return SILENT;
		}
		got = recv(fd, answer, sizeof(answer), 0);
	}
	close(fd);
	return got == 20 ? SERVED : HUNG_UP;
}

/** The same as another user. */
static enum fate ask_as(uid_t user, const char *path)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(setresuid(user, user, user) == 0 ? (int)ask_server(path) : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return (enum fate)WEXITSTATUS(status);
}

/** Registers, allows users, starts; @p count 0: the function is not called. */
static void begin(char path[108], const char *name, const uint32_t *users, unsigned int count)
{
	control_path(path, name);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
	if (count > 0)
		assert_int_equal(rtevhostswift_driver_allow_uids(path, users, count), 0);
	assert_int_equal(rte_vhost_driver_start(path), 0);
}

static void mode_is_what_the_umask_says(void **state)
{
	static const mode_t masks[] = { 0, 002, 022, 027, 077, 0117, 0777 };
	mode_t old = umask(0);
	char path[108];

	(void)state;
	for (size_t i = 0; i < CONTROL_COUNT(masks); i++) {
		struct stat status;

		umask(masks[i]);
		begin(path, "mode", NULL, 0);
		assert_int_equal(lstat(path, &status), 0);
		assert_int_equal(status.st_mode & 07777, 0777 & ~masks[i]);
		assert_true(S_ISSOCK(status.st_mode));
		/* Nor does what was said to the library change it. */
		assert_int_equal(umask(masks[i]), masks[i]);
		assert_int_equal(rte_vhost_driver_unregister(path), 0);
	}
	umask(old);
}

static void bad_lists_are_refused(void **state)
{
	uint32_t users[RTEVHOSTSWIFT_MAX_UIDS + 1] = { 1 }, nobody = UINT32_MAX;
	char path[108];

	(void)state;
	control_path(path, "lists");
	assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_driver_allow_uids(path, users, 1)), -1);
	control_assert_line(text, path, "not found", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_driver_allow_uids(NULL, users, 1)), -1);
	control_assert_line(text, "rtevhostswift_driver_allow_uids", "path", NULL);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
	assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_driver_allow_uids(path, NULL, 1)), -1);
	control_assert_line(text, path, "invalid", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_driver_allow_uids(path, users, 0)), -1);
	control_assert_line(text, path, "invalid", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_driver_allow_uids(
		path, users, RTEVHOSTSWIFT_MAX_UIDS + 1)), -1);
	control_assert_line(text, path, "limit", NULL);
	assert_int_equal(
		CONTROL_LOGGED(text, rtevhostswift_driver_allow_uids(path, &nobody, 1)), -1);
	control_assert_line(text, path, "invalid", NULL);
	assert_int_equal(rtevhostswift_driver_allow_uids(path, users, RTEVHOSTSWIFT_MAX_UIDS), 0);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	/* Too late. */
	assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_driver_allow_uids(path, users, 1)), -1);
	control_assert_line(text, path, "busy", NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	/* A list ends with its driver. */
	begin(path, "lists", NULL, 0);
	assert_int_equal(ask_server(path), SERVED);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

/* Hung up on at once: no device, no callback, no descriptor; one line, however many come. */
static void who_is_not_listed_is_hung_up_on(void **state)
{
	const uint32_t other = getuid() + 1;
	struct control_counts before;
	int from = control_events(), lines;
	char path[108];
	int64_t start;

	(void)state;
	begin(path, "listed", &other, 1);
	control_count_idle(&before);
	start = control_now_ms();
	control_capture_begin();
	for (int i = 0; i < 200; i++)
		if (ask_server(path) != HUNG_UP)
			from = -1;
	lines = control_capture_end(text);
	assert_true(from >= 0);
	assert_in_range(lines, 1, 1 + (control_now_ms() - start) / 1000);
	text[strcspn(text, "\n") + 1] = 0;
	snprintf(path, sizeof(path), "uid %u is not allowed", getuid());
	control_assert_line(text, "listed", "refused", path, NULL);
	assert_int_equal(control_events(), from);
	control_assert_flat(&before);
	control_path(path, "listed");
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

/* The last call counts; another socket's list is another. */
static void a_list_can_be_replaced_until_start(void **state)
{
	const uint32_t other = getuid() + 1, both[2] = { other, getuid() };
	struct control_device device = { .vid = -1 };
	char open[108];

	(void)state;
	control_path(device.path, "replaced");
	assert_int_equal(rte_vhost_driver_register(device.path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(device.path, &control_ops), 0);
	assert_int_equal(rtevhostswift_driver_allow_uids(device.path, &other, 1), 0);
	assert_int_equal(rtevhostswift_driver_allow_uids(device.path, both, 2), 0);
	assert_int_equal(rte_vhost_driver_start(device.path), 0);
	control_attach(&device, NULL);
	control_send_good(&device, 1);
	begin(open, "open", &other, 1);
	assert_int_equal(CONTROL_LOGGED(text, (int)ask_server(open)), HUNG_UP);
	control_send_good(&device, 2);
	assert_int_equal(rte_vhost_driver_unregister(open), 0);
	control_close(&device);
}

static void the_environment_says_so_too(void **state)
{
	const uint32_t own = getuid(), other = own + 1;
	char path[108], list[64];

	(void)state;
	snprintf(list, sizeof(list), "%u,%u", other, own);
	setenv(VARIABLE, list, 1);
	begin(path, "environment", NULL, 0);
	assert_int_equal(ask_server(path), SERVED);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	/* Both have to allow. */
	begin(path, "environment", &other, 1);
	assert_int_equal(CONTROL_LOGGED(text, (int)ask_server(path)), HUNG_UP);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	snprintf(list, sizeof(list), "%u", other);
	setenv(VARIABLE, list, 1);
	begin(path, "environment", &own, 1);
	assert_int_equal(CONTROL_LOGGED(text, (int)ask_server(path)), HUNG_UP);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	begin(path, "environment", NULL, 0);
	assert_int_equal(CONTROL_LOGGED(text, (int)ask_server(path)), HUNG_UP);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	unsetenv(VARIABLE);
}

/* Whoever set it meant to keep somebody out: what is not understood keeps all out. */
static void an_environment_that_is_no_list_closes_all(void **state)
{
	static const char *const bad[] = {
		"", ",", "0,", ",0", "0,,1", " 0", "0 ", "0;1", "root", "-1", "0x0", "4294967295",
		"4294967296", "42949672960", "99999999999999999999",
		"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
	};
	char path[108];

	(void)state;
	control_path(path, "closed");
	for (size_t i = 0; i < CONTROL_COUNT(bad); i++) {
		setenv(VARIABLE, bad[i], 1);
		assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register(path, 0)), -1);
		control_assert_line(text, path, VARIABLE, NULL);
	}
	unsetenv(VARIABLE);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

/** A server that counts who comes. */
static int serve(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		return -1;
	return fd;
}

/** The connection ends without a byte and without a callback. */
static void assert_client_leaves(int listener)
{
	char bytes[16];
	int fd = accept(listener, NULL, NULL);

	assert_true(fd >= 0);
	assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 0);
	close(fd);
}

/* The library is the client: the server's user is asked for likewise. */
static void a_server_of_another_user_is_left(void **state)
{
	const uint32_t own = getuid(), other = own + 1;
	int from = control_events(), listener;
	char path[108];

	(void)state;
	control_path(path, "server");
	listener = serve(path);
	assert_true(listener >= 0);
	assert_int_equal(rte_vhost_driver_register(
		path, RTE_VHOST_USER_CLIENT | RTE_VHOST_USER_NO_RECONNECT), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
	assert_int_equal(rtevhostswift_driver_allow_uids(path, &other, 1), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, "is not allowed", NULL);
	assert_client_leaves(listener);
	/* Not started, so another list is in time. */
	assert_int_equal(rtevhostswift_driver_allow_uids(path, &own, 1), 0);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_true(control_wait_event(from, CONTROL_NEW_CONNECTION, -1) >= 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	from = control_events();
	close(accept(listener, NULL, NULL));
	/* It tries again, says so once, and never makes a device of it. */
	assert_int_equal(rte_vhost_driver_register(path, RTE_VHOST_USER_CLIENT), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
	assert_int_equal(rtevhostswift_driver_allow_uids(path, &other, 1), 0);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	for (int i = 0; i < 4; i++)
		assert_client_leaves(listener);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	assert_int_equal(control_events(), from);
	close(listener);
	unlink(path);
}

/* Users that are others in truth; root is not listed unless it is. */
static void other_users_need_root_to_test(void **state)
{
	const uint32_t guests[2] = { 64055, 1000 };
	mode_t old = umask(0);
	char path[108];

	(void)state;
	if (getuid() != 0) {
		print_message("not root: other users are not tried\n");
		umask(old);
		return;
	}
	assert_int_equal(chmod(control_directory(), 0711), 0);
	begin(path, "users", guests, 2);
	control_capture_begin();
	enum fate fates[] = { ask_as(64055, path), ask_as(1000, path), ask_as(1001, path),
		ask_as(65534, path), ask_server(path) };
	control_capture_end(text);
	assert_int_equal(fates[0], SERVED);
	assert_int_equal(fates[1], SERVED);
	assert_int_equal(fates[2], HUNG_UP);
	assert_int_equal(fates[3], HUNG_UP);
	assert_int_equal(fates[4], HUNG_UP);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	/* The file's mode comes first. */
	umask(077);
	begin(path, "users", guests, 2);
	assert_int_equal(ask_as(1000, path), NOT_CONNECTED);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	umask(0);
	setenv(VARIABLE, "1001,64055", 1);
	begin(path, "users", guests, 2);
	control_capture_begin();
	fates[0] = ask_as(64055, path);
	fates[1] = ask_as(1000, path);
	fates[2] = ask_as(1001, path);
	control_capture_end(text);
	unsetenv(VARIABLE);
	assert_int_equal(fates[0], SERVED);
	assert_int_equal(fates[1], HUNG_UP);
	assert_int_equal(fates[2], HUNG_UP);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	umask(old);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(mode_is_what_the_umask_says),
	cmocka_unit_test(bad_lists_are_refused),
	cmocka_unit_test(who_is_not_listed_is_hung_up_on),
	cmocka_unit_test(a_list_can_be_replaced_until_start),
	cmocka_unit_test(the_environment_says_so_too),
	cmocka_unit_test(an_environment_that_is_no_list_closes_all),
	cmocka_unit_test(a_server_of_another_user_is_left),
	cmocka_unit_test(other_users_need_root_to_test),
};

CONTROL_MAIN_QUIET(120, tests)
