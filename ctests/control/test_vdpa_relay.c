/* SPDX-License-Identifier: BSD-3-Clause */

/* vDPA: hardware in a thread serves a guest; the driver's life with its device. */
#define _GNU_SOURCE
#include "control_vdpa.h"
#include "guest_log.h"

static void send_and_receive(struct control_device *device, uint64_t first, uint32_t count)
{
	struct guest_queue *tx = guest_tx_queue(device->guest, 0);
	struct guest_queue *rx = guest_rx_queue(device->guest, 0);
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	uint32_t sent = 0, back = 0;

	while (back < count) {
		static const struct guest_shape shape;
		struct guest_received received;
		uint8_t frame[2048];
		uint32_t size = 64 + (uint32_t)((first + sent) * 37 % 1400);

		guest_tx_reap(tx);
		control_frame(frame, size, first + sent);
		if (sent < count && sent - back < 64 && guest_tx(tx, frame, size, &shape) == 0) {
			guest_submit(tx);
			sent++;
		}
		if (guest_rx(rx, frame, sizeof(frame), &received) < 0) {
			if (control_now_ms() > deadline)
				fail_msg("%u of %u packets came back", back, count);
			usleep(20);
			continue;
		}
		control_assert_frame(frame, received.length, first + back++);
		guest_rx_fill(rx);
		guest_submit(rx);
	}
	assert_int_equal(guest_complaints(device->guest), 0);
}

static void open_hardware(struct control_device *device, const char *name, uint32_t ring_size)
{
	struct guest_config config;

	control_vdpa_init(name);
	control_vdpa_register();
	control_vdpa_listen(device, name);
	control_config(&config, device);
	config.ring_size = ring_size;
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_RARP) |
		GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	control_attach(device, &config);
}

static void close_hardware(struct control_device *device)
{
	control_close(device);
	assert_false(control_vdpa.running);
	assert_int_equal(control_vdpa.relay_failures, 0);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
}

/** Wait until the hardware runs: dev_conf comes after new_device. */
static void wait_running(struct control_device *device)
{
	uint64_t status;

	/* A question is answered after what the message before it brought about. */
	assert_int_equal(guest_get_status(&device->guest->frontend, &status), 0);
	assert_true(control_vdpa.running);
}

static void packets_pass_through_the_hardware(void **state)
{
	struct control_device device;

	(void)state;
	open_hardware(&device, "pass", 256);
	wait_running(&device);
	assert_ptr_equal(rte_vhost_get_vdpa_device(device.vid), control_vdpa.registered);
	/* More than 65,536, so that indices wrap. */
	send_and_receive(&device, 0, 70000);
	assert_int_equal(control_vdpa.packets, 70000);
	close_hardware(&device);
}

static void the_driver_is_called_in_order(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct control_device device;
	const char *calls;
	uint64_t status;
	int fd;

	(void)state;
	open_hardware(&device, "order", 256);
	wait_running(&device);
	/* Features, both queues, then the device. */
	calls = control_vdpa_calls();
	assert_non_null(strchr(calls, 'F'));
	assert_true(strchr(calls, 'F') < strchr(calls, 'A'));
	assert_true(strchr(calls, 'A') < strchr(calls, 'C'));
	assert_true(strchr(calls, 'B') < strchr(calls, 'C'));
	assert_null(strchr(calls, 'M'));
	control_vdpa_forget_calls();
	assert_int_equal(guest_send_rarp(&device.guest->frontend, mac), 0);
	assert_int_equal(guest_get_status(&device.guest->frontend, &status), 0);
	assert_string_equal(control_vdpa_calls(), "M");
	/* Another eventfd: the queue stops and works again. */
	control_vdpa_forget_calls();
	fd = guest_rx_queue(device.guest, 0)->call_fd;
	assert_int_equal(guest_set_vring_call(&device.guest->frontend, 0, fd), 0);
	assert_int_equal(guest_get_status(&device.guest->frontend, &status), 0);
	assert_string_equal(control_vdpa_calls(), "aA");
	/* A new memory table: the hardware lets go and is set up again. */
	control_vdpa_forget_calls();
	assert_int_equal(guest_send_memory(device.guest), 0);
	wait_running(&device);
	calls = control_vdpa_calls();
	assert_int_equal(calls[0], 'X');
	assert_non_null(strchr(calls, 'C'));
	send_and_receive(&device, 0, 500);
	/* A queue that is disabled is reported; a device that stops is closed. */
	control_vdpa_forget_calls();
	assert_int_equal(guest_set_vring_enable(&device.guest->frontend, 1, false), 0);
	assert_int_equal(guest_get_status(&device.guest->frontend, &status), 0);
	assert_string_equal(control_vdpa_calls(), "b");
	assert_int_equal(guest_set_vring_enable(&device.guest->frontend, 1, true), 0);
	assert_int_equal(guest_get_status(&device.guest->frontend, &status), 0);
	control_vdpa_forget_calls();
	close_hardware(&device);
	calls = control_vdpa_calls();
	assert_int_equal(calls[0], 'X');
	assert_null(strchr(calls + 1, 'X'));
}

/* GET_VRING_BASE answers where the hardware stood; a guest goes on from there. */
static void positions_survive_a_stop(void **state)
{
	struct control_device device;
	int from = control_events();

	(void)state;
	open_hardware(&device, "positions", 128);
	wait_running(&device);
	send_and_receive(&device, 0, 300);
	assert_int_equal(guest_stop(device.guest), 0);
	assert_false(control_vdpa.running);
	assert_true(control_wait_event(from, CONTROL_DESTROY_DEVICE, device.vid) >= 0);
	from = control_events();
	assert_int_equal(guest_start(device.guest), 0);
	assert_true(control_wait_event(from, CONTROL_NEW_DEVICE, device.vid) >= 0);
	wait_running(&device);
	send_and_receive(&device, 300, 300);
	close_hardware(&device);
}

/* A driver that cannot configure its hardware is asked again, and not told to close. */
static void a_driver_that_fails_is_asked_again(void **state)
{
	struct control_device device;
	struct guest_config config;
	uint64_t status;
	int from = control_events();

	(void)state;
	control_vdpa_init("fails");
	control_vdpa_register();
	control_vdpa_listen(&device, "fails");
	control_config(&config, &device);
	assert_int_equal(guest_create(&config, &device.guest), 0);
	assert_int_equal(guest_connect(device.guest), 0);
	control_vdpa.answer = -1;
	assert_int_equal(guest_start(device.guest), 0);
	device.vid = control_event(control_wait_event(from, CONTROL_NEW_DEVICE, -1)).vid;
	assert_int_equal(guest_get_status(&device.guest->frontend, &status), 0);
	assert_false(control_vdpa.running);
	control_vdpa.answer = 0;
	assert_int_equal(guest_get_status(&device.guest->frontend, &status), 0);
	wait_running(&device);
	send_and_receive(&device, 0, 100);
	close_hardware(&device);
}

/* While the guest is migrated, every page that the hardware wrote is marked. */
static void what_the_hardware_wrote_is_logged(void **state)
{
	struct control_device device;
	struct guest_slots *slots;
	struct guest_log log;
	const char *calls;
	uint32_t changed = 0;
	uint8_t *before;

	(void)state;
	open_hardware(&device, "logged", 256);
	wait_running(&device);
	assert_int_equal(guest_log_start(device.guest, &log), 0);
	wait_running(&device);
	/* The features once more, with that of the log. */
	calls = control_vdpa_calls();
	assert_true(strchr(calls, 'F') != strrchr(calls, 'F'));
	slots = &guest_rx_queue(device.guest, 0)->slots;
	before = malloc((size_t)slots->count * slots->buffer_size);
	for (uint32_t i = 0; i < slots->count; i++)
		memcpy(before + (size_t)i * slots->buffer_size, slots->slots[i].host,
		       slots->buffer_size);
	guest_log_take(&log);
	send_and_receive(&device, 0, 50);
	for (uint32_t i = 0; i < slots->count; i++) {
		if (memcmp(before + (size_t)i * slots->buffer_size, slots->slots[i].host,
			   slots->buffer_size) == 0)
			continue;
		assert_true(guest_log_covers(&log, slots->slots[i].gpa, slots->buffer_size));
		changed++;
	}
	assert_in_range(changed, 50, slots->count);
	free(before);
	guest_log_destroy(&log);
	close_hardware(&device);
}

/** One guest queue of 4 entries without hardware, for bad relays. */
static void bad_relays_are_refused(void **state)
{
	static struct control_vdpa_ring ring;
	struct control_device device;

	(void)state;
	control_open(&device, "bad-relay", 0, NULL);
	assert_int_equal(rte_vhost_get_vhost_vring(device.vid, 0, &ring.guest), 0);
	vring_init(&ring.shadow, ring.guest.size,
		   (void *)(((uintptr_t)ring.memory + 63) & ~(uintptr_t)63), 64);
	assert_int_equal(rte_vdpa_relay_vring_used(device.vid, 0, &ring.shadow), 0);
	assert_int_equal(rte_vdpa_relay_vring_used(device.vid, 0, NULL), -1);
	assert_int_equal(rte_vdpa_relay_vring_used(device.vid, 99, &ring.shadow), -1);
	assert_int_equal(rte_vdpa_relay_vring_used(900, 0, &ring.shadow), -1);
	/* An entry that names no descriptor. */
	ring.shadow.used->ring[0].id = ring.guest.size;
	ring.shadow.used->idx = 1;
	assert_int_equal(rte_vdpa_relay_vring_used(device.vid, 0, &ring.shadow), -1);
	assert_int_equal(ring.guest.used->idx, 0);
	/* Further ahead than the ring is long. */
	ring.shadow.used->ring[0].id = 0;
	ring.shadow.used->idx = (uint16_t)(ring.guest.size + 1);
	assert_int_equal(rte_vdpa_relay_vring_used(device.vid, 0, &ring.shadow), -1);
	assert_int_equal(ring.guest.used->idx, 0);
	/* A ring of another size. */
	ring.shadow.used->idx = 0;
	ring.shadow.num /= 2;
	assert_int_equal(rte_vdpa_relay_vring_used(device.vid, 0, &ring.shadow), -1);
	control_close(&device);
	assert_int_equal(rte_vdpa_relay_vring_used(device.vid, 0, &ring.shadow), -1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(packets_pass_through_the_hardware),
	cmocka_unit_test(the_driver_is_called_in_order),
	cmocka_unit_test(positions_survive_a_stop),
	cmocka_unit_test(a_driver_that_fails_is_asked_again),
	cmocka_unit_test(what_the_hardware_wrote_is_logged),
	cmocka_unit_test(bad_relays_are_refused),
};

CONTROL_MAIN(120, tests)
