/* SPDX-License-Identifier: BSD-3-Clause */

/* vDPA: the registry, sockets given to a device, what is offered, when the driver is called. */
#define _GNU_SOURCE
#include "control_vdpa.h"

#include <sys/socket.h>

static struct rte_vdpa_device *try_register(const char *name, struct rte_vdpa_dev_ops *ops)
{
	static struct control_rte_device device;

	device.name = name;
	return rte_vdpa_register_device((struct rte_device *)&device, ops);
}

static void devices_are_registered_by_name(void **state)
{
	struct rte_vdpa_dev_ops bad;

	(void)state;
	control_vdpa_init("mock0");
	assert_null(rte_vdpa_register_device(NULL, &control_vdpa.ops));
	assert_null(try_register("mock0", NULL));
	assert_null(try_register(NULL, &control_vdpa.ops));
	/* The first seven operations are required but for the last of eight. */
	for (size_t i = 0; i < 7; i++) {
		bad = control_vdpa.ops;
		((void **)&bad)[i] = NULL;
		assert_null(try_register("mock0", &bad));
	}
	assert_null(rte_vdpa_find_device_by_name("mock0"));
	control_vdpa_register();
	assert_ptr_equal(rte_vdpa_find_device_by_name("mock0"), control_vdpa.registered);
	assert_null(rte_vdpa_find_device_by_name("mock"));
	assert_null(rte_vdpa_find_device_by_name("mock00"));
	assert_null(rte_vdpa_find_device_by_name(NULL));
	assert_ptr_equal(rte_vdpa_get_rte_device(control_vdpa.registered), &control_vdpa.device);
	assert_null(rte_vdpa_get_rte_device(NULL));
	/* Once for each name. */
	assert_null(try_register("mock0", &control_vdpa.ops));
	assert_int_equal(rte_vdpa_unregister_device(NULL), -1);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), -1);
	assert_null(rte_vdpa_find_device_by_name("mock0"));
	assert_null(rte_vdpa_get_rte_device(control_vdpa.registered));
}

static void many_devices_are_told_apart(void **state)
{
	static struct control_rte_device devices[100];
	static char names[100][16];
	struct rte_vdpa_device *found[100];

	(void)state;
	control_vdpa_init("x");
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			snprintf(names[i], sizeof(names[i]), "mock%d", i);
			devices[i].name = names[i];
			found[i] = rte_vdpa_register_device((struct rte_device *)&devices[i],
							    &control_vdpa.ops);
			assert_non_null(found[i]);
		}
		for (int i = 0; i < 100; i++) {
			assert_ptr_equal(rte_vdpa_find_device_by_name(names[i]), found[i]);
			assert_ptr_equal(rte_vdpa_get_rte_device(found[i]), &devices[i]);
		}
		for (int i = 99; i >= 0; i--)
			assert_int_equal(rte_vdpa_unregister_device(found[i]), 0);
	}
}

static int stats_names(struct rte_vdpa_device *device, struct rte_vdpa_stat_name *names,
		       unsigned int size)
{
	(void)device;
	if (names && size >= 1)
		strcpy(names[0].name, "packets");
	return 1;
}

static int stats(struct rte_vdpa_device *device, int queue, struct rte_vdpa_stat *values,
		 unsigned int count)
{
	(void)device;
	(void)count;
	values[0] = (struct rte_vdpa_stat){ .id = 0, .value = 100 + (uint64_t)queue };
	return 1;
}

static int reset_stats(struct rte_vdpa_device *device, int queue)
{
	(void)device;
	return queue == 3 ? 0 : -5;
}

static void questions_go_to_the_driver(void **state)
{
	struct rte_vdpa_stat_name name = { "" };
	struct rte_vdpa_stat value;
	uint64_t bits = 0;
	uint32_t pairs = 0;

	(void)state;
	control_vdpa_init("mock1");
	control_vdpa_register();
	control_vdpa.features = 0x1234;
	control_vdpa.protocol_features = 0x5678;
	control_vdpa.pairs = 3;
	assert_int_equal(rte_vdpa_get_features(control_vdpa.registered, &bits), 0);
	assert_int_equal(bits, 0x1234);
	assert_int_equal(rte_vdpa_get_protocol_features(control_vdpa.registered, &bits), 0);
	assert_int_equal(bits, 0x5678);
	assert_int_equal(rte_vdpa_get_queue_num(control_vdpa.registered, &pairs), 0);
	assert_int_equal(pairs, 3);
	/* Operations that a driver may lack. */
	assert_true(rte_vdpa_get_stats_names(control_vdpa.registered, &name, 1) < 0);
	assert_true(rte_vdpa_get_stats(control_vdpa.registered, 0, &value, 1) < 0);
	assert_true(rte_vdpa_reset_stats(control_vdpa.registered, 0) < 0);
	control_vdpa.ops.get_stats_names = stats_names;
	control_vdpa.ops.get_stats = stats;
	control_vdpa.ops.reset_stats = reset_stats;
	assert_int_equal(rte_vdpa_get_stats_names(control_vdpa.registered, NULL, 0), 1);
	assert_int_equal(rte_vdpa_get_stats_names(control_vdpa.registered, &name, 1), 1);
	assert_string_equal(name.name, "packets");
	assert_int_equal(rte_vdpa_get_stats(control_vdpa.registered, 7, &value, 1), 1);
	assert_int_equal(value.value, 107);
	assert_int_equal(rte_vdpa_reset_stats(control_vdpa.registered, 3), 0);
	assert_int_equal(rte_vdpa_reset_stats(control_vdpa.registered, 4), -5);
	/* Nobody, nowhere to write, a driver that fails. */
	assert_true(rte_vdpa_get_features(NULL, &bits) < 0);
	assert_true(rte_vdpa_get_features(control_vdpa.registered, NULL) < 0);
	assert_true(rte_vdpa_get_stats(control_vdpa.registered, 0, NULL, 1) < 0);
	assert_true(rte_vdpa_get_stats_names(NULL, NULL, 0) < 0);
	assert_true(rte_vdpa_reset_stats(NULL, 0) < 0);
	control_vdpa.answer = -1;
	assert_true(rte_vdpa_get_queue_num(control_vdpa.registered, &pairs) < 0);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
	assert_true(rte_vdpa_get_features(control_vdpa.registered, &bits) < 0);
	assert_true(rte_vdpa_get_stats(control_vdpa.registered, 0, &value, 1) < 0);
}

static void sockets_are_given_to_devices(void **state)
{
	char path[108];

	(void)state;
	control_vdpa_init("mock2");
	control_vdpa_register();
	control_path(path, "given");
	assert_int_equal(rte_vhost_driver_attach_vdpa_device(path, control_vdpa.registered), -1);
	assert_int_equal(rte_vhost_driver_detach_vdpa_device(path), -1);
	assert_null(rte_vhost_driver_get_vdpa_device(path));
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_null(rte_vhost_driver_get_vdpa_device(path));
	assert_int_equal(rte_vhost_driver_attach_vdpa_device(path, NULL), -1);
	assert_int_equal(rte_vhost_driver_attach_vdpa_device(
		path, (struct rte_vdpa_device *)&control_vdpa.device), -1);
	assert_int_equal(rte_vhost_driver_attach_vdpa_device(path, control_vdpa.registered), 0);
	assert_ptr_equal(rte_vhost_driver_get_vdpa_device(path), control_vdpa.registered);
	assert_int_equal(rte_vhost_driver_detach_vdpa_device(path), 0);
	assert_null(rte_vhost_driver_get_vdpa_device(path));
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	assert_null(rte_vhost_get_vdpa_device(900));
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
}

static void both_must_support_what_is_offered(void **state)
{
	uint64_t own, own_protocol, features, protocol, queues;
	struct control_device device;
	char path[108];
	uint32_t pairs;

	(void)state;
	control_vdpa_init("mock3");
	control_vdpa_register();
	control_path(path, "own");
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_get_features(path, &own), 0);
	assert_int_equal(rte_vhost_driver_get_protocol_features(path, &own_protocol), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	control_vdpa.features = GUEST_BIT(VIRTIO_F_VERSION_1) | GUEST_BIT(VIRTIO_NET_F_MQ) |
		GUEST_BIT(GUEST_F_PROTOCOL_FEATURES) | GUEST_BIT(60);
	control_vdpa.protocol_features = GUEST_BIT(GUEST_PROTOCOL_MQ) | GUEST_BIT(50);
	control_vdpa.pairs = 2;
	control_vdpa_listen(&device, "both");
	assert_int_equal(rte_vhost_driver_get_features(device.path, &features), 0);
	assert_int_equal(features, own & control_vdpa.features);
	assert_int_equal(rte_vhost_driver_get_protocol_features(device.path, &protocol), 0);
	assert_int_equal(protocol, own_protocol & control_vdpa.protocol_features);
	assert_int_equal(rte_vhost_driver_get_queue_num(device.path, &pairs), 0);
	assert_int_equal(pairs, 2);
	assert_int_equal(guest_probe(device.path, CONTROL_PATIENCE_MS, &features, &protocol,
				     &queues), 0);
	assert_int_equal(features, own & control_vdpa.features);
	assert_int_equal(protocol, own_protocol & control_vdpa.protocol_features);
	assert_int_equal(queues, 2);
	/* A driver that does not tell gets no device. */
	control_vdpa.answer = -1;
	assert_int_equal(rte_vhost_driver_get_features(device.path, &features), -1);
	assert_true(guest_probe(device.path, CONTROL_PATIENCE_MS, &features, &protocol, &queues) <
		    0);
	/* Nor does one that took its device back. */
	control_vdpa.answer = 0;
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
	assert_true(guest_probe(device.path, CONTROL_PATIENCE_MS, &features, &protocol, &queues) <
		    0);
	assert_int_equal(rte_vhost_driver_detach_vdpa_device(device.path), 0);
	assert_int_equal(guest_probe(device.path, CONTROL_PATIENCE_MS, &features, &protocol,
				     &queues), 0);
	assert_int_equal(features, own);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
}

/* A message of a protocol feature that the device lacks is none. */
static void what_is_not_offered_is_refused(void **state)
{
	struct control_device device;
	int pair[2], socket;

	(void)state;
	control_vdpa_init("mock4");
	control_vdpa_register();
	control_vdpa.protocol_features &= ~GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	control_vdpa_listen(&device, "unoffered");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	socket = control_negotiate(&device);
	assert_int_equal(control_ask(socket, GUEST_SET_BACKEND_REQ_FD, NULL, 0, pair[0]), 1);
	close(socket);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(devices_are_registered_by_name),
	cmocka_unit_test(many_devices_are_told_apart),
	cmocka_unit_test(questions_go_to_the_driver),
	cmocka_unit_test(sockets_are_given_to_devices),
	cmocka_unit_test(both_must_support_what_is_offered),
	cmocka_unit_test(what_is_not_offered_is_refused),
};

CONTROL_MAIN_QUIET(120, tests)
