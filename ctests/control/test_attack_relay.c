/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * vDPA: the guest rewrites its descriptors after the hardware used their chains and before the
 * driver has the used entries relayed: all of them loop through all of its memory.
 */
#define _GNU_SOURCE
#include "control_vdpa.h"
#include "guest_log.h"

#include <linux/virtio_ring.h>

#define RING 4096
#define MEMORY (256ull << 20)

static struct control_vdpa_ring ring;

/** A guest with a dirty log, whose ring 0 the test relays to by itself. */
static void open_logged(struct control_device *device, struct guest_log *log)
{
	struct guest_config config;

	control_listen(device, "relay-loop", 0);
	control_config(&config, device);
	config.ring_size = RING;
	config.region_size = MEMORY;
	config.manual_rx = true;
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	control_attach(device, &config);
	assert_int_equal(guest_log_start(device->guest, log), 0);
	assert_int_equal(rte_vhost_get_vhost_vring(device->vid, 0, &ring.guest), 0);
	vring_init(&ring.shadow, ring.guest.size, calloc(1, vring_size(RING, 64)), 64);
}

/** All used at once. @return what the relay took, in milliseconds. */
static int64_t relay(struct control_device *device, uint16_t count)
{
	uint16_t from = ring.shadow.used->idx;
	int64_t start;

	for (uint16_t i = 0; i < count; i++)
		ring.shadow.used->ring[(from + i) % RING].id = (uint32_t)(from + i) % RING;
	ring.shadow.used->idx = (uint16_t)(from + count);
	start = control_now_ms();
	assert_int_equal(rte_vdpa_relay_vring_used(device->vid, 0, &ring.shadow), count);
	start = control_now_ms() - start;
	print_message("%u entries: %lld ms\n", count, (long long)start);
	return start;
}

/** Every page of the guest's is marked. */
static void assert_all_logged(struct control_device *device, struct guest_log *log)
{
	struct guest_memory *memory = &device->guest->memory;

	for (unsigned int i = 0; i < memory->count; i++)
		assert_true(guest_log_covers(log, memory->regions[i].gpa,
					     memory->regions[i].size));
}

static void chains_that_loop_through_all_memory(void **state)
{
	struct control_device device;
	struct guest_log log;
	struct vring_desc *table;
	uint64_t gpa;
	/* A sanitizer looks at each access. */
	int times = getenv("SANITIZER") ? 20 : 1;

	(void)state;
	open_logged(&device, &log);
	table = ring.guest.desc;
	gpa = device.guest->memory.regions[0].gpa;
	for (int i = 0; i < RING; i++)
		table[i] = (struct vring_desc){
			.addr = gpa, .len = UINT32_MAX,
			.flags = VRING_DESC_F_WRITE | VRING_DESC_F_NEXT,
			.next = (uint16_t)((i + 1) % RING),
		};
	/* One, then a ring full of them. */
	assert_in_range(relay(&device, 1), 0, 100 * times);
	guest_log_take(&log);
	assert_in_range(relay(&device, RING), 0, 500 * times);
	assert_all_logged(&device, &log);
	guest_log_destroy(&log);
	free(ring.shadow.desc);
	control_close(&device);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(chains_that_loop_through_all_memory),
};

CONTROL_MAIN(120, tests)
