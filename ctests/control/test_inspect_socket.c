/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The control socket: where it may be opened, who is answered, what is answered, and that nobody
 * who looks is felt by the data path.
 */
#define _GNU_SOURCE
#include "control_inspect.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char text[INSPECT_TEXT];
static char logged[CONTROL_TEXT];
static char path[108];

static void begin(const char *name)
{
	control_path(path, name);
	assert_int_equal(rtevhostswift_control_open(path, 0), 0);
}

/** Fail unless opening fails in this way, with one line of log. */
static void refuse(const char *where, uint64_t flags, int error)
{
	assert_int_equal(CONTROL_LOGGED(logged, rtevhostswift_control_open(where, flags)), -1);
	assert_int_equal(errno, error);
	control_assert_line(logged, "rtevhostswift_control_open", NULL);
}

/* First of all: the environment is looked at once in a process. */
static void the_environment_opens_it(void **state)
{
	char socket_path[108], pattern[108];
	int status = 0;
	pid_t child;

	(void)state;
	control_path(socket_path, "environment.sock");
	control_path(pattern, "control-%p");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		control_path(path, "");
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "control-%d", getpid());
		setenv("RTEVHOSTSWIFT_CONTROL", pattern, 1);
		if (rte_vhost_driver_register(socket_path, 0) != 0)
			_exit(1);
		if (inspect_ask(path, "1 list\n", text) <= 0 || !strstr(text, "environment.sock"))
			_exit(2);
		_exit(rtevhostswift_control_close() == 0 && access(path, F_OK) != 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void bad_places_are_refused(void **state)
{
	char name[200];
	int fd;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = 0;
	refuse(NULL, 0, EINVAL);
	refuse("", 0, EINVAL);
	refuse(name, 0, EINVAL);
	control_path(name, "flags");
	refuse(name, 2, EINVAL);
	assert_int_not_equal(access(name, F_OK), 0);
	control_path(name, "nowhere/control");
	refuse(name, 0, ENOENT);
	control_path(name, "file");
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "kept", 4), 4);
	refuse(name, 0, EADDRINUSE);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
	assert_int_equal(access(name, F_OK), 0);
	close(fd);
	unlink(name);
	assert_int_equal(CONTROL_LOGGED(logged, rtevhostswift_control_close()), -1);
	assert_int_equal(errno, ENOENT);
}

/** Binds a socket, and listens there or not. */
static int occupy(const char *where, bool listens)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, where);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (listens)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void a_live_socket_is_left_and_a_stale_one_replaced(void **state)
{
	char where[108];
	int fd;

	(void)state;
	control_path(where, "live");
	fd = occupy(where, true);
	refuse(where, 0, EADDRINUSE);
	close(fd);
	/* Nobody listens there any more. */
	assert_int_equal(rtevhostswift_control_open(where, 0), 0);
	assert_true(inspect_ask(where, "1 list\n", text) > 0);
	refuse(where, 0, EEXIST);
	assert_int_equal(rtevhostswift_control_close(), 0);
	assert_int_not_equal(access(where, F_OK), 0);
}

static void nobody_but_the_owner_may_connect(void **state)
{
	mode_t old = umask(0);
	struct stat status;

	(void)state;
	begin("mode");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	umask(old);
	if (getuid() == 0) {
		int result = 0;
		pid_t child;

		/* Whatever the mode says. */
		assert_int_equal(chmod(path, 0666), 0);
		assert_int_equal(chmod(control_directory(), 0711), 0);
		control_capture_begin();
		child = fork();
		if (child == 0) {
			int fd = setresuid(1000, 1000, 1000) == 0 ? inspect_connect(path) : -1;

			send(fd, "1 list\n", 7, MSG_NOSIGNAL);
			long got = inspect_read(fd, text, CONTROL_PATIENCE_MS);
			_exit(fd >= 0 && (got == 0 || got == -ECONNRESET) ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &result, 0), child);
		control_capture_end(logged);
		assert_int_equal(result, 0);
		control_assert_line(logged, "client refused", "uid 1000", NULL);
	}
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static void garbage_is_answered_in_words(void **state)
{
	static const char *const garbage[][2] = {
		{ "\n", "unknown version" }, { "2 list\n", "unknown version" },
		{ "11 list\n", "unknown version" }, { "1 \n", "unknown command" },
		{ "1 lists\n", "unknown command" }, { "1\n", "unknown command" },
		{ "GET / HTTP/1.1\r\n\r\n", "unknown version" },
		{ "{\"a\":1}\n", "unknown version" }, { "\377\376\n", "unknown version" },
	};
	char line[400];
	int fd;

	(void)state;
	begin("garbage");
	for (size_t i = 0; i < CONTROL_COUNT(garbage); i++) {
		assert_true(inspect_ask(path, garbage[i][0], text) > 0);
		inspect_assert_has(text, "\"protocol\":1,", "\"error\":", garbage[i][1], NULL);
	}
	memset(line, 'a', sizeof(line));
	memcpy(line, "1 show ", 7);
	line[150] = '\n';
	line[151] = 0;
	assert_true(inspect_ask(path, line, text) > 0);
	inspect_assert_has(text, "not a path", NULL);
	memset(line, 'a', sizeof(line));
	line[399] = 0;
	assert_true(inspect_ask(path, line, text) > 0);
	inspect_assert_has(text, "longer than", NULL);
	/* Zeros in a path; a byte at a time; nothing at all. */
	fd = inspect_connect(path);
	assert_int_equal(send(fd, "1 show a\0b\n", 11, 0), 11);
	assert_true(inspect_read(fd, text, CONTROL_PATIENCE_MS) > 0);
	inspect_assert_has(text, "not a path", NULL);
	close(fd);
	fd = inspect_connect(path);
	for (const char *byte = "1 list\n"; *byte; byte++) {
		assert_int_equal(send(fd, byte, 1, 0), 1);
		control_sleep_ms(2);
	}
	assert_true(inspect_read(fd, text, CONTROL_PATIENCE_MS) > 0);
	inspect_assert_has(text, "\"sockets\":[", NULL);
	close(fd);
	fd = inspect_connect(path);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(inspect_read(fd, text, CONTROL_PATIENCE_MS), 0);
	close(fd);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static void all_of_a_device_is_told(void **state)
{
	struct control_device device;

	(void)state;
	begin("all");
	assert_true(inspect_ask(path, "1 show\n", text) > 0);
	inspect_assert_has(text, "\"sockets\":[]", "\"devices\":[]}\n", NULL);
	control_open(&device, "all.sock", 0, NULL);
	control_send_good(&device, 1);
	control_receive_good(&device, 2);
	assert_true(inspect_ask(path, "1 list\n", text) > 0);
	inspect_assert_has(text, "all.sock\",\"state\":\"started\",\"role\":\"server\"",
		"\"connections\":1", "\"running\":true", NULL);
	assert_null(strstr(text, "\"rings\""));
	snprintf(logged, sizeof(logged), "1 show %s\n", device.path);
	assert_true(inspect_ask(path, logged, text) > 0);
	inspect_assert_has(text, "\"VIRTIO_F_VERSION_1\"", "\"VIRTIO_NET_F_MRG_RXBUF\"",
		"\"VHOST_USER_PROTOCOL_F_REPLY_ACK\"", "\"memory\":[{\"guest\":\"0x",
		"\"ring\":0,\"direction\":\"to guest\"", "\"ring\":1,\"direction\":\"from guest\"",
		control_is_packed() ? "\"format\":\"packed\"" : "\"format\":\"split\"",
		"\"enabled\":true,\"started\":true,\"reported\":true",
		"\"kick\":\"present\",\"call\":\"present\"",
		"\"host_addresses\":{\"descriptors\":\"0x",
		"\"engine\":{\"attached\":false", "\"available\":", "\"packets\":1,\"bytes\":200,",
		"\"name\":\"SET_VRING_ENABLE\"", NULL);
	assert_true(inspect_ask(path, "1 show /nowhere\n", text) > 0);
	inspect_assert_has(text, "\"sockets\":[]", "\"devices\":[]}\n", NULL);
	/* A message that is refused is remembered, with the reason. */
	int fd = control_negotiate(&device);
	uint32_t bad[2] = { 0, 3 };

	control_capture_begin();
	assert_true(control_ask(fd, GUEST_SET_VRING_NUM, bad, sizeof(bad), -1) != 0 ||
		control_is_packed());
	assert_true(inspect_ask(path, "1 show\n", text) > 0);
	control_finish(fd);
	control_capture_end(logged);
	if (!control_is_packed())
		inspect_assert_has(text, "\"last_refused\":{\"name\":\"SET_VRING_NUM\"",
			"\"error\":\"value out of range\"", "\"refused\":1", NULL);
	control_detach(&device);
	assert_true(inspect_ask(path, "1 show\n", text) > 0);
	inspect_assert_has(text, "\"last_end\":{\"time_ns\":", "\"devices\":[]}\n", NULL);
	control_close(&device);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

/* A burst that finds its queue locked gives nothing; here each of them gives its packet. */
static void no_burst_is_felt(void **state)
{
	struct inspect_asker askers[2];
	struct control_device device;

	(void)state;
	begin("felt");
	control_open(&device, "felt.sock", 0, NULL);
	for (int i = 0; i < 2; i++)
		inspect_asker_start(&askers[i], path);
	for (uint64_t i = 0; i < 60000; i++) {
		control_send_good(&device, i);
		control_receive_good(&device, i);
	}
	for (int i = 0; i < 2; i++)
		inspect_asker_stop(&askers[i]);
	control_close(&device);
	assert_int_equal(rtevhostswift_control_close(), 0);
	control_assert_pool();
}

static void devices_come_and_go_meanwhile(void **state)
{
	struct inspect_asker asker;
	struct control_device device;
	struct control_counts before;

	(void)state;
	control_count_idle(&before);
	begin("come");
	inspect_asker_start(&asker, path);
	for (int i = 0; i < 40; i++) {
		control_open(&device, "come.sock", 0, NULL);
		control_send_good(&device, 1);
		control_close(&device);
	}
	inspect_asker_stop(&asker);
	assert_int_equal(rtevhostswift_control_close(), 0);
	control_assert_flat(&before);
}

static void opened_and_closed_again_nothing_is_left(void **state)
{
	struct control_counts before;

	(void)state;
	control_count_idle(&before);
	for (int i = 0; i < 50; i++) {
		begin("again");
		int fd = inspect_connect(path);

		assert_true(fd >= 0);
		if (i & 1)
			assert_true(inspect_ask(path, "1 show\n", text) > 0);
		assert_int_equal(rtevhostswift_control_close(), 0);
		assert_true(inspect_read(fd, text, CONTROL_PATIENCE_MS) <= 0);
		close(fd);
	}
	control_assert_flat(&before);
}

/* Clients that say nothing, or do not read: the others are answered, and those are hung up on. */
static void whoever_stalls_is_hung_up_on(void **state)
{
	struct guest_config config;
	struct control_device device;
	int silent[20], lazy;
	int64_t start;

	(void)state;
	begin("stall");
	control_listen(&device, "stall.sock", 0);
	control_config(&config, &device);
	config.queue_pairs = 128;
	config.ring_size = 8;
	config.protocol_features = GUEST_DEFAULT_PROTOCOL_FEATURES;
	control_attach(&device, &config);
	lazy = inspect_connect(path);
	assert_int_equal(send(lazy, "1 show\n", 7, 0), 7);
	for (int i = 0; i < 20; i++)
		silent[i] = inspect_connect(path);
	start = control_now_ms();
	assert_true(inspect_ask(path, "1 list\n", text) > 0);
	print_message("answered after %d ms\n", (int)(control_now_ms() - start));
	assert_true(control_now_ms() - start < 2000);
	control_sleep_ms(2500);
	/* What was sent is there, and then the end: not all of it. */
	long got = inspect_read(lazy, text, CONTROL_PATIENCE_MS);

	print_message("%ld bytes for who does not read\n", got);
	assert_true(got > 0 && strcmp(text + got - 3, "]}\n") != 0);
	close(lazy);
	for (int i = 0; i < 20; i++) {
		assert_true(inspect_read(silent[i], text, CONTROL_PATIENCE_MS) <= 0);
		close(silent[i]);
	}
	got = inspect_ask(path, "1 show\n", text);
	print_message("%ld bytes for 256 rings\n", got);
	inspect_assert_has(text, "\"ring\":255,", NULL);
	control_close(&device);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_environment_opens_it),
	cmocka_unit_test(bad_places_are_refused),
	cmocka_unit_test(a_live_socket_is_left_and_a_stale_one_replaced),
	cmocka_unit_test(nobody_but_the_owner_may_connect),
	cmocka_unit_test(garbage_is_answered_in_words),
	CONTROL_TEST(all_of_a_device_is_told),
	CONTROL_TEST(no_burst_is_felt),
	CONTROL_TEST(devices_come_and_go_meanwhile),
	cmocka_unit_test(opened_and_closed_again_nothing_is_left),
	cmocka_unit_test(whoever_stalls_is_hung_up_on),
};

CONTROL_MAIN(180, tests)
