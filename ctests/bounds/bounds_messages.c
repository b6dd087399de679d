/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * The most instructions that one message of a frontend takes on the event thread, which serves all
 * devices: with the largest tables, areas and rings that there can be.
 */
#define _GNU_SOURCE
#include "bounds.h"

#include <sys/eventfd.h>
#include <sys/mman.h>

#define PAGE 4096u
#define RING 32768
#define PAIRS 128
/** Behind an IOMMU each ring asks for its pages, one after the other. */
#define IOMMU_PAIRS 32
/** Packets that the pool has and the engine keeps. */
#define IN_FLIGHT 16000

/*
 * What a message may take: its own share, and for each thing that it makes the event thread touch.
 * Twice what was seen or less, but for small ones.
 */
#define MESSAGE 40000
/** A ring that is stopped, started, or looks at its memory anew. */
#define EACH_RING 6000
/** Slots of a ring that is made; what its calls need is made with it. */
#define EACH_SLOT 40
/** Packets that the engine has, and that have to come back first. */
#define EACH_IN_FLIGHT 200
/** Chains of an in-flight record, each in 15 rounds of a sort. */
#define EACH_RECORD (15 * 90)
/** Regions squared: frontend addresses are sorted by insertion... */
#define EACH_PAIR 10
/** ...and where they overlap, each stretch is looked for in all regions. */
#define EACH_OVERLAP 60
/** Entries of each ring's IOTLB that move or go. */
#define EACH_ENTRY 60

#define REGIONS (BOUNDS_REGIONS * BOUNDS_REGIONS)
#define ENTRIES 2048
/** Where there are as many tables as rings. */
#define FEWER_ENTRIES 512

static uint64_t rows;
static bool engine_is_done;

/** Counts the messages of a statement, and compares. */
#define COST(name, allowed, statement) do { \
		bounds_message_begin(); \
		statement; \
		row(name, bounds_message_end(), allowed); \
	} while (0)

static void row(const char *name, uint64_t cost, uint64_t allowed)
{
	bounds_print("| %s | %lu | %lu |%s\n", name, cost, allowed,
		     cost > allowed ? " beyond" : "");
	assert_in_range(cost, 1, allowed);
	rows++;
}

static int hold(int vid, uint16_t queue, struct rte_vhost_async_desc *descs,
		struct rte_vhost_async_status *status, uint16_t count)
{
	(void)vid;
	(void)queue;
	(void)descs;
	(void)status;
	return count;
}

static int finish(int vid, uint16_t queue, struct rte_vhost_async_status *status, uint16_t most)
{
	(void)vid;
	(void)queue;
	(void)status;
	return engine_is_done ? most : 0;
}

static struct rte_vhost_async_channel_ops engine = { hold, finish };

static void open_guest(struct control_device *device, uint32_t pairs, uint32_t size,
		       uint32_t regions)
{
	struct guest_config config;
	uint64_t protocol = 0;

	guest_config_init(&config);
	config.queue_pairs = pairs;
	config.ring_size = size;
	config.region_count = regions;
	config.region_size = regions > 1 ? 4 << 20 : 0;
	config.manual_rx = true;
	config.tx_buffers = config.rx_buffers = 4;
	config.table_entries = 0;
	config.extra_memory = regions > 1 ? 0 : 1 << 20;
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS) |
		GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD) | GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD) |
		GUEST_BIT(GUEST_PROTOCOL_RESET_DEVICE) | GUEST_BIT(GUEST_PROTOCOL_RARP) |
		GUEST_BIT(GUEST_PROTOCOL_MTU) | GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	control_listen(device, "messages", RTE_VHOST_USER_ASYNC_COPY);
	/* Not offered to network devices unless the application says so. */
	assert_int_equal(rte_vhost_driver_get_protocol_features(device->path, &protocol), 0);
	protocol |= GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD) |
		GUEST_BIT(GUEST_PROTOCOL_RESET_DEVICE);
	assert_int_equal(rte_vhost_driver_set_protocol_features(device->path, protocol), 0);
	control_attach(device, &config);
}

/** What the start left is done then; what is found once, by name, is not counted. */
static void settle(struct guest_frontend *frontend)
{
	uint64_t features;

	for (int i = 0; i < 2; i++) {
		bounds_message_begin();
		assert_int_equal(guest_get_features(frontend, &features), 0);
		bounds_message_end();
	}
}

/* Many rings, and many regions. */
static void messages_of_many_rings(void **state)
{
	struct guest_inflight_area area = { 0, 0, PAIRS * 2, RING, 0 };
	struct control_device device;
	struct guest_frontend *frontend;
	uint64_t features;
	int fd = -1, from;
	uint32_t base;

	(void)state;
	open_guest(&device, PAIRS, 32, 8);
	frontend = &device.guest->frontend;
	bounds_print("| message | instructions | allowed |\n|---|---|---|\n");
	assert_int_equal(guest_get_features(frontend, &features), 0);
	settle(frontend);
	COST("GET_FEATURES", MESSAGE, assert_int_equal(guest_get_features(frontend, &features), 0));
	COST("SET_VRING_ENABLE, the last of 256 rings", MESSAGE,
	     assert_int_equal(guest_set_vring_enable(frontend, 255, true), 0));
	COST("SET_MEM_TABLE, 8 regions, under 256 running rings",
	     MESSAGE + 2 * PAIRS * EACH_RING,
	     assert_int_equal(guest_send_memory(device.guest), 0));
	COST("SET_FEATURES, logging under 256 running rings", MESSAGE + 2 * PAIRS * EACH_RING,
	     assert_int_equal(guest_set_features(frontend, device.guest->features |
						 GUEST_BIT(GUEST_F_LOG_ALL)), 0));
	COST("GET_INFLIGHT_FD, 256 queues of 32,768", MESSAGE,
	     assert_int_equal(guest_get_inflight_fd(frontend, &area, &fd), 0));
	close(fd);
	COST("GET_VRING_BASE, the first of 256 rings", MESSAGE + EACH_RING,
	     assert_int_equal(guest_get_vring_base(frontend, 0, &base), 0));
	from = control_events();
	COST("hang-up, 256 rings", MESSAGE + 2 * PAIRS * EACH_RING, {
		guest_destroy(device.guest);
		assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, device.vid) >= 0);
	});
	device.guest = NULL;
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
}

/* The largest rings: start, stop, and what waits in them. */
static void messages_of_large_rings(void **state)
{
	struct guest_inflight_area area = { 0, 0, 2, RING, 0 };
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };
	struct control_device device;
	struct guest_frontend *frontend;
	struct rte_mbuf *mbufs[32];
	uint32_t base;
	int fd = -1, inflight = 0;
	uint8_t *bytes;

	(void)state;
	open_guest(&device, 1, RING, 1);
	frontend = &device.guest->frontend;
	COST("SET_VRING_NUM, 32,768", MESSAGE,
	     assert_int_equal(guest_set_vring_num(frontend, 7, RING), 0));
	assert_int_equal(guest_get_vring_base(frontend, 1, &base), 0);
	device.guest->queues[1].base = base;
	COST("SET_VRING_… of a ring of 32,768, 6 messages",
	     6 * MESSAGE + RING * EACH_SLOT,
	     assert_int_equal(guest_send_ring(device.guest, 1), 0));
	assert_int_equal(rte_vhost_async_channel_register(device.vid, 1, config, &engine), 0);
	engine_is_done = false;
	memset(device.guest->queues[1].ring.split.available->ring, 0, RING * 2);
	device.guest->queues[1].ring.split.descriptors[0] = (struct vring_desc){
		device.guest->queues[0].slots.slots[0].gpa, 76, 0, 0 };
	__atomic_store_n(&device.guest->queues[1].ring.split.available->idx, IN_FLIGHT,
			 __ATOMIC_RELEASE);
	for (int i = 0; i < IN_FLIGHT / 32 + 1; i++)
		rte_vhost_async_try_dequeue_burst(device.vid, 1, control_pool(), mbufs, 32,
						  &inflight);
	assert_in_range(inflight, IN_FLIGHT - 500, IN_FLIGHT);
	engine_is_done = true;
	COST("GET_VRING_BASE, 16,000 packets in flight",
	     MESSAGE + EACH_RING + IN_FLIGHT * EACH_IN_FLIGHT,
	     assert_int_equal(guest_get_vring_base(frontend, 1, &base), 0));
	assert_int_equal(guest_get_vring_base(frontend, 0, &base), 0);
	assert_int_equal(guest_get_inflight_fd(frontend, &area, &fd), 0);
	bytes = mmap(NULL, area.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)area.offset);
	assert_true(bytes != MAP_FAILED);
	/* A record of 32,768 chains in flight, in the worst order there is for a sort. */
	*(uint16_t *)(bytes + 8) = 1;
	*(uint16_t *)(bytes + 10) = RING;
	for (uint64_t i = 0; i < RING; i++) {
		bytes[16 + i * 16] = 1;
		*(uint64_t *)(bytes + 16 + i * 16 + 8) = i * 0x9e3779b97f4a7c15ULL;
	}
	device.guest->queues[0].base = base;
	COST("SET_INFLIGHT_FD, 2 queues of 32,768", MESSAGE,
	     assert_int_equal(guest_set_inflight_fd(frontend, &area, fd), 0));
	COST("SET_VRING_…, 32,768 chains in flight in the record, 6 messages",
	     6 * MESSAGE + RING * (EACH_SLOT + EACH_RECORD),
	     assert_int_equal(guest_send_ring(device.guest, 0), 0));
	munmap(bytes, area.size);
	close(fd);
	control_close(&device);
	control_forget_pool();
}

/* The most regions; a log for the largest memory. */
static void messages_of_many_regions(void **state)
{
	struct bounds_world world = { .memory = BOUNDS_LOGGED };
	int fd = memfd_create("guest-region", MFD_CLOEXEC), log = memfd_create("log", MFD_CLOEXEC);
	struct guest_wire_region region = { .gpa = 1 << 20, .size = PAGE, .user_addr = 1 << 20 };
	struct guest_frontend *frontend;

	(void)state;
	bounds_open(&world, RING);
	frontend = &world.iommu.device.guest->frontend;
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(ftruncate(log, 1LL << 40), 0);
	bounds_add_slots(&world, true);
	region.user_addr = (1ULL << 44) + BOUNDS_REGIONS * 2ULL * PAGE;
	COST("REM_MEM_REG, the first of 509", MESSAGE + REGIONS * EACH_PAIR,
	     assert_int_equal(guest_rem_mem_reg(frontend, &region), 0));
	COST("ADD_MEM_REG, the first of 509", MESSAGE + REGIONS * EACH_PAIR,
	     assert_int_equal(guest_add_mem_reg(frontend, &region, fd), 0));
	assert_int_equal(guest_rem_mem_reg(frontend, &region), 0);
	/* Frontend addresses that all others have as well. */
	assert_int_equal(ftruncate(fd, BOUNDS_REGIONS * 2 * PAGE), 0);
	region = (struct guest_wire_region){ .gpa = 1ULL << 41,
		.size = BOUNDS_REGIONS * 2 * PAGE, .user_addr = 1ULL << 44 };
	COST("ADD_MEM_REG, overlapping 508", MESSAGE + REGIONS * EACH_OVERLAP,
	     assert_int_equal(guest_add_mem_reg(frontend, &region, fd), 0));
	COST("SET_LOG_BASE, 1 GiB of log", MESSAGE,
	     assert_int_equal(guest_set_log_base(frontend, 1ULL << 30, 0, log), 0));
	close(fd);
	close(log);
	bounds_close(&world);
}

static int tell(struct bounds_world *world, uint8_t type, uint64_t iova, uint64_t size)
{
	struct guest *guest = world->iommu.device.guest;
	struct vhost_iotlb_msg message = { .type = type, .iova = iova, .size = size,
		.perm = VHOST_ACCESS_RW };
	struct guest_mem_table table;
	int fds[GUEST_WIRE_FDS];

	guest_describe_memory(guest, &table, fds);
	/* All of them name the same memory, so that no two are one. */
	message.uaddr = table.regions[0].user_addr;
	return guest_iotlb(&guest->frontend, &message);
}

/* A full IOTLB, by one queue's and by all queues'. */
static void messages_of_a_full_iotlb(void **state)
{
	struct bounds_world world = { .memory = BOUNDS_IOMMU };

	(void)state;
	bounds_open(&world, 256);
	for (uint64_t i = 0; i < 400; i++)
		assert_int_equal(tell(&world, VHOST_IOTLB_UPDATE, (1ULL << 40) + i * 8ULL * PAGE,
				      i % 2 ? PAGE : 3 * PAGE), 0);
	COST("IOTLB update, before 2,048 entries", MESSAGE + 2 * ENTRIES * EACH_ENTRY,
	     assert_int_equal(tell(&world, VHOST_IOTLB_UPDATE, 0, PAGE), 0));
	COST("IOTLB update over 100 entries", MESSAGE + 2 * ENTRIES * EACH_ENTRY,
	     assert_int_equal(tell(&world, VHOST_IOTLB_UPDATE, 1ULL << 40, 100 * 8ULL * PAGE), 0));
	COST("IOTLB invalidation of a page within an entry",
	     MESSAGE + 2 * ENTRIES * EACH_ENTRY,
	     assert_int_equal(tell(&world, VHOST_IOTLB_INVALIDATE,
				   (1ULL << 40) + 200 * 8ULL * PAGE + PAGE, PAGE), 0));
	COST("IOTLB invalidation of all", MESSAGE + 2 * ENTRIES * EACH_ENTRY,
	     assert_int_equal(tell(&world, VHOST_IOTLB_INVALIDATE, 0, UINT64_MAX), 0));
	bounds_close(&world);
}

/* The same for many rings, each of which has an IOTLB of its own. */
static void messages_of_many_iotlbs(void **state)
{
	struct bounds_world world = { 0 };
	struct guest_config config;

	(void)state;
	control_iommu_config(&config);
	config.queue_pairs = IOMMU_PAIRS;
	config.ring_size = 64;
	config.manual_rx = true;
	config.tx_buffers = config.rx_buffers = 2;
	config.table_entries = 0;
	control_iommu_listen(&world.iommu, "messages", 0);
	control_iommu_attach(&world.iommu, &config, 7);
	/* One behind the other, and then all of them move. */
	for (uint64_t i = 0; i < FEWER_ENTRIES; i++)
		assert_int_equal(tell(&world, VHOST_IOTLB_UPDATE, (1ULL << 40) + i * 2 * PAGE,
				      PAGE), 0);
	COST("IOTLB update, before 512 entries of each of 64 rings",
	     MESSAGE + 2 * IOMMU_PAIRS * (EACH_RING + FEWER_ENTRIES * EACH_ENTRY),
	     assert_int_equal(tell(&world, VHOST_IOTLB_UPDATE, 1ULL << 39, PAGE), 0));
	COST("IOTLB invalidation of 512 entries of each of 64 rings",
	     MESSAGE + 2 * IOMMU_PAIRS * (EACH_RING + FEWER_ENTRIES * EACH_ENTRY),
	     assert_int_equal(tell(&world, VHOST_IOTLB_INVALIDATE, 1ULL << 40, 1ULL << 40), 0));
	guest_iotlb_destroy(&world.iommu.iotlb);
	control_close(&world.iommu.device);
}

/* All others that a net device without postcopy takes, with the most rings. */
static void messages_of_each_kind(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct guest_frontend *frontend;
	struct control_device device;
	struct guest *guest;
	uint64_t number;

	(void)state;
	open_guest(&device, PAIRS, 32, 8);
	guest = device.guest;
	frontend = &guest->frontend;
	settle(frontend);
	COST("GET_PROTOCOL_FEATURES", MESSAGE,
	     assert_int_equal(guest_get_protocol_features(frontend, &number), 0));
	COST("SET_PROTOCOL_FEATURES", MESSAGE, assert_int_equal(
		guest_set_protocol_features(frontend, guest->protocol_features), 0));
	COST("GET_QUEUE_NUM", MESSAGE, assert_int_equal(guest_get_queue_num(frontend, &number), 0));
	COST("GET_MAX_MEM_SLOTS", MESSAGE,
	     assert_int_equal(guest_get_max_mem_slots(frontend, &number), 0));
	COST("SET_STATUS", MESSAGE, assert_int_equal(guest_set_status(frontend, 15), 0));
	COST("GET_STATUS", MESSAGE, assert_int_equal(guest_get_status(frontend, &number), 0));
	COST("SEND_RARP", MESSAGE, assert_int_equal(guest_send_rarp(frontend, mac), 0));
	COST("NET_SET_MTU", MESSAGE, assert_int_equal(guest_net_set_mtu(frontend, 1500), 0));
	COST("SET_BACKEND_REQ_FD", MESSAGE,
	     assert_int_equal(guest_set_backend_req_fd(frontend), 0));
	COST("SET_LOG_FD, 256 rings", MESSAGE + 2 * PAIRS * EACH_RING,
	     assert_int_equal(guest_set_log_fd(frontend, event), 0));
	COST("SET_VRING_CALL, the last of 256 rings", MESSAGE + EACH_RING,
	     assert_int_equal(guest_set_vring_call(frontend, 255, event), 0));
	COST("SET_VRING_ERR, the last of 256 rings", MESSAGE + EACH_RING,
	     assert_int_equal(guest_set_vring_err(frontend, 255, event), 0));
	COST("SET_VRING_KICK, the last of 256 rings", MESSAGE + EACH_RING,
	     assert_int_equal(guest_set_vring_kick(frontend, 255, event), 0));
	COST("RESET_DEVICE, 256 rings", MESSAGE + 2 * PAIRS * EACH_RING,
	     assert_int_equal(guest_reset_device(frontend), 0));
	COST("RESET_OWNER, 256 rings", MESSAGE + 2 * PAIRS * EACH_RING,
	     assert_int_equal(guest_reset_owner(frontend), 0));
	COST("SET_OWNER", MESSAGE, assert_int_equal(guest_set_owner(frontend), 0));
	close(event);
	control_close(&device);
	bounds_print("\n%lu messages within their bounds\n\n", rows);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(messages_of_many_rings),
	cmocka_unit_test(messages_of_large_rings),
	cmocka_unit_test(messages_of_many_regions),
	cmocka_unit_test(messages_of_a_full_iotlb),
	cmocka_unit_test(messages_of_many_iotlbs),
	cmocka_unit_test(messages_of_each_kind),
};

int main(void)
{
	return bounds_main(tests, CONTROL_COUNT(tests));
}
