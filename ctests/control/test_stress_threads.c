/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A data plane thread for each queue of three queue pairs, while its frontend changes memory,
 * rings, log, translations and connection, and threads of the application register and unregister
 * channels and the driver, and ask all that can be asked. Each packet that arrives is what was
 * sent, nothing is left over. Meant for ThreadSanitizer (make sanitize); STRESS_MS=n: so long for
 * each variant.
 */
#define _GNU_SOURCE
#include "control_stress.h"

#include <fcntl.h>
#include <linux/virtio_config.h>
#include <sys/mman.h>

#include "guest_iotlb.h"
#include "guest_log.h"

#define HOT_SIZE (1U << 20)
#define CALM 100

struct driver {
	struct guest *guest;
	struct guest_iotlb iotlb;
	struct guest_log log;
	bool logging;
	int hot_fd;
	struct guest_random random;
	uint64_t sequence;
	uint64_t received[STRESS_PAIRS], steps;
};

static void drive_pair(struct driver *driver, uint32_t pair, bool send)
{
	struct guest_queue *tx = guest_tx_queue(driver->guest, pair);
	struct guest_queue *rx = guest_rx_queue(driver->guest, pair);
	static const struct guest_shape shape;
	struct guest_received received;
	struct guest_stamp stamp = { .sender = tx->index };
	uint8_t frame[2048];
	uint64_t hash;
	bool swapped;

	guest_tx_reap(tx);
	for (int i = 0; i < 4 && send; i++) {
		stamp.sequence = driver->sequence++;
		guest_packet_fill(frame, STRESS_FRAME, &stamp);
		guest_tx(tx, frame, STRESS_FRAME, &shape);
	}
	guest_submit(tx);
	for (int i = 0; i < 32 && guest_rx(rx, frame, sizeof(frame), &received) >= 0; i++) {
		if (received.length != STRESS_FRAME ||
		    guest_packet_check(frame, STRESS_FRAME, &stamp, &hash, &swapped) < 0 ||
		    stamp.sender != rx->index)
			stress_count(&stress_damaged, 1);
		driver->received[pair]++;
	}
	guest_rx_fill(rx);
	guest_submit(rx);
}

static void drive(struct driver *driver, bool send)
{
	for (uint32_t pair = 0; pair < STRESS_PAIRS; pair++)
		drive_pair(driver, pair, send);
	guest_service(driver->guest);
}

/* What a frontend does while packets move; each returns 0 or a negative errno. */

static int send_memory(struct driver *driver)
{
	return guest_send_memory(driver->guest);
}

/** As QEMU does it: the rings' addresses once more. */
static int send_memory_and_rings(struct driver *driver)
{
	int ret = guest_send_memory(driver->guest);

	for (uint32_t i = 0; i < STRESS_QUEUES && ret == 0; i++) {
		struct guest_vring_addr addr;

		guest_ring_addr(&driver->guest->queues[i], &addr);
		ret = guest_set_vring_addr(&driver->guest->frontend, &addr);
	}
	return ret;
}

static int plug_memory(struct driver *driver)
{
	struct guest_wire_region region = {
		.gpa = STRESS_HOT_GPA, .size = HOT_SIZE, .user_addr = 1ULL << 44,
	};
	int ret = guest_add_mem_reg(&driver->guest->frontend, &region, driver->hot_fd);

	drive(driver, true);
	if (ret == 0)
		ret = guest_rem_mem_reg(&driver->guest->frontend, &region);
	return ret;
}

static int switch_log(struct driver *driver)
{
	int ret;

	driver->logging = !driver->logging;
	if (!driver->logging)
		return guest_log_stop(driver->guest);
	guest_log_destroy(&driver->log);
	ret = guest_log_start(driver->guest, &driver->log);
	driver->logging = ret == 0;
	return ret;
}

static int disable_pair(struct driver *driver)
{
	uint32_t pair = guest_random_range(&driver->random, 0, STRESS_PAIRS - 1);
	int ret = guest_enable_pair(driver->guest, pair, false);

	drive(driver, true);
	return ret < 0 ? ret : guest_enable_pair(driver->guest, pair, true);
}

static int restart_ring(struct driver *driver)
{
	uint32_t index = guest_random_range(&driver->random, 0, STRESS_QUEUES - 1);
	struct guest *guest = driver->guest;
	int ret = guest_get_vring_base(&guest->frontend, index, &guest->queues[index].base);

	drive(driver, true);
	if (ret == 0)
		ret = guest_send_ring(guest, index);
	if (ret == 0)
		ret = guest_set_vring_enable(&guest->frontend, index, true);
	guest_kick(&guest->queues[index]);
	return ret;
}

static int restart_device(struct driver *driver)
{
	int ret = guest_stop(driver->guest);

	return ret < 0 ? ret : guest_start(driver->guest);
}

static int change_eventfds(struct driver *driver)
{
	uint32_t index = guest_random_range(&driver->random, 0, STRESS_QUEUES - 1);
	struct guest_queue *queue = &driver->guest->queues[index];
	int ret = guest_set_vring_call(&driver->guest->frontend, index, -1);

	drive(driver, true);
	if (ret == 0)
		ret = guest_set_vring_call(&driver->guest->frontend, index, queue->call_fd);
	guest_want_calls(queue, driver->steps & 1);
	return ret;
}

static int forget_pages(struct driver *driver)
{
	uint32_t page;

	if (!stress_variant->iommu)
		return 0;
	page = guest_random_range(&driver->random, 0, driver->iotlb.pages - 1);
	return guest_iotlb_forget(&driver->iotlb, page,
				  guest_random_range(&driver->random, 1,
						     driver->iotlb.pages - page));
}

static int tell_pages(struct driver *driver)
{
	int ret = 0;

	for (uint32_t page = 0; stress_variant->iommu && page < driver->iotlb.pages && ret == 0;
	     page += 7)
		ret = guest_iotlb_tell(&driver->iotlb, page);
	return ret;
}

/** What is in the rings stays. */
static int reconnect(struct driver *driver)
{
	int ret = 0;

	if (driver->steps & 1)
		ret = guest_stop(driver->guest);
	guest_disconnect(driver->guest);
	return ret;
}

static int (*const steps[])(struct driver *driver) = {
	send_memory, send_memory_and_rings, plug_memory, switch_log, disable_pair, restart_ring,
	restart_device, change_eventfds, forget_pages, tell_pages, reconnect,
};

/** Connect again if need be: the driver may be unregistered at any time. */
static bool keep_connected(struct driver *driver)
{
	struct guest *guest = driver->guest;

	if (guest->frontend.socket >= 0 && guest_frontend_alive(&guest->frontend))
		return true;
	guest_disconnect(guest);
	driver->logging = false;
	guest->config.features &= ~GUEST_BIT(GUEST_F_LOG_ALL);
	if (guest_connect(guest) == 0 && guest_start(guest) == 0)
		return true;
	guest_disconnect(guest);
	return false;
}

static void make_guest(struct driver *driver)
{
	struct guest_config config;

	memset(driver, 0, sizeof(*driver));
	driver->log.fd = -1;
	driver->random.state = 77;
	guest_config_init(&config);
	config.socket_path = stress_path;
	config.timeout_ms = CONTROL_PATIENCE_MS;
	config.queue_pairs = STRESS_PAIRS;
	config.ring_size = 64;
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD) |
		GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS) |
		GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	if (stress_variant->iommu)
		config.features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	control_choose_ring(&config);
	assert_int_equal(guest_create(&config, &driver->guest), 0);
	if (stress_variant->iommu)
		assert_int_equal(guest_iotlb_create(&driver->iotlb, driver->guest, 0), 0);
	driver->hot_fd = memfd_create("hot", MFD_CLOEXEC);
	assert_int_equal(ftruncate(driver->hot_fd, HOT_SIZE), 0);
}

static void break_guest(struct driver *driver)
{
	if (stress_variant->iommu)
		guest_iotlb_destroy(&driver->iotlb);
	guest_log_destroy(&driver->log);
	guest_destroy(driver->guest);
	close(driver->hot_fd);
}

/** So long for each variant. */
static int64_t duration(void)
{
	const char *text = getenv("STRESS_MS");

	return text ? atoll(text) : 700;
}

/** Nobody disturbs any more: each queue moves packets again. */
static void settle(struct driver *driver)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	uint64_t before[STRESS_QUEUES], received[STRESS_PAIRS];

	while (!keep_connected(driver))
		assert_true(control_now_ms() < deadline);
	memcpy(received, driver->received, sizeof(received));
	for (uint16_t i = 0; i < STRESS_QUEUES; i++)
		before[i] = stress_packets(i);
	for (uint16_t i = 0; i < STRESS_QUEUES;) {
		bool moved = stress_packets(i) >= before[i] + CALM &&
			driver->received[i / 2] >= received[i / 2] + CALM;

		if (control_now_ms() > deadline)
			fail_msg("queue %u: %lu packets, received %lu", i,
				 (unsigned long)(stress_packets(i) - before[i]),
				 (unsigned long)(driver->received[i / 2] - received[i / 2]));
		i = (uint16_t)(i + moved);
		drive(driver, true);
		usleep(50);
	}
}

static void everything_moves(void **state)
{
	struct control_counts before;
	struct control_device first;
	struct driver driver;
	uint64_t complaints;
	int64_t end;

	/* What is made for good is made. */
	control_pool();
	(*(const struct stress_variant **)state)->packed ? control_packed(NULL) :
		control_split(NULL);
	control_open(&first, "first", 0, NULL);
	control_close(&first);
	control_count_idle(&before);
	control_capture_begin();
	stress_begin(*state);
	make_guest(&driver);
	for (end = control_now_ms() + duration(); control_now_ms() < end; driver.steps++) {
		if (!keep_connected(&driver))
			continue;
		for (int i = 0; i < 3; i++)
			drive(&driver, true);
		if (steps[driver.steps % CONTROL_COUNT(steps)](&driver) < 0)
			guest_disconnect(driver.guest);
	}
	stress_calm();
	settle(&driver);
	complaints = guest_complaints(driver.guest);
	break_guest(&driver);
	stress_end();
	control_capture_end(NULL);
	assert_int_equal(complaints, 0);
	printf("%lu steps, %lu devices, %lu drivers, %lu channels switched, %lu packets\n",
	       driver.steps, stress_devices, stress_lives, stress_switched, driver.sequence);
	assert_int_equal(stress_damaged, 0);
	assert_true(stress_devices > 2 && stress_lives > 2 && stress_answers > 0);
	assert_true(!stress_variant->async || stress_switched > 0);
	control_assert_flat(&before);
	control_assert_pool();
}

static struct stress_variant variants[] = {
	{ false, false, false }, { true, false, false }, { false, true, false },
	{ true, true, false }, { false, false, true }, { true, false, true },
	{ false, true, true }, { true, true, true },
};

#define STRESS_TEST(name, number) \
	{ "everything_moves_" name, everything_moves, NULL, NULL, &variants[number] }

static const struct CMUnitTest tests[] = {
	STRESS_TEST("split_sync", 0), STRESS_TEST("packed_sync", 1),
	STRESS_TEST("split_async", 2), STRESS_TEST("packed_async", 3),
	STRESS_TEST("split_sync_iommu", 4), STRESS_TEST("packed_sync_iommu", 5),
	STRESS_TEST("split_async_iommu", 6), STRESS_TEST("packed_async_iommu", 7),
};

CONTROL_MAIN_QUIET(3600, tests)
