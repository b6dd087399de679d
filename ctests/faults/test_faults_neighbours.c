/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The process runs out of descriptors while devices work: they go on, who wants to come waits or is
 * turned away with a log line, and nothing has to be started again when there are some.
 */
#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LIMIT 200

static struct control_stage stage;
static struct rlimit before;
static int held[LIMIT], held_count;

static void exhaust(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = LIMIT;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
		held[held_count++] = fd;
	assert_int_equal(errno, EMFILE);
}

static void release(void)
{
	while (held_count > 0)
		close(held[--held_count]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/** Lines that have all of the words. */
static int count_lines(const char *text, const char *one, const char *other)
{
	int count = 0;

	for (const char *line = text; *line;) {
		const char *end = strchrnul(line, '\n');
		char words[512];

		snprintf(words, sizeof(words), "%.*s", (int)(end - line), line);
		count += strstr(words, one) && strstr(words, other);
		line = *end ? end + 1 : end;
	}
	return count;
}

/** A connection waits in the backlog and is taken as soon as that can be. */
static void who_comes_waits(void **state)
{
	int socket_fd, at;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static char text[CONTROL_TEXT];
	uint64_t features = 0;

	(void)state;
	control_stage_begin(&stage, "waits");
	socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(socket_fd >= 0);
	/* A path of 107 bytes has its zero as well. */
	memcpy(address.sun_path, stage.target.path, sizeof(address.sun_path));
	at = control_events();
	control_capture_begin();
	exhaust();
	assert_int_equal(connect(socket_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	for (int i = 0; i < 20; i++) {
		control_echo_check(&stage.echo, 50);
		control_sleep_ms(10);
	}
	assert_int_equal(control_count_events(at, CONTROL_NEW_CONNECTION, -1), 0);
	release();
	assert_true(control_wait_event(at, CONTROL_NEW_CONNECTION, -1) >= 0);
	control_capture_end(text);
	/* EMFILE, and not once for each attempt. */
	assert_in_range(count_lines(text, stage.target.path, "connection refused: system error 24"),
			1, 5);
	assert_int_equal(control_send(socket_fd, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0,
				      NULL, 0), 0);
	assert_int_equal(control_reply(socket_fd, &features), 0);
	assert_true(features != 0);
	close(socket_fd);
	control_stage_end(&stage);
}

/** Descriptors of a message that the kernel had no room for: that connection ends. */
static void whose_descriptors_are_lost_is_turned_away(void **state)
{
	static char text[CONTROL_TEXT];
	int at;

	(void)state;
	control_stage_begin(&stage, "lost");
	control_attach(&stage.target, NULL);
	control_send_good(&stage.target, 1);
	at = control_events();
	control_capture_begin();
	exhaust();
	assert_true(guest_send_memory(stage.target.guest) < 0);
	assert_true(control_wait_event(at, CONTROL_DESTROY_CONNECTION, stage.target.vid) >= 0);
	control_echo_check(&stage.echo, 200);
	release();
	control_capture_end(text);
	assert_int_equal(count_lines(text, stage.target.path, "connection dropped"), 1);
	guest_destroy(stage.target.guest);
	stage.target.guest = NULL;
	control_stage_end(&stage);
}

/** Sockets that cannot be opened now can be later. */
static void a_socket_is_opened_later(void **state)
{
	struct control_device device = { .vid = -1 };

	(void)state;
	control_stage_begin(&stage, "opened");
	control_path(device.path, "later");
	assert_int_equal(rte_vhost_driver_register(device.path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(device.path, &control_ops), 0);
	exhaust();
	for (int i = 0; i < 3; i++)
		assert_int_equal(rte_vhost_driver_start(device.path), -1);
	control_echo_check(&stage.echo, 200);
	release();
	assert_int_equal(access(device.path, F_OK), -1);
	assert_int_equal(rte_vhost_driver_start(device.path), 0);
	control_attach(&device, NULL);
	control_send_good(&device, 1);
	control_close(&device);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(who_comes_waits),
	CONTROL_TEST(whose_descriptors_are_lost_is_turned_away),
	CONTROL_TEST_SPLIT(a_socket_is_opened_later),
};

CONTROL_MAIN(300, tests)
