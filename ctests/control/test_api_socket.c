/* SPDX-License-Identifier: BSD-3-Clause */

/* Sockets: register, start, unregister, and what a path may be. */
#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define LONGEST 107

static char text[CONTROL_TEXT];

static void long_path(char *path, size_t length)
{
	strcpy(path, control_directory());
	strcat(path, "/");
	memset(path + strlen(path), 'x', length - strlen(path));
	path[length] = 0;
}

/** A socket of somebody else. */
static int foreign_listener(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void register_ready(const char *path)
{
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
}

static void register_refuses_bad_paths(void **state)
{
	char path[300];

	(void)state;
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register(NULL, 0)), -1);
	control_assert_line(text, "rte_vhost_driver_register", "path", NULL);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register("", 0)), -1);
	control_assert_line(text, "rte_vhost_driver_register", "path", NULL);
	long_path(path, LONGEST + 1);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register(path, 0)), -1);
	control_assert_line(text, "rte_vhost_driver_register", "107", NULL);
	long_path(path, 250);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register(path, 0)), -1);
}

static void longest_path_works(void **state)
{
	struct control_device device = { .vid = -1 };
	char path[300], name[108];

	(void)state;
	long_path(path, LONGEST);
	register_ready(path);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	strcpy(device.path, path);
	control_attach(&device, NULL);
	assert_int_equal(rte_vhost_get_ifname(device.vid, name, sizeof(name)), 0);
	assert_string_equal(name, path);
	control_close(&device);
}

static void register_twice_is_refused(void **state)
{
	char path[108];

	(void)state;
	control_path(path, "twice");
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register(path, 0)), -1);
	control_assert_line(text, path, "exists", NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_unregister(path)), -1);
	control_assert_line(text, path, "not found", NULL);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

static void unknown_flags_are_refused(void **state)
{
	char path[108];

	(void)state;
	control_path(path, "flags");
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register(path, 1ULL << 63)), -1);
	control_assert_line(text, path, "invalid", NULL);
	/* Client mode is not part of this release: refused, not ignored. */
	if (rte_vhost_driver_register(path, RTE_VHOST_USER_CLIENT) == 0)
		assert_int_equal(rte_vhost_driver_unregister(path), 0);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

static void start_wants_callbacks_once(void **state)
{
	char path[108];

	(void)state;
	control_path(path, "start");
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, "not found", NULL);
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, "invalid", NULL);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(
		CONTROL_LOGGED(text, rte_vhost_driver_callback_register(path, NULL)), -1);
	control_assert_line(text, path, "invalid", NULL);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, "busy", NULL);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void functions_want_a_registered_path(void **state)
{
	uint64_t bits;
	uint32_t count;
	const char *path = "/tmp/control-nobody";

	(void)state;
#define REFUSED(call) \
	do { \
		assert_int_equal(CONTROL_LOGGED(text, call), -1); \
		control_assert_line(text, path, "not found", NULL); \
	} while (0)
	REFUSED(rte_vhost_driver_unregister(path));
	REFUSED(rte_vhost_driver_start(path));
	REFUSED(rte_vhost_driver_callback_register(path, &control_ops));
	REFUSED(rte_vhost_driver_set_features(path, 0));
	REFUSED(rte_vhost_driver_enable_features(path, 0));
	REFUSED(rte_vhost_driver_disable_features(path, 0));
	REFUSED(rte_vhost_driver_get_features(path, &bits));
	REFUSED(rte_vhost_driver_set_protocol_features(path, 0));
	REFUSED(rte_vhost_driver_get_protocol_features(path, &bits));
	REFUSED(rte_vhost_driver_get_queue_num(path, &count));
#undef REFUSED
	assert_int_equal(rte_vhost_driver_set_features(NULL, 0), -1);
	assert_int_equal(rte_vhost_driver_enable_features(NULL, 0), -1);
	assert_int_equal(rte_vhost_driver_get_features(NULL, &bits), -1);
	assert_int_equal(rte_vhost_driver_start(NULL), -1);
	assert_int_equal(rte_vhost_driver_unregister(NULL), -1);
	assert_int_equal(rte_vhost_driver_callback_register(NULL, &control_ops), -1);
}

static void regular_file_is_left_alone(void **state)
{
	char path[108];
	int fd;

	(void)state;
	control_path(path, "file");
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	register_ready(path);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, "98", NULL);
	assert_int_equal(access(path, F_OK), 0);
	/* Not started, so still startable once the file is gone. */
	unlink(path);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

static void live_listener_is_left_alone(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[108];
	int listener, client;

	(void)state;
	control_path(path, "live");
	listener = foreign_listener(path);
	register_ready(path);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	close(client);
	close(listener);
	unlink(path);
}

static void stale_socket_is_replaced(void **state)
{
	struct control_device device = { .vid = -1 };

	(void)state;
	control_path(device.path, "stale");
	close(foreign_listener(device.path));
	assert_int_equal(access(device.path, F_OK), 0);
	register_ready(device.path);
	assert_int_equal(rte_vhost_driver_start(device.path), 0);
	control_attach(&device, NULL);
	control_send_good(&device, 1);
	control_close(&device);
}

static void unwritable_directory_is_refused(void **state)
{
	const char *path = "/proc/control.sock", *missing = "/tmp/control-no-dir/x.sock";

	(void)state;
	register_ready(path);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(path)), -1);
	control_assert_line(text, path, NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	register_ready(missing);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_start(missing)), -1);
	control_assert_line(text, missing, NULL);
	assert_int_equal(rte_vhost_driver_unregister(missing), 0);
}

/* The path was taken over by somebody else while we listened: theirs is not ours to remove. */
static void unregister_leaves_a_foreign_file(void **state)
{
	char path[108];
	int fd, found;

	(void)state;
	control_path(path, "replaced");
	register_ready(path);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	found = access(path, F_OK);
	unlink(path);
	assert_int_equal(found, 0);
}

static void features_are_added_and_taken(void **state)
{
	uint64_t offered, features = 0, bit = GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	char path[108];

	(void)state;
	control_path(path, "features");
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_get_features(path, &offered), 0);
	assert_true(offered & bit);
	assert_true(offered & GUEST_BIT(VIRTIO_F_VERSION_1));
	assert_int_equal(rte_vhost_driver_disable_features(path, bit), 0);
	assert_int_equal(rte_vhost_driver_get_features(path, &features), 0);
	assert_int_equal(features, offered & ~bit);
	assert_int_equal(rte_vhost_driver_enable_features(path, bit), 0);
	assert_int_equal(rte_vhost_driver_get_features(path, &features), 0);
	assert_int_equal(features, offered);
	assert_int_equal(rte_vhost_driver_set_features(path, bit), 0);
	assert_int_equal(rte_vhost_driver_get_features(path, &features), 0);
	assert_int_equal(features, bit);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_get_features(path, NULL)), -1);
	control_assert_line(text, path, "invalid", NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

static void protocol_features_and_queues_are_told(void **state)
{
	uint64_t offered = 0, features = 0;
	uint32_t pairs = 0;
	char path[108];

	(void)state;
	control_path(path, "protocol");
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_get_protocol_features(path, &offered), 0);
	assert_true(offered & GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK));
	assert_int_equal(rte_vhost_driver_set_protocol_features(
		path, GUEST_BIT(GUEST_PROTOCOL_MQ)), 0);
	assert_int_equal(rte_vhost_driver_get_protocol_features(path, &features), 0);
	assert_int_equal(features, GUEST_BIT(GUEST_PROTOCOL_MQ));
	assert_int_equal(rte_vhost_driver_get_protocol_features(path, NULL), -1);
	assert_int_equal(rte_vhost_driver_get_queue_num(path, &pairs), 0);
	assert_int_equal(pairs, 128);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_get_queue_num(path, NULL)), -1);
	control_assert_line(text, path, "invalid", NULL);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

/* What is offered reaches the frontend; a bit that was taken away cannot be negotiated. */
static void offers_reach_the_frontend(void **state)
{
	uint64_t features = 0, protocol = 0, pairs = 0, offered, bit = GUEST_BIT(VIRTIO_F_IN_ORDER);
	struct control_device device = { .vid = -1 };

	(void)state;
	control_path(device.path, "offers");
	register_ready(device.path);
	assert_int_equal(rte_vhost_driver_disable_features(device.path, bit), 0);
	assert_int_equal(rte_vhost_driver_start(device.path), 0);
	assert_int_equal(guest_probe(device.path, 5000, &features, &protocol, &pairs), 0);
	assert_int_equal(rte_vhost_driver_get_features(device.path, &offered), 0);
	assert_int_equal(features, offered);
	assert_false(features & bit);
	assert_int_equal(rte_vhost_driver_get_protocol_features(device.path, &offered), 0);
	assert_int_equal(protocol, offered);
	assert_int_equal(pairs, 128);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
}

static void sockets_leave_nothing(void **state)
{
	struct control_counts before;
	char path[108];

	(void)state;
	control_path(path, "nothing");
	register_ready(path);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	control_count_idle(&before);
	for (int i = 0; i < 2000; i++) {
		register_ready(path);
		assert_int_equal(rte_vhost_driver_start(path), 0);
		assert_int_equal(rte_vhost_driver_unregister(path), 0);
	}
	control_assert_flat(&before);
	control_assert_memory(&before, 1024);
}

static void a_thousand_and_more_sockets(void **state)
{
	char path[108];
	int made = 0;

	(void)state;
	/* DPDK 21.08: at most 1,024. */
	for (; made < 1024; made++) {
		snprintf(path, sizeof(path), "/tmp/control-many-%d", made);
		if (rte_vhost_driver_register(path, 0) != 0)
			break;
	}
	assert_int_equal(made, 1024);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_register("/tmp/one-more", 0)), -1);
	control_assert_line(text, "/tmp/one-more", "limit", NULL);
	while (made-- > 0) {
		snprintf(path, sizeof(path), "/tmp/control-many-%d", made);
		assert_int_equal(rte_vhost_driver_unregister(path), 0);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(register_refuses_bad_paths),
	cmocka_unit_test(longest_path_works),
	cmocka_unit_test(register_twice_is_refused),
	cmocka_unit_test(unknown_flags_are_refused),
	cmocka_unit_test(start_wants_callbacks_once),
	cmocka_unit_test(functions_want_a_registered_path),
	cmocka_unit_test(regular_file_is_left_alone),
	cmocka_unit_test(live_listener_is_left_alone),
	cmocka_unit_test(stale_socket_is_replaced),
	cmocka_unit_test(unwritable_directory_is_refused),
	cmocka_unit_test(unregister_leaves_a_foreign_file),
	cmocka_unit_test(features_are_added_and_taken),
	cmocka_unit_test(protocol_features_and_queues_are_told),
	cmocka_unit_test(offers_reach_the_frontend),
	cmocka_unit_test(sockets_leave_nothing),
	cmocka_unit_test(a_thousand_and_more_sockets),
};

CONTROL_MAIN(300, tests)
