/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What the process keeps, and one device for each input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rings.h"

#define DRIVERS 32
#define LOG_BYTES 4096
#define INFLIGHT_BYTES 65536

struct model model;

static char folder[64], paths[DRIVERS][96];
static struct rte_mempool *pools[4];
static uint64_t offered[DRIVERS], offered_protocol[DRIVERS];
static int inflight_file = -1;

static int new_device(int vid)
{
	(void)vid;
	return 0;
}

static void destroy_device(int vid)
{
	(void)vid;
}

static int new_connection(int vid)
{
	rig_note_connection(vid);
	return 0;
}

static const struct vhost_device_ops operations = {
	.new_device = new_device,
	.destroy_device = destroy_device,
	.new_connection = new_connection,
};

static void remove_folder(void)
{
	for (unsigned int index = 0; index < DRIVERS; index++)
		unlink(paths[index]);
	rmdir(folder);
}

static uint64_t driver_flags(unsigned int index)
{
	/* DPDK 21.08: no in-flight log beside an engine. */
	return (index & 16 ? 0 : RTE_VHOST_USER_ASYNC_COPY) |
		(index & 1 ? RTE_VHOST_USER_LINEARBUF_SUPPORT : 0) |
		(index & 2 ? RTE_VHOST_USER_EXTBUF_SUPPORT : 0) |
		(index & 4 ? RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS : 0) |
		(index & 8 ? RTE_VHOST_USER_IOMMU_SUPPORT : 0);
}

static void make_memory(void)
{
	static const uint32_t sizes[REGIONS] = {
		REGION_RINGS, REGION_DATA, REGION_DATA, REGION_HIGH,
	};
	uint32_t start = 0;

	model.memory = mmap(NULL, MEMORY, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FUZZ_CHECK(model.memory != MAP_FAILED);
	for (unsigned int index = 0; index < REGIONS; index++) {
		struct region *region = &model.regions[index];

		region->size = sizes[index];
		region->start = start;
		region->user = 0x7f0000000000 + 0x10000000ULL * index;
		region->file = memfd_create("region", MFD_CLOEXEC);
		FUZZ_CHECK(region->file >= 0 && ftruncate(region->file, region->size) == 0);
		FUZZ_CHECK(mmap(model.memory + start, region->size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, region->file, 0) != MAP_FAILED);
		start += region->size;
	}
	model.log_file = memfd_create("log", MFD_CLOEXEC);
	FUZZ_CHECK(model.log_file >= 0 && ftruncate(model.log_file, LOG_BYTES) == 0);
	model.log = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, model.log_file, 0);
	FUZZ_CHECK(model.log != MAP_FAILED);
	inflight_file = memfd_create("inflight", MFD_CLOEXEC);
	FUZZ_CHECK(inflight_file >= 0);
}

void setup_process(void)
{
	make_memory();
	snprintf(folder, sizeof(folder), "/tmp/fuzz-rings-XXXXXX");
	FUZZ_CHECK(mkdtemp(folder) != NULL);
	for (unsigned int index = 0; index < DRIVERS; index++) {
		snprintf(paths[index], sizeof(paths[index]), "%s/%u", folder, index);
		FUZZ_CHECK(rte_vhost_driver_register(paths[index], driver_flags(index)) == 0);
		FUZZ_CHECK(rte_vhost_driver_callback_register(paths[index], &operations) == 0);
		FUZZ_CHECK(rte_vhost_driver_get_features(paths[index], &offered[index]) == 0);
		FUZZ_CHECK(rte_vhost_driver_get_protocol_features(paths[index],
			&offered_protocol[index]) == 0);
		FUZZ_CHECK(rte_vhost_driver_start(paths[index]) == 0);
	}
	atexit(remove_folder);
	pools[0] = rte_pktmbuf_pool_create("large", 512, 32, 0, 2176, 0);
	pools[1] = rte_pktmbuf_pool_create("small", 512, 0, 0, 256, 0);
	pools[2] = rte_pktmbuf_pool_create("few", 8, 0, 0, 2176, 0);
	pools[3] = rte_pktmbuf_pool_create("tiny", 64, 0, 8, 192, 0);
	model.send_pool = rte_pktmbuf_pool_create("send", 512, 0, 0, 2176, 0);
	FUZZ_CHECK(pools[0] && pools[1] && pools[2] && pools[3] && model.send_pool);
	for (unsigned int index = 0; index < 2; index++) {
		model.kick[index] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		model.call[index] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		FUZZ_CHECK(model.kick[index] >= 0 && model.call[index] >= 0);
	}
	rig_engine_watch.given = watch_given;
	rig_engine_watch.copied = watch_copied;
}

static uint16_t ring_size(bool is_packed, uint8_t code)
{
	return is_packed ? code < 240 ? code + 1 : MAX_RING : 1 << (code % 9);
}

static void read_settings(const uint8_t *head)
{
	struct settings *settings = &model.settings;
	unsigned int driver = (head[2] & 15) | (head[1] & 8 ? 16 : 0);
	uint64_t features = GUEST_BIT(GUEST_F_PROTOCOL_FEATURES);

	memset(settings, 0, sizeof(*settings));
	settings->is_packed = head[0] & 1;
	settings->is_mergeable = head[0] & 2;
	settings->is_modern = head[0] & 4;
	settings->uses_event_index = head[0] & 8;
	settings->is_in_order = head[0] & 16;
	settings->logs = head[0] & 128;
	settings->is_translated = (head[0] & 64) && (driver & 8);
	features |= settings->is_packed ? GUEST_BIT(34) : 0;
	features |= settings->is_mergeable ? GUEST_BIT(15) : 0;
	features |= settings->is_modern ? GUEST_BIT(32) : 0;
	features |= settings->uses_event_index ? GUEST_BIT(29) : 0;
	features |= settings->is_in_order ? GUEST_BIT(35) : 0;
	features |= head[0] & 32 ? GUEST_BIT(28) : 0;
	features |= settings->is_translated ? GUEST_BIT(33) : 0;
	features |= settings->logs ? GUEST_BIT(GUEST_F_LOG_ALL) : 0;
	features |= head[1] & 1 ? GUEST_BIT(0) : 0;
	features |= (head[1] & 2) && (driver & 3) != 1 ? GUEST_BIT(11) | GUEST_BIT(12) : 0;
	features |= head[1] & 4 ? GUEST_BIT(1) | GUEST_BIT(7) | GUEST_BIT(8) : 0;
	settings->features = features & offered[driver];
	settings->driver = driver;
	settings->flags = driver_flags(driver);
	settings->has_inflight = head[1] & 8;
	settings->async[0] = (head[1] & 16) && !settings->has_inflight;
	settings->async[1] = (head[1] & 32) && !settings->has_inflight;
	settings->is_relaxed = (head[1] & 64) && rig_may_reorder;
	settings->threshold = head[1] & 128 ? 1 + head[6] : 0;
	settings->pool = head[2] >> 4 & 3;
	settings->closes_early = head[2] & 64;
	for (unsigned int index = 0; index < 2; index++) {
		uint16_t size = ring_size(settings->is_packed, head[3 + index]);

		settings->size[index] = size;
		settings->base[index] = head[5 + 2 * index] | head[6 + 2 * index] << 8;
		if (settings->is_packed)
			settings->base[index] = (settings->base[index] & 0x8000) |
				(settings->base[index] & 0x7fff) % size;
	}
}

/* Which regions the library has, and where. */
static void note_regions(void)
{
	struct rte_vhost_memory *memory = NULL;

	if (rte_vhost_get_mem_table(model.link.vid, &memory) != 0)
		return;
	for (unsigned int index = 0; index < REGIONS; index++) {
		struct region *region = &model.regions[index];

		region->is_present = false;
		for (unsigned int have = 0; have < memory->nregions; have++) {
			if (memory->regions[have].guest_phys_addr == region->gpa) {
				region->is_present = true;
				region->host = memory->regions[have].host_user_addr;
			}
		}
	}
	free(memory);
}

bool send_regions(unsigned int order)
{
	struct guest_mem_table table = { 0 };
	int files[REGIONS];
	bool is_done;

	for (unsigned int index = 0; index < REGIONS; index++) {
		unsigned int which = (index + order) % REGIONS;
		const struct region *region = &model.regions[which];

		/* Region 0 with the rings stays; the others may be left out. */
		if (which > 0 && (order >> (2 + which) & 1))
			continue;
		table.regions[table.count].gpa = region->gpa;
		table.regions[table.count].size = region->size;
		table.regions[table.count].user_addr = region->user;
		files[table.count++] = region->file;
	}
	is_done = rig_ask(&model.link, GUEST_SET_MEM_TABLE, &table, 8 + 32 * table.count, files,
		table.count);
	note_regions();
	return is_done;
}

void send_translation(unsigned int page, uint8_t permission)
{
	struct vhost_iotlb_msg message = { 0 };

	for (unsigned int index = 0; index < REGIONS; index++) {
		const struct region *region = &model.regions[index];
		uint32_t offset = page * 4096 - region->start;

		if (page * 4096 < region->start || offset >= region->size)
			continue;
		message.iova = region->gpa + offset;
		message.uaddr = region->user + offset;
	}
	message.size = 4096;
	message.perm = permission;
	message.type = permission != 0 ? VHOST_IOTLB_UPDATE : VHOST_IOTLB_INVALIDATE;
	if (rig_ask(&model.link, GUEST_IOTLB_MSG, &message, 32, NULL, 0) || permission == 0)
		model.permission[page] = permission;
}

void setup_queue(unsigned int index)
{
	struct queue *queue = &model.queues[index];
	uint32_t state[2] = { index, queue->size };
	struct guest_vring_addr addresses = {
		.index = index,
		.descriptors = model.regions[0].user + queue->descriptors,
		.available = model.regions[0].user + queue->available,
		.used = model.regions[0].user + queue->used,
	};
	uint64_t number = index;

	if (model.settings.is_translated) {
		addresses.descriptors = model.regions[0].gpa + queue->descriptors;
		addresses.available = model.regions[0].gpa + queue->available;
		addresses.used = model.regions[0].gpa + queue->used;
	}
	(void)rig_ask(&model.link, GUEST_SET_VRING_NUM, state, 8, NULL, 0);
	if (model.settings.is_packed) {
		state[1] = model.settings.base[index];
		(void)rig_ask(&model.link, GUEST_SET_VRING_BASE, state, 8, NULL, 0);
	}
	(void)rig_ask(&model.link, GUEST_SET_VRING_ADDR, &addresses, sizeof(addresses), NULL, 0);
	(void)rig_ask(&model.link, GUEST_SET_VRING_KICK, &number, 8, &model.kick[index], 1);
	(void)rig_ask(&model.link, GUEST_SET_VRING_CALL, &number, 8, &model.call[index], 1);
	state[1] = 1;
	(void)rig_ask(&model.link, GUEST_SET_VRING_ENABLE, state, 8, NULL, 0);
}

/* Places of a ring: the packed one's event structures are where the split one's rings are. */
static void place_queue(unsigned int index)
{
	struct queue *queue = &model.queues[index];

	memset(queue, 0, offsetof(struct queue, taken));
	queue->taken_head = queue->taken_tail = 0;
	queue->done_head = queue->done_tail = 0;
	queue->expected_head = queue->expected_tail = 0;
	queue->index = index;
	queue->size = model.settings.size[index];
	queue->descriptors = index * 0x2800;
	queue->available = queue->descriptors + MAX_RING * 16;
	queue->used = queue->available + MAX_RING * 2 + 8;
	queue->next = model.settings.base[index];
	queue->wrap = true;
	if (model.settings.is_packed) {
		queue->wrap = queue->next >> 15;
		queue->next &= 0x7fff;
	} else {
		memcpy(model.memory + queue->available + 2, &queue->next, 2);
		memcpy(model.memory + queue->used + 2, &queue->next, 2);
	}
}

static void send_log_and_inflight(void)
{
	struct guest_log_area log = { .size = LOG_BYTES };
	struct guest_inflight_area area = {
		.size = INFLIGHT_BYTES, .queues = 2, .ring_size = MAX_RING,
	};

	memset(model.log, 0, LOG_BYTES);
	(void)rig_ask(&model.link, GUEST_SET_LOG_BASE, &log, sizeof(log), &model.log_file, 1);
	if (!model.settings.has_inflight)
		return;
	FUZZ_CHECK(ftruncate(inflight_file, 0) == 0);
	FUZZ_CHECK(ftruncate(inflight_file, INFLIGHT_BYTES) == 0);
	(void)rig_ask(&model.link, GUEST_SET_INFLIGHT_FD, &area, sizeof(area), &inflight_file, 1);
}

void setup_device(const uint8_t *head)
{
	static const uint64_t gpas[REGIONS] = { 0x10000, 0x100000, 0x104000, 0xfffffffffff00000 };
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) |
		GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD) | GUEST_BIT(GUEST_PROTOCOL_RARP);

	read_settings(head);
	begin_checks();
	model.tick++;
	model.is_wild = model.is_unsure = false;
	model.list_tail = model.next_buffer = model.next_table = 0;
	memset(model.memory, 0, MEMORY);
	for (unsigned int index = 0; index < REGIONS; index++)
		model.regions[index].gpa = gpas[index];
	/* A log has a bit for each page of the guest's memory. */
	if (model.settings.logs)
		model.regions[3].gpa = 0x200000;
	model.pool = pools[model.settings.pool];
	model.pool_before = rte_mempool_in_use_count(model.pool);
	model.send_before = rte_mempool_in_use_count(model.send_pool);
	model.mappings_before = rig_mappings();
	FUZZ_CHECK(rig_connect(&model.link, paths[model.settings.driver]));
	if (model.settings.has_inflight)
		protocol |= GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD);
	protocol &= offered_protocol[model.settings.driver];
	model.link.batches = true;
	(void)rig_ask(&model.link, GUEST_SET_PROTOCOL_FEATURES, &protocol, 8, NULL, 0);
	FUZZ_CHECK(rig_ask(&model.link, GUEST_SET_FEATURES, &model.settings.features, 8, NULL, 0));
	(void)send_regions(0);
	if (model.settings.logs || model.settings.has_inflight)
		send_log_and_inflight();
	for (unsigned int page = 0; page < PAGES; page++) {
		model.permission[page] = 3;
		if (model.settings.is_translated)
			send_translation(page, VHOST_ACCESS_RW);
	}
	for (unsigned int index = 0; index < 2; index++) {
		place_queue(index);
		setup_queue(index);
	}
	model.link.batches = false;
	rig_settle();
	note_regions();
	for (unsigned int index = 0; index < 2; index++) {
		const struct rig_channel channel = {
			.threshold = model.settings.threshold,
			.features = 1 | (model.settings.is_relaxed ? 2 : 0),
		};

		if (model.settings.async[index])
			FUZZ_CHECK(rig_register(model.link.vid, (uint16_t)index, &channel) == 0);
	}
}
