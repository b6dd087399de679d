/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "scale.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/** Rings that each frontend has for itself. */
#define OWN 2
#define SHARED_RINGS SCALE_QUEUES
#define RINGS (SHARED_RINGS + SCALE_DEVICES * OWN)
#define BUFFER_OFFSET ((size_t)RINGS * SCALE_RING_BYTES)
#define MEMORY_BYTES (BUFFER_OFFSET + 4096)
#define GUEST_ADDRESS (1ULL << 30)
#define AVAILABLE 2048
#define USED 2560
#define FRAME 100

static uint8_t *memory;
static int memory_fd = -1, kick_fd = -1, call_fd = -1;

void scale_memory_create(void)
{
	memory_fd = memfd_create("scale", MFD_CLOEXEC);
	SCALE_REQUIRE(memory_fd >= 0 && ftruncate(memory_fd, MEMORY_BYTES) == 0, "no memory");
	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	SCALE_REQUIRE(memory != MAP_FAILED, "no mapping");
	kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	SCALE_REQUIRE(kick_fd >= 0 && call_fd >= 0, "no eventfds");
}

void scale_memory_clear(void)
{
	memset(memory, 0, MEMORY_BYTES);
}

void scale_memory_destroy(void)
{
	munmap(memory, MEMORY_BYTES);
	close(memory_fd);
	close(kick_fd);
	close(call_fd);
}

void scale_connect(struct scale_frontend *frontend)
{
	uint64_t features = 0, protocol = GUEST_BIT(GUEST_PROTOCOL_MQ);
	int ret;

	guest_frontend_init(&frontend->frontend, 60000);
	ret = guest_frontend_connect(&frontend->frontend, frontend->path);
	SCALE_REQUIRE(ret == 0, "%s: %s", frontend->path, strerror(-ret));
	ret = guest_get_features(&frontend->frontend, &features);
	SCALE_REQUIRE(ret == 0, "%s: %s", frontend->path, strerror(-ret));
	ret = guest_set_protocol_features(&frontend->frontend, protocol);
	features &= GUEST_BIT(VIRTIO_F_VERSION_1) | GUEST_BIT(GUEST_F_PROTOCOL_FEATURES) |
		    GUEST_BIT(VIRTIO_NET_F_MQ);
	if (ret == 0)
		ret = guest_set_features(&frontend->frontend, features);
	SCALE_REQUIRE(ret == 0, "%s: %s", frontend->path, strerror(-ret));
}

static void send_memory(struct guest_frontend *frontend)
{
	struct guest_mem_table table = { .count = 1 };
	int ret;

	table.regions[0].gpa = GUEST_ADDRESS;
	table.regions[0].size = MEMORY_BYTES;
	table.regions[0].user_addr = (uintptr_t)memory;
	ret = guest_set_mem_table(frontend, &table, &memory_fd);
	SCALE_REQUIRE(ret == 0, "SET_MEM_TABLE: %s", strerror(-ret));
}

static uint8_t *own_ring(int number, int own)
{
	return memory + (size_t)(SHARED_RINGS + number * OWN + own) * SCALE_RING_BYTES;
}

static void send_ring(struct guest_frontend *frontend, uint32_t index, uint8_t *ring,
		      bool eventfds)
{
	struct guest_vring_addr addr = {
		.index = index, .descriptors = (uintptr_t)ring,
		.available = (uintptr_t)ring + AVAILABLE, .used = (uintptr_t)ring + USED,
	};
	int ret = guest_set_vring_num(frontend, index, SCALE_RING);

	if (ret == 0)
		ret = guest_set_vring_base(frontend, index, 0);
	if (ret == 0)
		ret = guest_set_vring_addr(frontend, &addr);
	if (ret == 0)
		ret = guest_set_vring_call(frontend, index, eventfds ? call_fd : -1);
	if (ret == 0)
		ret = guest_set_vring_kick(frontend, index, eventfds ? kick_fd : -1);
	if (ret == 0)
		ret = guest_set_vring_enable(frontend, index, true);
	SCALE_REQUIRE(ret == 0, "ring %u: %s", index, strerror(-ret));
}

void scale_start(struct scale_frontend *frontend, int number, int queues, int first_own,
		 bool eventfds)
{
	send_memory(&frontend->frontend);
	for (int i = 0; i < queues; i++) {
		uint8_t *ring = i < first_own ? memory + (size_t)i * SCALE_RING_BYTES :
						own_ring(number, i - first_own);

		send_ring(&frontend->frontend, (uint32_t)i, ring, eventfds);
	}
	scale_sync(frontend);
}

void scale_sync(struct scale_frontend *frontend)
{
	uint64_t count;
	int ret = guest_get_queue_num(&frontend->frontend, &count);

	SCALE_REQUIRE(ret == 0, "%s: %s", frontend->path, strerror(-ret));
}

/** One descriptor, made available. */
static void offer(uint8_t *ring, uint64_t offset, uint32_t length, uint16_t flags)
{
	struct vring_desc *descriptor = (struct vring_desc *)ring;
	struct vring_avail *available = (struct vring_avail *)(ring + AVAILABLE);
	uint16_t index = available->idx;

	descriptor[index % SCALE_RING].addr = GUEST_ADDRESS + BUFFER_OFFSET + offset;
	descriptor[index % SCALE_RING].len = length;
	descriptor[index % SCALE_RING].flags = flags;
	available->ring[index % SCALE_RING] = index % SCALE_RING;
	__atomic_store_n(&available->idx, (uint16_t)(index + 1), __ATOMIC_RELEASE);
}

void scale_send(int number, int own)
{
	offer(own_ring(number, own), 0, sizeof(struct virtio_net_hdr_v1) + FRAME, 0);
}

void scale_post(int number, int own)
{
	offer(own_ring(number, own), 2048, 2048, VRING_DESC_F_WRITE);
}

uint16_t scale_used(int number, int own)
{
	const struct vring_used *used =
		(const struct vring_used *)(own_ring(number, own) + USED);

	return __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
}
