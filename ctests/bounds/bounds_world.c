/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "bounds.h"

#include "guest_packed.h"

#include <sys/mman.h>

#define PAGE 4096u
/* Below the guest's own region, which is the last one that a search comes to. */
#define SLOT_GPA (1ULL << 20)
#define SLOT_USER (1ULL << 44)

const char *const bounds_memory_names[] = { "1 region", "509 regions", "dirty log", "IOTLB",
	"IOTLB, 509 regions" };

static int channel_transfer(int vid, uint16_t queue, struct rte_vhost_async_desc *descs,
			    struct rte_vhost_async_status *status, uint16_t count)
{
	(void)vid;
	(void)queue;
	(void)descs;
	(void)status;
	return count;
}

static int channel_check(int vid, uint16_t queue, struct rte_vhost_async_status *status,
			 uint16_t most)
{
	(void)vid;
	(void)queue;
	(void)status;
	return most;
}

/** An engine without work of its own: what is counted is the library's. */
static struct rte_vhost_async_channel_ops channel_ops = { channel_transfer, channel_check };

static bool has_iommu(const struct bounds_world *world)
{
	return world->memory == BOUNDS_IOMMU || world->memory == BOUNDS_IOMMU_SLOTS;
}

void bounds_add_slots(struct bounds_world *world, bool reversed)
{
	struct guest_frontend *frontend = &world->iommu.device.guest->frontend;
	int fd = memfd_create("guest-slots", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, PAGE), 0);
	for (uint32_t i = 1; i < BOUNDS_REGIONS; i++) {
		struct guest_wire_region region = {
			.gpa = SLOT_GPA + i * 2ULL * PAGE, .size = PAGE,
			.user_addr = SLOT_USER +
				(reversed ? BOUNDS_REGIONS - i : i) * 2ULL * PAGE,
		};

		assert_int_equal(guest_add_mem_reg(frontend, &region, fd), 0);
		if (world->memory == BOUNDS_SLOTS && i < BOUNDS_PAGES)
			world->pages[i] = region.gpa;
	}
	close(fd);
}

/** Tell the IOMMU's pages, in any order, as many as the table of entries takes. */
static void tell_pages(struct bounds_world *world)
{
	struct guest_iotlb *iotlb = &world->iommu.iotlb;
	struct guest_area *areas[] = { &world->data, &world->table };

	for (size_t i = 0; i < CONTROL_COUNT(areas); i++)
		for (uint64_t at = 0; at < areas[i]->size; at += PAGE)
			assert_int_equal(guest_iotlb_tell(iotlb, guest_iotlb_page(
				iotlb, areas[i]->gpa + at)), 0);
}

static void configure(struct bounds_world *world, struct guest_config *config, uint32_t ring_size)
{
	if (has_iommu(world))
		control_iommu_config(config);
	else
		guest_config_init(config);
	control_choose_ring(config);
	config->ring_size = ring_size;
	config->manual_rx = true;
	config->tx_buffers = config->rx_buffers = 8;
	config->table_entries = 0;
	config->extra_memory = (BOUNDS_PAGES + 64) * PAGE + 0x40000;
	config->kick = config->call = false;
	config->protocol_features |= GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS);
	if (world->memory == BOUNDS_LOGGED)
		config->protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
}

void bounds_open(struct bounds_world *world, uint32_t ring_size)
{
	struct rte_vhost_async_config async = { .features = RTE_VHOST_ASYNC_INORDER };
	struct guest_config config;
	struct guest *guest;

	control_split(NULL);
	if (world->packed)
		control_packed(NULL);
	configure(world, &config, ring_size);
	if (has_iommu(world)) {
		control_iommu_listen(&world->iommu, "bounds", RTE_VHOST_USER_ASYNC_COPY);
		control_iommu_attach(&world->iommu, &config, 7);
	} else {
		control_open(&world->iommu.device, "bounds", RTE_VHOST_USER_ASYNC_COPY, &config);
	}
	guest = world->iommu.device.guest;
	world->queue = &guest->queues[world->to_guest ? 0 : 1];
	assert_int_equal(guest_memory_alloc(&guest->memory, 0, BOUNDS_PAGES * PAGE, PAGE,
					    &world->data), 0);
	assert_int_equal(guest_memory_alloc(&guest->memory, 0, 0x10000, PAGE, &world->table), 0);
	for (uint32_t i = 0; i < BOUNDS_PAGES; i++)
		world->pages[i] = world->data.gpa + i * (uint64_t)PAGE;
	if (world->memory == BOUNDS_SLOTS || world->memory == BOUNDS_IOMMU_SLOTS)
		bounds_add_slots(world, false);
	if (has_iommu(world))
		tell_pages(world);
	if (world->memory == BOUNDS_LOGGED)
		assert_int_equal(guest_log_start(guest, &world->log), 0);
	if (world->async)
		assert_int_equal(rte_vhost_async_channel_register(
			world->iommu.device.vid, (uint16_t)world->queue->index, async,
			&channel_ops), 0);
}

void bounds_close(struct bounds_world *world)
{
	if (world->memory == BOUNDS_LOGGED)
		guest_log_destroy(&world->log);
	if (has_iommu(world))
		guest_iotlb_destroy(&world->iommu.iotlb);
	control_close(&world->iommu.device);
	control_forget_pool();
}

void bounds_descriptor(struct bounds_world *world, uint32_t slot, uint64_t addr, uint32_t length,
		       uint16_t flags, uint16_t next)
{
	struct guest_queue *queue = world->queue;

	if (world->packed) {
		struct vring_packed_desc *at = &queue->ring.packed.descriptors[slot];

		*at = (struct vring_packed_desc){ addr, length, next,
			(uint16_t)(flags | GUEST_PACKED_AVAIL) };
	} else {
		queue->ring.split.descriptors[slot] =
			(struct vring_desc){ addr, length, flags, next };
	}
}

void bounds_publish(struct bounds_world *world, uint32_t count)
{
	if (!world->packed)
		__atomic_store_n(&world->queue->ring.split.available->idx, (uint16_t)count,
				 __ATOMIC_RELEASE);
}
