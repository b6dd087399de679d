/* SPDX-License-Identifier: BSD-3-Clause */

/* RTE_VHOST_USER_CLIENT: whom it connects to, when it tries again, what a frontend may do. */
#define _GNU_SOURCE
#include "control_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define SECOND 1000

static char text[CONTROL_TEXT];

/** Callbacks from @p from on are exactly these of one device. */
static void assert_order(int from, const enum control_kind *kinds, int count)
{
	int at = from;

	for (int i = 0; i < count; i++) {
		while (at < control_events() && control_event(at).kind == CONTROL_STATE)
			at++;
		assert_true(at < control_events());
		assert_int_equal(control_event(at).kind, kinds[i]);
		at++;
	}
}

/* DPDK 21.08: device, connection; then the next connection and its device. */
static void connects_and_connects_again(void **state)
{
	static const enum control_kind order[] = {
		CONTROL_NEW_CONNECTION, CONTROL_NEW_DEVICE, CONTROL_DESTROY_DEVICE,
		CONTROL_DESTROY_CONNECTION, CONTROL_NEW_CONNECTION, CONTROL_NEW_DEVICE,
		CONTROL_DESTROY_DEVICE, CONTROL_DESTROY_CONNECTION,
	};
	int from = control_events(), at;
	struct control_device device;

	(void)state;
	control_client_listen(&device, "again");
	control_client_start(device.path, 0);
	for (int i = 0; i < 2; i++) {
		at = control_events();
		assert_int_equal(guest_connect(device.guest), 0);
		assert_int_equal(guest_start(device.guest), 0);
		at = control_wait_event(i == 0 ? from : at, CONTROL_NEW_DEVICE, -1);
		assert_true(at >= 0);
		device.vid = control_event(at).vid;
		for (uint64_t j = 0; j < 20; j++) {
			control_send_good(&device, j);
			control_receive_good(&device, j);
		}
		at = control_events();
		guest_disconnect(device.guest);
		assert_true(control_wait_event(at, CONTROL_DESTROY_CONNECTION, device.vid) >= 0);
	}
	assert_order(from, order, (int)CONTROL_COUNT(order));
	control_client_close(&device);
	assert_int_equal(guest_complaints(device.guest), 0);
	guest_destroy(device.guest);
	control_assert_pool();
}

/* start succeeds although nobody listens, costs nothing while it waits, and finds who comes. */
static void waits_for_the_frontend(void **state)
{
	struct control_counts before, now;
	struct control_device device;
	int64_t cpu, began;
	int from;

	(void)state;
	control_path(device.path, "late");
	control_client_start(device.path, 0);
	control_count_idle(&before);
	cpu = control_cpu_us();
	control_sleep_ms(3 * SECOND);
	cpu = control_cpu_us() - cpu;
	if (cpu > 60000)
		fail_msg("%ld us of CPU in three idle seconds", (long)cpu);
	control_count(&now);
	assert_int_equal(now.fds, before.fds);
	assert_int_equal(now.threads, before.threads);
	from = control_events();
	began = control_now_ms();
	control_client_listen(&device, "late");
	assert_true(control_wait_event(from, CONTROL_NEW_CONNECTION, -1) >= 0);
	if (control_now_ms() - began > 2 * SECOND)
		fail_msg("%ld ms until it connected", (long)(control_now_ms() - began));
	assert_int_equal(guest_connect(device.guest), 0);
	assert_int_equal(guest_start(device.guest), 0);
	assert_true(control_wait_event(from, CONTROL_NEW_DEVICE, -1) >= 0);
	control_client_close(&device);
	guest_destroy(device.guest);
}

/* A frontend that is back after a moment is found within another. */
static void finds_a_restarted_frontend_soon(void **state)
{
	struct control_device device;

	(void)state;
	control_client_listen(&device, "soon");
	control_client_start(device.path, 0);
	for (int i = 0; i < 5; i++) {
		int from = control_events();
		int64_t began;

		assert_int_equal(guest_connect(device.guest), 0);
		assert_int_equal(guest_start(device.guest), 0);
		assert_true(control_wait_event(from, CONTROL_NEW_DEVICE, -1) >= 0);
		guest_destroy(device.guest);
		assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, -1) >= 0);
		control_sleep_ms(50);
		from = control_events();
		began = control_now_ms();
		control_client_listen(&device, "soon");
		assert_true(control_wait_event(from, CONTROL_NEW_CONNECTION, -1) >= 0);
		if (control_now_ms() - began > 400)
			fail_msg("%ld ms after 50 ms", (long)(control_now_ms() - began));
	}
	control_client_close(&device);
	guest_destroy(device.guest);
}

static void no_reconnect_wants_a_listener(void **state)
{
	struct control_device device;
	int from;

	(void)state;
	control_path(device.path, "no");
	control_client_register(device.path, RTE_VHOST_USER_NO_RECONNECT);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(device.path)), -1);
	control_assert_line(text, "rte_vhost_driver_start", device.path, NULL);
	/* Not started: once somebody listens it can be. */
	control_client_listen(&device, "no");
	from = control_events();
	assert_int_equal(rte_vhost_driver_start(device.path), 0);
	assert_int_equal(guest_connect(device.guest), 0);
	assert_int_equal(guest_start(device.guest), 0);
	assert_true(control_wait_event(from, CONTROL_NEW_DEVICE, -1) >= 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(device.path)), -1);
	guest_disconnect(device.guest);
	assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, -1) >= 0);
	/* Nothing is tried again. */
	assert_false(control_client_calls(device.guest->frontend.listener, 2 * SECOND));
	control_client_close(&device);
	guest_destroy(device.guest);
}

/* DPDK 21.08: RTE_VHOST_USER_NO_RECONNECT says nothing to a server. */
static void no_reconnect_alone_is_a_server(void **state)
{
	struct control_device device;

	(void)state;
	control_open(&device, "alone", RTE_VHOST_USER_NO_RECONNECT, NULL);
	control_send_good(&device, 1);
	control_close(&device);
}

static void a_path_is_registered_once(void **state)
{
	char path[300];

	(void)state;
	control_path(path, "once");
	control_client_start(path, 0);
	assert_int_equal(
		CONTROL_LOGGED(text, rte_vhost_driver_register(path, RTE_VHOST_USER_CLIENT)), -1);
	control_assert_line(text, path, "exists", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register(path, 0)), -1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	memset(path, 'x', 200);
	path[200] = 0;
	assert_int_equal(
		CONTROL_LOGGED(text, rte_vhost_driver_register(path, RTE_VHOST_USER_CLIENT)), -1);
	control_assert_line(text, "rte_vhost_driver_register", "107", NULL);
	control_path(path, "bare");
	assert_int_equal(rte_vhost_driver_register(path, RTE_VHOST_USER_CLIENT), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, "invalid", NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

static void make_file(const char *path)
{
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void make_directory(const char *path)
{
	mkdir(path, 0700);
}

static void make_fifo(const char *path)
{
	mkfifo(path, 0600);
}

static void make_datagram(const char *path)
{
	close(control_client_socket(path, SOCK_DGRAM));
}

/* What is no socket is neither connected to nor removed; what comes in its place is found. */
static void a_path_that_is_no_socket(void **state)
{
	static void (*const makers[])(const char *) = {
		make_file, make_directory, make_fifo, make_datagram,
	};

	(void)state;
	for (size_t i = 0; i < CONTROL_COUNT(makers); i++) {
		struct control_device device;
		struct stat status;
		int from = control_events();

		control_path(device.path, "thing");
		makers[i](device.path);
		control_client_register(device.path, RTE_VHOST_USER_NO_RECONNECT);
		assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(device.path)), -1);
		assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
		control_client_start(device.path, 0);
		control_sleep_ms(50);
		assert_int_equal(control_count_events(from, CONTROL_NEW_CONNECTION, -1), 0);
		assert_int_equal(lstat(device.path, &status), 0);
		assert_int_equal(remove(device.path), 0);
		control_client_listen(&device, "thing");
		assert_true(control_wait_event(from, CONTROL_NEW_CONNECTION, -1) >= 0);
		control_client_close(&device);
		guest_destroy(device.guest);
	}
}

/* The socket is the frontend's: unregister leaves it where it is. */
static void the_socket_file_stays(void **state)
{
	struct control_device device;
	struct stat before, after;

	(void)state;
	control_client_listen(&device, "theirs");
	assert_int_equal(lstat(device.path, &before), 0);
	control_client_start(device.path, 0);
	assert_int_equal(guest_connect(device.guest), 0);
	control_client_close(&device);
	assert_int_equal(lstat(device.path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	guest_destroy(device.guest);
}

/* Accepted and closed, again and again: the attempts become rare. */
static void a_frontend_that_hangs_up_on_everybody(void **state)
{
	int64_t end, cpu = control_cpu_us();
	int listener, count = 0;
	char path[108];

	(void)state;
	control_path(path, "rude");
	listener = control_client_socket(path, SOCK_STREAM);
	control_client_start(path, 0);
	for (end = control_now_ms() + 4 * SECOND; control_now_ms() < end;)
		if (control_client_calls(listener, 100)) {
			close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
			count++;
		}
	cpu = control_cpu_us() - cpu;
	/* 10 ms, 20, 40, ... make seven attempts in the first 1.3 s, then there is one a second. */
	if (count < 5 || count > 14)
		fail_msg("%d attempts in four seconds", count);
	if (cpu > 100000)
		fail_msg("%ld us of CPU", (long)cpu);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	close(listener);
}

/* A refusal by the application is no reason to hurry either. */
static void an_application_that_refuses(void **state)
{
	int from = control_events(), count;
	struct control_device device;

	(void)state;
	control_client_listen(&device, "refused");
	control_answers.new_connection = -1;
	control_client_start(device.path, 0);
	/* The backlog is short; somebody has to take the dead ones out. */
	for (int i = 0; i < 20; i++)
		if (control_client_calls(device.guest->frontend.listener, 100))
			close(accept4(device.guest->frontend.listener, NULL, NULL, SOCK_CLOEXEC));
	count = control_count_events(from, CONTROL_NEW_CONNECTION, -1);
	if (count < 3 || count > 12)
		fail_msg("asked %d times", count);
	assert_int_equal(control_count_events(from, CONTROL_NEW_DEVICE, -1), 0);
	control_client_close(&device);
	control_answers.new_connection = 0;
	guest_destroy(device.guest);
}

/* Frontends that accept and say nothing, or half a message, hold up nobody. */
static void silent_frontends(void **state)
{
	uint32_t half[2] = { GUEST_SET_MEM_TABLE, GUEST_FLAG_VERSION };
	int listeners[20], sockets[20];
	struct control_counts before;
	struct control_echo echo;
	char path[108], name[16];

	(void)state;
	control_echo_start(&echo, "silent-echo");
	control_echo_check(&echo, 100);
	control_count_idle(&before);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "silent%d", i);
		control_path(path, name);
		listeners[i] = control_client_socket(path, SOCK_STREAM);
		control_client_start(path, 0);
		assert_true(control_client_calls(listeners[i], CONTROL_PATIENCE_MS));
		sockets[i] = accept4(listeners[i], NULL, NULL, SOCK_CLOEXEC);
		assert_true(sockets[i] >= 0);
		if (i % 2)
			assert_int_equal(guest_send_raw(sockets[i], half, 8, NULL, 0), 8);
	}
	control_echo_check(&echo, 500);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "silent%d", i);
		control_path(path, name);
		assert_int_equal(rte_vhost_driver_unregister(path), 0);
		assert_true(control_hangs_up(sockets[i]));
		close(sockets[i]);
		close(listeners[i]);
	}
	control_assert_flat(&before);
	control_echo_stop(&echo);
	control_assert_pool();
}

/* A backlog that is full: nobody waits in connect(), and there is a turn once it is not. */
static void a_full_backlog(void **state)
{
	int fillers[8], filled = 0, listener, from = control_events();
	struct control_echo echo;
	char path[108];

	(void)state;
	control_echo_start(&echo, "full-echo");
	control_path(path, "full");
	listener = control_client_socket(path, SOCK_STREAM);
	while (filled < 8 && (fillers[filled] = control_client_dial(path)) >= 0)
		filled++;
	assert_true(filled > 0 && filled < 8);
	from = control_events();
	control_client_register(path, RTE_VHOST_USER_NO_RECONNECT);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	control_client_start(path, 0);
	control_echo_check(&echo, 300);
	assert_int_equal(control_count_events(from, CONTROL_NEW_CONNECTION, -1), 0);
	for (int i = 0; i < filled; i++) {
		close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
		close(fillers[i]);
	}
	assert_true(control_wait_event(from, CONTROL_NEW_CONNECTION, -1) >= 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	close(listener);
	control_echo_stop(&echo);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(connects_and_connects_again),
	cmocka_unit_test(waits_for_the_frontend),
	cmocka_unit_test(finds_a_restarted_frontend_soon),
	cmocka_unit_test(no_reconnect_wants_a_listener),
	cmocka_unit_test(no_reconnect_alone_is_a_server),
	cmocka_unit_test(a_path_is_registered_once),
	cmocka_unit_test(a_path_that_is_no_socket),
	cmocka_unit_test(the_socket_file_stays),
	cmocka_unit_test(a_frontend_that_hangs_up_on_everybody),
	cmocka_unit_test(an_application_that_refuses),
	cmocka_unit_test(silent_frontends),
	cmocka_unit_test(a_full_backlog),
};

CONTROL_MAIN(300, tests)
