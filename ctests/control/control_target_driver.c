/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_target.h"

#include <sys/eventfd.h>
#include <sys/mman.h>

#define MEMORY_SIZE 0x100000
#define GPA 0x10000000
#define AVAILABLE 0x10000
#define USED 0x20000
#define BUFFERS 0x30000

#define PACKED_AVAIL (1 << 7)
#define PACKED_USED (1 << 15)

void target_driver_init(struct target_driver *driver, bool packed)
{
	memset(driver, 0, sizeof(*driver));
	guest_frontend_init(&driver->frontend, CONTROL_PATIENCE_MS);
	driver->packed = packed;
	driver->next = driver->used = packed ? 0x8000 : 0;
	driver->inflight_fd = -1;
	driver->memory_fd = memfd_create("guest-target", MFD_CLOEXEC);
	driver->kick_fd = eventfd(0, EFD_CLOEXEC);
	driver->call_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(ftruncate(driver->memory_fd, MEMORY_SIZE), 0);
	driver->memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      driver->memory_fd, 0);
	assert_true(driver->memory != MAP_FAILED);
}

void target_driver_destroy(struct target_driver *driver)
{
	guest_frontend_destroy(&driver->frontend);
	munmap(driver->memory, MEMORY_SIZE);
	close(driver->memory_fd);
	close(driver->kick_fd);
	close(driver->call_fd);
	if (driver->inflight_fd >= 0)
		close(driver->inflight_fd);
}

void target_connect(struct target_driver *driver, const char *path)
{
	uint64_t features = TARGET_FEATURES, protocol;

	guest_frontend_close(&driver->frontend);
	driver->frontend.reply_ack = false;
	assert_int_equal(guest_frontend_connect(&driver->frontend, path), 0);
	assert_int_equal(guest_get_protocol_features(&driver->frontend, &protocol), 0);
	assert_int_equal(guest_set_protocol_features(&driver->frontend,
						     protocol & TARGET_PROTOCOL), 0);
	driver->frontend.reply_ack = true;
	if (!driver->packed)
		features &= ~GUEST_BIT(VIRTIO_F_RING_PACKED);
	assert_int_equal(guest_set_features(&driver->frontend, features), 0);
}

void target_send_memory(struct target_driver *driver)
{
	struct guest_mem_table table = { .count = 1 };

	table.regions[0] = (struct guest_wire_region){
		.gpa = GPA, .size = MEMORY_SIZE, .user_addr = (uintptr_t)driver->memory,
	};
	assert_int_equal(guest_set_mem_table(&driver->frontend, &table, &driver->memory_fd), 0);
}

int target_send_ring(struct target_driver *driver, uint32_t base)
{
	struct guest_vring_addr addr = {
		.descriptors = (uintptr_t)driver->memory,
		.available = (uintptr_t)driver->memory + AVAILABLE,
		.used = (uintptr_t)driver->memory + USED,
	};
	struct guest_frontend *frontend = &driver->frontend;
	int ret = guest_set_vring_num(frontend, 0, TARGET_SLOTS);

	if (ret == 0)
		ret = guest_set_vring_base(frontend, 0, base);
	if (ret == 0)
		ret = guest_set_vring_addr(frontend, &addr);
	if (ret == 0)
		ret = guest_set_vring_call(frontend, 0, driver->call_fd);
	if (ret == 0)
		ret = guest_set_vring_kick(frontend, 0, driver->kick_fd);
	if (ret == 0)
		ret = guest_set_vring_enable(frontend, 0, true);
	return ret;
}

int target_start(struct target_driver *driver)
{
	target_send_memory(driver);
	if (driver->inflight_fd < 0) {
		driver->area = (struct guest_inflight_area){ .queues = 1,
							     .ring_size = TARGET_SLOTS };
		assert_int_equal(guest_get_inflight_fd(&driver->frontend, &driver->area,
						       &driver->inflight_fd), 0);
	}
	assert_int_equal(guest_set_inflight_fd(&driver->frontend, &driver->area,
					       driver->inflight_fd), 0);
	return target_send_ring(driver, driver->packed
						? driver->used | (uint32_t)driver->used << 16
						: driver->used);
}

/** Chains with odd numbers have two descriptors. */
static uint32_t length(uint16_t chain)
{
	return 1 + chain % 2;
}

static void write_split(struct target_driver *driver, uint16_t chain)
{
	struct vring_desc *descriptors = (void *)driver->memory;
	struct vring_avail *available = (void *)(driver->memory + AVAILABLE);
	uint16_t head = chain * 2;

	for (uint32_t i = 0; i < length(chain); i++)
		descriptors[head + i] = (struct vring_desc){
			.addr = GPA + BUFFERS + (head + i) * 512u, .len = 512,
			.flags = i + 1 < length(chain) ? VRING_DESC_F_NEXT : VRING_DESC_F_WRITE,
			.next = (uint16_t)(head + 1),
		};
	available->ring[driver->next % TARGET_SLOTS] = head;
	driver->next++;
	__atomic_store_n(&available->idx, driver->next, __ATOMIC_RELEASE);
}

/** Go on by some descriptors; the wrap counter turns at the ring's end. */
static uint16_t forward(uint16_t position, uint32_t count)
{
	uint32_t index = (position & 0x7fff) + count;

	if (index < TARGET_SLOTS)
		return (uint16_t)(index | (position & 0x8000));
	return (uint16_t)((index - TARGET_SLOTS) | (~position & 0x8000));
}

static void write_packed(struct target_driver *driver, uint16_t chain)
{
	struct vring_packed_desc *ring = (void *)driver->memory;
	uint16_t first = driver->next, first_flags = 0;

	for (uint32_t i = 0; i < length(chain); i++) {
		struct vring_packed_desc *entry = &ring[driver->next & 0x7fff];
		uint16_t flags = driver->next & 0x8000 ? PACKED_AVAIL : PACKED_USED;

		flags |= i + 1 < length(chain) ? VRING_DESC_F_NEXT : VRING_DESC_F_WRITE;
		entry->addr = GPA + BUFFERS + (chain * 2u + i) * 512;
		entry->len = 512;
		entry->id = chain;
		if (i == 0)
			first_flags = flags;
		else
			entry->flags = flags;
		driver->next = forward(driver->next, 1);
	}
	__atomic_store_n(&ring[first & 0x7fff].flags, first_flags, __ATOMIC_RELEASE);
}

void target_post(struct target_driver *driver, uint16_t chain)
{
	driver->outstanding[driver->count] = chain;
	driver->position[driver->count++] = driver->next;
	(driver->packed ? write_packed : write_split)(driver, chain);
}

void target_post_all(struct target_driver *driver, struct guest_random *random)
{
	uint16_t idle[TARGET_CHAINS];
	uint32_t count = 0;

	for (uint16_t chain = 0; chain < TARGET_CHAINS; chain++) {
		bool is_out = false;

		for (uint32_t i = 0; i < driver->count; i++)
			is_out |= driver->outstanding[i] == chain;
		if (!is_out)
			idle[count++] = chain;
	}
	while (count > 0) {
		uint32_t pick = guest_random_range(random, 0, count - 1);

		target_post(driver, idle[pick]);
		idle[pick] = idle[--count];
	}
}

/** The next used chain, or -1. */
static int next_used(struct target_driver *driver)
{
	struct vring_used *split = (void *)(driver->memory + USED);
	struct vring_packed_desc *entry = (struct vring_packed_desc *)driver->memory +
					  (driver->used & 0x7fff);
	uint16_t flags, wanted = driver->used & 0x8000 ? PACKED_AVAIL | PACKED_USED : 0;
	int chain;

	if (!driver->packed) {
		if (__atomic_load_n(&split->idx, __ATOMIC_ACQUIRE) == driver->used)
			return -1;
		return (int)split->ring[driver->used++ % TARGET_SLOTS].id / 2;
	}
	flags = __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE);
	/* A position that was never reached has flags of the turn before. */
	if ((flags & (PACKED_AVAIL | PACKED_USED)) != wanted || driver->count == 0)
		return -1;
	chain = entry->id;
	driver->used = forward(driver->used, length((uint16_t)chain));
	return chain;
}

uint32_t target_reap(struct target_driver *driver)
{
	uint32_t got = 0, place;
	int chain;

	while ((chain = next_used(driver)) >= 0) {
		for (place = 0; place < driver->count; place++)
			if (driver->outstanding[place] == chain)
				break;
		if (place == driver->count)
			fail_msg("chain %d came back and was not out", chain);
		driver->count--;
		memmove(&driver->outstanding[place], &driver->outstanding[place + 1],
			(driver->count - place) * sizeof(uint16_t));
		memmove(&driver->position[place], &driver->position[place + 1],
			(driver->count - place) * sizeof(uint16_t));
		got++;
	}
	driver->reaped += got;
	return got;
}
