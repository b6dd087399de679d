/* SPDX-License-Identifier: BSD-3-Clause */

/* The dirty log as the application and the frontend see it. */
#define _GNU_SOURCE
#include "control_logged.h"

#include <sys/eventfd.h>

#define PAGE 4096
#define LOG_ALL GUEST_BIT(GUEST_F_LOG_ALL)
/** SET_LOG_BASE with NEED_REPLY. @return as control_ask(). */
static int ask_log(uint64_t size, uint64_t offset, int fd)
{
	uint64_t payload[2] = { size, offset };

	return control_ask(logged_frontend()->socket, GUEST_SET_LOG_BASE, payload,
			   sizeof(payload), fd);
}

static int changed_vid, changed_count;
static uint64_t changed_features;

static int features_changed(int vid, uint64_t features)
{
	changed_vid = vid;
	changed_features = features;
	changed_count++;
	return 0;
}

/* QEMU sets and clears LOG_ALL, and the rings' log flags, while the device runs. */
static void log_all_comes_and_goes_while_rings_run(void **state)
{
	struct control_device device = { .vid = -1 };
	struct vhost_device_ops ops = control_ops;
	struct guest_config config;
	uint64_t features = 0;
	int from;

	(void)state;
	ops.features_changed = features_changed;
	control_listen(&device, "come-and-go", 0);
	assert_int_equal(rte_vhost_driver_callback_register(device.path, &ops), 0);
	guest_config_init(&config);
	config.protocol_features = LOGGED_PROTOCOL;
	control_attach(&device, &config);
	from = control_events();
	changed_count = 0;
	for (int i = 1; i <= 50; i++) {
		struct guest_log log;

		control_receive_good(&device, 1);
		assert_int_equal(guest_log_start(device.guest, &log), 0);
		assert_int_equal(changed_count, 2 * i - 1);
		assert_int_equal(changed_vid, device.vid);
		assert_int_equal(changed_features, device.guest->features);
		assert_true(changed_features & LOG_ALL);
		assert_int_equal(rte_vhost_get_negotiated_features(device.vid, &features), 0);
		assert_int_equal(features, changed_features);
		control_send_good(&device, 2);
		control_receive_good(&device, 3);
		assert_int_equal(guest_log_stop(device.guest), 0);
		assert_int_equal(changed_count, 2 * i);
		assert_false(changed_features & LOG_ALL);
		/* What is written now is not marked. */
		guest_log_take(&log);
		control_send_good(&device, 4);
		control_receive_good(&device, 5);
		assert_int_equal(guest_log_take(&log), 0);
		guest_log_destroy(&log);
	}
	/* No ring was stopped for it. */
	assert_int_equal(control_events(), from);
	control_close(&device);
	control_assert_pool();
}

static void a_new_log_takes_the_place_of_the_old(void **state)
{
	struct guest_log other = { 0 };

	(void)state;
	logged_begin("swap");
	assert_int_equal(ask_log(logged_log.size, 0, logged_log.fd), 0);
	assert_int_equal(guest_log_switch(logged_stage.target.guest, true), 0);
	control_receive_good(&logged_stage.target, 1);
	assert_true(guest_log_take(&logged_log) > 0);
	assert_int_equal(guest_log_create(logged_stage.target.guest, &other), 0);
	assert_int_equal(ask_log(other.size, 0, other.fd), 0);
	control_receive_good(&logged_stage.target, 2);
	assert_int_equal(guest_log_take(&logged_log), 0);
	assert_true(guest_log_take(&other) > 0);
	guest_log_destroy(&other);
	control_receive_good(&logged_stage.target, 3);
	logged_end();
}

static void whom_a_log_event_tells(void **state)
{
	eventfd_t value = 0;
	int event;

	(void)state;
	logged_begin("event");
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(ask_log(logged_log.size, 0, logged_log.fd), 0);
	assert_int_equal(guest_set_log_fd(logged_frontend(), event), 0);
	control_receive_good(&logged_stage.target, 1);
	assert_int_equal(eventfd_read(event, &value), -1);
	assert_int_equal(guest_log_switch(logged_stage.target.guest, true), 0);
	control_receive_good(&logged_stage.target, 2);
	assert_int_equal(eventfd_read(event, &value), 0);
	assert_true(value > 0);
	close(event);
	logged_end();
}

/** Bytes of the log that are not 0. */
static uint64_t marked_byte(uint64_t index)
{
	return logged_log.bits[index];
}

static void what_the_application_writes(void **state)
{
	int vid;
	uint64_t gpa, base = 1, size = 1, used;

	(void)state;
	logged_begin("application");
	vid = logged_stage.target.vid;
	gpa = logged_stage.target.guest->memory.regions[0].gpa;
	used = logged_stage.target.guest->queues[1].areas[2].gpa;
	assert_int_equal(rte_vhost_get_log_base(vid, &base, &size), 0);
	assert_int_equal(base, 0);
	assert_int_equal(size, 0);
	assert_int_equal(guest_log_switch(logged_stage.target.guest, true), 0);
	rte_vhost_log_write(vid, gpa, 1);	/* LOG_ALL without a log. */
	rte_vhost_log_used_vring(vid, 1, 0, 1);
	assert_int_equal(guest_log_switch(logged_stage.target.guest, false), 0);
	assert_int_equal(ask_log(logged_log.size, 0, logged_log.fd), 0);
	rte_vhost_log_write(vid, gpa, 1);	/* A log without LOG_ALL. */
	rte_vhost_log_used_vring(vid, 1, 0, 1);
	assert_int_equal(guest_log_count(&logged_log), 0);
	assert_int_equal(guest_log_switch(logged_stage.target.guest, true), 0);
	guest_log_take(&logged_log);
	assert_int_equal(rte_vhost_get_log_base(vid, &base, &size), 0);
	assert_int_equal(size, logged_log.size);
	assert_int_equal(*(uint8_t *)(uintptr_t)base, marked_byte(0));
	rte_vhost_log_write(vid, gpa + PAGE - 1, 2);
	assert_int_equal(guest_log_count(&logged_log), 2);
	assert_true(guest_log_covers(&logged_log, gpa, 2 * PAGE));
	assert_int_not_equal(((uint8_t *)(uintptr_t)base)[gpa / PAGE / 8], 0);
	guest_log_take(&logged_log);
	rte_vhost_log_write(vid, gpa + 3 * PAGE, 20 * PAGE);
	assert_int_equal(guest_log_count(&logged_log), 20);
	assert_true(guest_log_covers(&logged_log, gpa + 3 * PAGE, 20 * PAGE));
	guest_log_take(&logged_log);
	rte_vhost_log_write(vid, gpa, 0);
	rte_vhost_log_write(vid, logged_log.size * 8 * PAGE, 1);	/* Behind the log's end. */
	rte_vhost_log_write(vid, UINT64_MAX, UINT64_MAX);
	rte_vhost_log_write(vid + 1000, gpa, 1);
	rte_vhost_log_write(-1, gpa, 1);
	rte_vhost_log_used_vring(vid, 999, 0, 1);
	assert_int_equal(guest_log_count(&logged_log), 0);
	rte_vhost_log_write(vid, logged_log.size * 8 * PAGE - 1, UINT64_MAX);
	assert_int_equal(guest_log_take(&logged_log), 1);
	rte_vhost_log_write(vid, 0, UINT64_MAX);
	assert_int_equal(guest_log_take(&logged_log), logged_log.size * 8);
	rte_vhost_log_used_vring(vid, 1, 4, 8);
	assert_int_equal(guest_log_count(&logged_log), 1);
	assert_true(guest_log_is_dirty(&logged_log, used));
	assert_int_equal(rte_vhost_get_log_base(vid, NULL, &size), -1);
	assert_int_equal(rte_vhost_get_log_base(vid, &base, NULL), -1);
	assert_int_equal(rte_vhost_get_log_base(vid + 1000, &base, &size), -1);
	logged_end();
}

/* vhost-user: the used ring is logged at the given address, which need not be memory. */
static void a_log_address_outside_of_memory(void **state)
{
	struct guest_vring_addr addr;
	struct guest_queue *queue;

	(void)state;
	logged_begin("address");
	queue = guest_tx_queue(logged_stage.target.guest, 0);
	assert_int_equal(ask_log(logged_log.size, 0, logged_log.fd), 0);
	assert_int_equal(guest_log_switch(logged_stage.target.guest, true), 0);
	guest_ring_addr(queue, &addr);
	addr.log = 5 * PAGE;
	assert_int_equal(guest_set_vring_addr(logged_frontend(), &addr), 0);
	guest_log_take(&logged_log);
	control_send_good(&logged_stage.target, 1);
	assert_true(guest_log_is_dirty(&logged_log, 5 * PAGE));
	assert_false(guest_log_is_dirty(&logged_log, queue->areas[2].gpa));
	guest_log_take(&logged_log);
	rte_vhost_log_used_vring(logged_stage.target.vid, 1, PAGE, 1);
	assert_true(guest_log_is_dirty(&logged_log, 6 * PAGE));
	assert_int_equal(guest_log_take(&logged_log), 1);
	/* Without the flag: where the ring is. */
	addr.flags = 0;
	assert_int_equal(guest_set_vring_addr(logged_frontend(), &addr), 0);
	control_send_good(&logged_stage.target, 2);
	assert_true(guest_log_is_dirty(&logged_log, queue->areas[2].gpa));
	assert_false(guest_log_is_dirty(&logged_log, 5 * PAGE));
	guest_log_take(&logged_log);
	rte_vhost_log_used_vring(logged_stage.target.vid, 1, 0, 1);
	assert_true(guest_log_is_dirty(&logged_log, queue->areas[2].gpa));
	assert_int_equal(guest_log_take(&logged_log), 1);
	/* An address that no log has bits for hurts nobody. */
	addr.flags = GUEST_VRING_F_LOG;
	addr.log = UINT64_MAX - 8;
	assert_int_equal(guest_set_vring_addr(logged_frontend(), &addr), 0);
	control_send_good(&logged_stage.target, 3);
	assert_int_equal(guest_log_take(&logged_log), 0);
	logged_end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(log_all_comes_and_goes_while_rings_run),
	cmocka_unit_test(a_new_log_takes_the_place_of_the_old),
	cmocka_unit_test(whom_a_log_event_tells),
	cmocka_unit_test(what_the_application_writes),
	cmocka_unit_test(a_log_address_outside_of_memory),
};

CONTROL_MAIN_QUIET(120, tests)
