/* SPDX-License-Identifier: BSD-3-Clause */

/* Features of the control plane against each other: what one allows must not break the other. */
#define _GNU_SOURCE
#include "control_target.h"
#include "control_vdpa.h"

#include <sys/mman.h>
#include <sys/socket.h>

#define PAGE 4096
#define FEW_SLOTS 16
/** What the event thread may be kept waiting for one frontend, and room for a slow machine. */
#define BOUNDED_MS 3000

static int start_packed(struct target_driver *driver, char path[108], const char *name)
{
	int from = control_events(), found;

	control_path(path, name);
	target_listen(path, TARGET_PROTOCOL, &control_ops);
	target_driver_init(driver, true);
	target_connect(driver, path);
	assert_int_equal(target_start(driver), 0);
	found = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(found >= 0);
	return control_event(found).vid;
}

/** Take the ring away, but not by GET_VRING_BASE: its record stays. */
static void lose_ring(struct target_driver *driver)
{
	struct guest_vring_addr nowhere = { .descriptors = 64, .available = 64, .used = 64 };

	assert_int_equal(guest_set_vring_addr(&driver->frontend, &nowhere), -EREMOTEIO);
}

/* The record would have more slots than the ring that the application reads by it. */
static void a_ring_with_a_record_keeps_its_size(void **state)
{
	struct target_driver driver;
	char path[108];
	uint16_t entry;
	int vid;

	(void)state;
	vid = start_packed(&driver, path, "size");
	lose_ring(&driver);
	assert_int_equal(guest_set_vring_num(&driver.frontend, 0, FEW_SLOTS), -EREMOTEIO);
	assert_int_equal(target_send_ring(&driver, 0x80008000), 0);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, FEW_SLOTS - 1, 0, &entry), 0);
	assert_int_equal(rte_vhost_set_inflight_desc_packed(vid, 0, TARGET_SLOTS, 0, &entry), -1);
	/* A stopped one has none, and may have any size. */
	assert_int_equal(guest_get_vring_base(&driver.frontend, 0, &(uint32_t){ 0 }), 0);
	assert_int_equal(guest_set_vring_num(&driver.frontend, 0, FEW_SLOTS), 0);
	target_driver_destroy(&driver);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

static void a_ring_with_a_record_keeps_its_format(void **state)
{
	uint64_t split = TARGET_FEATURES & ~GUEST_BIT(VIRTIO_F_RING_PACKED);
	struct target_driver driver;
	char path[108];

	(void)state;
	start_packed(&driver, path, "format");
	lose_ring(&driver);
	assert_int_equal(guest_set_features(&driver.frontend, split), -EREMOTEIO);
	assert_int_equal(guest_get_vring_base(&driver.frontend, 0, &(uint32_t){ 0 }), 0);
	assert_int_equal(guest_set_features(&driver.frontend, split), 0);
	target_driver_destroy(&driver);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

static void open_hardware(struct control_device *device, const char *name, uint32_t pairs,
			  uint64_t protocol)
{
	struct guest_config config;

	control_vdpa_init(name);
	control_vdpa.pairs = pairs;
	control_vdpa.notify_file = memfd_create("doorbells", MFD_CLOEXEC);
	control_vdpa_register();
	control_vdpa_listen(device, name);
	control_config(&config, device);
	config.protocol_features |= protocol;
	config.queue_pairs = pairs;
	control_attach(device, &config);
}

static void close_hardware(struct control_device *device)
{
	control_close(device);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
	close(control_vdpa.notify_file);
}

static int configurations(void)
{
	int count = 0;

	for (const char *letter = control_vdpa_calls(); *letter; letter++)
		count += *letter == 'C';
	return count;
}

/* DPDK 21.08: dev_conf is for a device whose rings are ready. */
static void hardware_is_not_set_up_without_rings(void **state)
{
	struct control_device device;
	struct guest_wire_region region;
	struct guest *guest;
	int before;

	(void)state;
	open_hardware(&device, "slots", 1, GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS));
	guest = device.guest;
	before = configurations();
	region = (struct guest_wire_region){
		.gpa = guest->memory.regions[0].gpa, .size = guest->memory.regions[0].size,
		.user_addr = (uintptr_t)guest->memory.regions[0].host };
	assert_int_equal(guest_rem_mem_reg(&guest->frontend, &region), 0);
	assert_int_equal(guest_set_status(&guest->frontend, 15), 0);
	assert_int_equal(configurations(), before);
	assert_false(control_vdpa.running);
	assert_int_equal(guest_add_mem_reg(&guest->frontend, &region,
					   guest->memory.regions[0].fd), 0);
	assert_int_equal(configurations(), before + 1);
	assert_true(control_vdpa.running);
	close_hardware(&device);
}

/** A frontend that says yes to everything, late. */
static void *answer_late(void *argument)
{
	struct guest_frontend *frontend = argument;
	struct guest_message message;

	while (guest_receive(frontend->backend_channel, &message, 2000) == 0) {
		uint32_t words[5] = { message.request, 5, 8, 0, 0 };

		guest_message_close(&message);
		control_sleep_ms(300);
		guest_send_raw(frontend->backend_channel, words, 20, NULL, 0);
	}
	return NULL;
}

/* A driver asks on the event thread: the answers of all queues share one bounded wait. */
static void late_answers_share_one_wait(void **state)
{
	struct control_device device;
	pthread_t thread;
	int64_t start;

	(void)state;
	open_hardware(&device, "late", 16, GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ) |
		      GUEST_BIT(GUEST_PROTOCOL_BACKEND_SEND_FD) |
		      GUEST_BIT(GUEST_PROTOCOL_HOST_NOTIFIER));
	assert_int_equal(guest_set_backend_req_fd(&device.guest->frontend), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer_late, &device.guest->frontend), 0);
	start = control_now_ms();
	assert_true(rte_vhost_host_notifier_ctrl(device.vid, RTE_VHOST_QUEUE_ALL, true) < 0);
	assert_true(control_now_ms() - start < BOUNDED_MS);
	/* Nor is there a second one. */
	assert_true(rte_vhost_host_notifier_ctrl(device.vid, RTE_VHOST_QUEUE_ALL, true) < 0);
	assert_true(control_now_ms() - start < BOUNDED_MS);
	pthread_join(thread, NULL);
	close_hardware(&device);
}

/** POSTCOPY_ADVISE; its userfaultfd. */
static int advise(int socket)
{
	struct guest_message message;

	assert_int_equal(control_send(socket, GUEST_POSTCOPY_ADVISE, 1, NULL, 0, NULL, 0), 0);
	assert_int_equal(guest_receive(socket, &message, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(message.fd_count, 1);
	return message.fds[0];
}

/*
 * A ring starts in memory that the frontend promised to fill and does not: the device ends, and
 * the others go on.
 */
static void pages_that_never_come_end_the_device(void **state)
{
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) |
		GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT) |
		GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS);
	struct guest_mem_single single = { .region = { .gpa = 1 << 20, .size = 16 * PAGE,
						       .user_addr = 1 << 21 } };
	struct guest_vring_addr addr = { .descriptors = 1 << 21,
					 .available = (1 << 21) + 4 * PAGE,
					 .used = (1 << 21) + 8 * PAGE };
	struct guest_message message;
	struct control_device device;
	int socket, file, fault;

	(void)state;
	control_listen(&device, "pages", RTE_VHOST_USER_POSTCOPY_SUPPORT);
	socket = control_negotiate(&device);
	assert_int_equal(control_send(socket, GUEST_SET_PROTOCOL_FEATURES, 1, &protocol, 8, NULL,
				      0), 0);
	fault = advise(socket);
	assert_int_equal(control_ask(socket, GUEST_POSTCOPY_LISTEN, NULL, 0, -1), 0);
	file = memfd_create("guest", MFD_CLOEXEC);
	assert_int_equal(ftruncate(file, 16 * PAGE), 0);
	control_send(socket, GUEST_ADD_MEM_REG, 9, &single, sizeof(single), &file, 1);
	assert_int_equal(guest_receive(socket, &message, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, (uint32_t[]){ 0, 256 }, 8, -1),
			 0);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_ADDR, &addr, 40, -1), 0);
	control_send(socket, GUEST_SET_VRING_KICK, 1, (uint64_t[]){ GUEST_VRING_NOFD }, 8, NULL,
		     0);
	assert_true(control_hangs_up(socket));
	close(socket);
	close(file);
	close(fault);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_ring_with_a_record_keeps_its_size),
	cmocka_unit_test(a_ring_with_a_record_keeps_its_format),
	cmocka_unit_test(hardware_is_not_set_up_without_rings),
	cmocka_unit_test(late_answers_share_one_wait),
	cmocka_unit_test(pages_that_never_come_end_the_device),
};

CONTROL_MAIN_QUIET(120, tests)
