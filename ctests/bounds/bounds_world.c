/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "bounds.h"

#include <sys/mman.h>

#define PAGE 4096u
/** Pages of a table of 1,024 entries. */
#define TABLE_PAGES 4
/* Below the guest's own region, which is the last one that a search comes to. */
#define SLOT_GPA (1ULL << 20)
#define SLOT_USER (1ULL << 44)

const char *const bounds_memory_names[BOUNDS_MEMORIES] = { "1 region", "509 regions", "IOTLB",
	"IOTLB, 509 regions", "dirty log", "dirty log, 509 regions", "dirty log, IOTLB",
	"dirty log, IOTLB, 509 regions" };

bool bounds_engine_holds;

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
	return bounds_engine_holds ? 0 : most;
}

/** An engine without work of its own: what is counted is the library's. */
static struct rte_vhost_async_channel_ops channel_ops = { channel_transfer, channel_check };

static bool has_iommu(const struct bounds_world *world)
{
	return world->memory & BOUNDS_IOMMU;
}

void bounds_add_slots(struct bounds_world *world, bool reversed)
{
	struct guest_frontend *frontend = &world->iommu.device.guest->frontend;
	int fd = memfd_create("guest-slots", MFD_CLOEXEC);
	uint64_t size = (BOUNDS_REGIONS - 1) * (uint64_t)PAGE;

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	world->slots.host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(world->slots.host != MAP_FAILED);
	world->slots.gpa = SLOT_GPA;
	world->slots.size = size;
	/* For the guest one behind the other, so that buffers may cross from one to the next. */
	for (uint32_t i = 0; i < BOUNDS_REGIONS - 1; i++) {
		struct guest_wire_region region = {
			.gpa = SLOT_GPA + i * (uint64_t)PAGE, .size = PAGE,
			.user_addr = SLOT_USER +
				(reversed ? BOUNDS_REGIONS - i : i + 1) * 2ULL * PAGE,
			.mmap_offset = i * (uint64_t)PAGE,
		};

		assert_int_equal(guest_add_mem_reg(frontend, &region, fd), 0);
		/* Where it is not for the IOTLB to say which pages these are. A table may lie in
		 * the first ones; what lies behind the last one is no memory. */
		if (!has_iommu(world) && i >= TABLE_PAGES && i < BOUNDS_REGIONS - 2)
			for (uint32_t at = i - TABLE_PAGES; at < BOUNDS_PAGES;
			     at += BOUNDS_REGIONS - 2 - TABLE_PAGES)
				world->pages[at] = region.gpa;
	}
	close(fd);
}

/** Tell the IOMMU's pages, in any order, as many as the table of entries takes. */
static void tell_pages(struct bounds_world *world)
{
	struct guest_iotlb *iotlb = &world->iommu.iotlb;
	struct guest_area *areas[] = { &world->data, &world->table };
	struct guest_frontend *frontend = &iotlb->guest->frontend;
	bool acknowledged = frontend->reply_ack;
	uint64_t features;

	/* One answer is enough for all of them. */
	frontend->reply_ack = false;
	for (size_t i = 0; i < CONTROL_COUNT(areas); i++)
		for (uint64_t at = 0; at < areas[i]->size; at += PAGE)
			assert_int_equal(guest_iotlb_tell(iotlb, guest_iotlb_page(
				iotlb, areas[i]->gpa + at)), 0);
	assert_int_equal(guest_get_features(frontend, &features), 0);
	frontend->reply_ack = acknowledged;
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
	/* Headers of packets mean something. */
	config->features |= GUEST_BIT(VIRTIO_NET_F_CSUM);
	if (world->memory & BOUNDS_LOGGED)
		config->protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
}

/**
 * What the event thread has to do behind its last answer is done. One thread runs at a time here:
 * whoever wants a lock of another one spins until its turn is over, and all that would count.
 */
static void wait_for_events(struct guest *guest)
{
	uint64_t features;

	assert_int_equal(guest_get_features(&guest->frontend, &features), 0);
	control_sleep_ms(20);
}

void bounds_open(struct bounds_world *world, uint32_t ring_size)
{
	struct rte_vhost_async_config async = {
		.features = RTE_VHOST_ASYNC_INORDER |
			(world->relaxed ? RTE_VHOST_ASYNC_RELAXED_ORDER : 0) };
	uint64_t flags = RTE_VHOST_USER_ASYNC_COPY | RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS;
	struct guest_config config;
	struct guest *guest;

	control_split(NULL);
	if (world->packed)
		control_packed(NULL);
	configure(world, &config, ring_size);
	if (has_iommu(world)) {
		control_iommu_listen(&world->iommu, "bounds", flags);
		control_iommu_attach(&world->iommu, &config, 7);
	} else {
		control_open(&world->iommu.device, "bounds", flags, &config);
	}
	guest = world->iommu.device.guest;
	world->queue = &guest->queues[world->to_guest ? 0 : 1];
	assert_int_equal(guest_memory_alloc(&guest->memory, 0, BOUNDS_PAGES * PAGE, PAGE,
					    &world->data), 0);
	assert_int_equal(guest_memory_alloc(&guest->memory, 0, 0x10000, PAGE, &world->table), 0);
	for (uint32_t i = 0; i < BOUNDS_PAGES; i++)
		world->pages[i] = world->data.gpa + i * (uint64_t)PAGE;
	if (world->memory & BOUNDS_SLOTS)
		bounds_add_slots(world, false);
	if (has_iommu(world))
		tell_pages(world);
	if (world->memory & BOUNDS_LOGGED)
		assert_int_equal(guest_log_start(guest, &world->log), 0);
	if (world->async)
		assert_int_equal(rte_vhost_async_channel_register(
			world->iommu.device.vid, (uint16_t)world->queue->index, async,
			&channel_ops), 0);
	wait_for_events(guest);
}

void bounds_close(struct bounds_world *world)
{
	if (world->slots.host)
		munmap(world->slots.host, world->slots.size);
	world->slots.host = NULL;
	if (world->memory & BOUNDS_LOGGED)
		guest_log_destroy(&world->log);
	if (has_iommu(world))
		guest_iotlb_destroy(&world->iommu.iotlb);
	control_close(&world->iommu.device);
	control_forget_pool();
	world->queue = NULL;
}
