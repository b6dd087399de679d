/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The guest: its memory, drivers that begin and begin anew, and what they offer. */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"

void setup_memory(void)
{
	bench.region_file = memfd_create("region", MFD_CLOEXEC);
	bench.log_file = memfd_create("log", MFD_CLOEXEC);
	bench.inflight_file = memfd_create("inflight", MFD_CLOEXEC);
	bench.event_file = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	FUZZ_CHECK(bench.region_file >= 0 && bench.log_file >= 0 && bench.inflight_file >= 0);
	FUZZ_CHECK(bench.event_file >= 0);
	FUZZ_CHECK(ftruncate(bench.region_file, REGION_SIZE) == 0);
	FUZZ_CHECK(ftruncate(bench.log_file, LOG_SIZE) == 0);
	FUZZ_CHECK(ftruncate(bench.inflight_file, REGION_SIZE) == 0);
	bench.memory = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		bench.region_file, 0);
	FUZZ_CHECK(bench.memory != MAP_FAILED);
}

static unsigned int index_of(const struct rig_link *link)
{
	return (unsigned int)(link - bench.links);
}

static uint32_t ring_start(unsigned int link, unsigned int queue)
{
	return (link * QUEUES + queue) * RING_PLACE;
}

void send_table(struct rig_link *link, const struct record *record)
{
	struct guest_mem_table table = { .count = 1 };

	table.regions[0] = (struct guest_wire_region){
		.gpa = REGION_GPA, .size = REGION_SIZE, .user_addr = REGION_USER,
	};
	/* Now and then a part of it, or too much. */
	if (record != NULL && (record->c & 3) == 1)
		table.regions[0].size = record->f;
	if (record != NULL && (record->c & 3) == 2)
		table.regions[0].mmap_offset = record->d;
	(void)rig_ask(link, GUEST_SET_MEM_TABLE, &table, 40, &bench.region_file, 1);
}

void send_queue(struct rig_link *link, unsigned int queue, const struct record *record)
{
	unsigned int number = index_of(link);
	struct driver *driver = &bench.drivers[number];
	uint64_t base = (driver->features & GUEST_BIT(33) ? REGION_GPA : REGION_USER) +
		ring_start(number, queue);
	uint32_t state[2] = { queue, driver->size[queue] };
	struct guest_vring_addr addresses = {
		.index = queue, .descriptors = base,
		.available = base + 0x200, .used = base + 0x280,
	};
	uint64_t word = queue;

	memset(bench.memory + ring_start(number, queue), 0, RING_PLACE);
	if (record != NULL && (record->c & 7) == 1)
		state[1] = record->d;
	if (record != NULL && (record->c & 7) == 2)
		addresses.used += record->f;
	(void)rig_ask(link, GUEST_SET_VRING_NUM, state, 8, NULL, 0);
	state[1] = driver->features & GUEST_BIT(34) ? 0x8000 : 0;
	(void)rig_ask(link, GUEST_SET_VRING_BASE, state, 8, NULL, 0);
	(void)rig_ask(link, GUEST_SET_VRING_ADDR, &addresses, sizeof(addresses), NULL, 0);
	(void)rig_ask(link, GUEST_SET_VRING_KICK, &word, 8, &bench.event_file, 1);
	(void)rig_ask(link, GUEST_SET_VRING_CALL, &word, 8, &bench.event_file, 1);
	state[1] = 1;
	(void)rig_ask(link, GUEST_SET_VRING_ENABLE, state, 8, NULL, 0);
	driver->next[queue] = 0;
	driver->wrap[queue] = true;
}

static uint64_t features_of(uint8_t choice)
{
	return GUEST_BIT(GUEST_F_PROTOCOL_FEATURES) | GUEST_BIT(32) | GUEST_BIT(15) |
		(choice & 1 ? GUEST_BIT(34) : 0) | (choice & 2 ? GUEST_BIT(29) : 0) |
		(choice & 4 ? GUEST_BIT(33) : 0) | (choice & 8 ? GUEST_BIT(35) : 0);
}

/* Those of a driver that may be an older one, with other headers. */
static uint64_t other_features_of(uint8_t choice)
{
	uint64_t features = features_of(choice);

	features &= choice & 16 ? ~GUEST_BIT(15) : UINT64_MAX;
	features &= choice & 32 ? ~GUEST_BIT(32) : UINT64_MAX;
	return features | (choice & 64 ? GUEST_BIT(0) | GUEST_BIT(11) : 0);
}

static bool send_features(struct rig_link *link, uint64_t features)
{
	bool is_done = rig_ask(link, GUEST_SET_FEATURES, &features, 8, NULL, 0);

	if (is_done)
		bench.drivers[index_of(link)].features = features;
	return is_done;
}

static void send_protocol(struct rig_link *link, uint64_t protocol)
{
	(void)rig_ask(link, GUEST_SET_PROTOCOL_FEATURES, &protocol, 8, NULL, 0);
	bench.drivers[index_of(link)].protocol = protocol;
}

/* All of the memory is known to be where it is. */
static void send_translation(struct rig_link *link)
{
	struct vhost_iotlb_msg message = {
		.iova = REGION_GPA, .uaddr = REGION_USER, .size = REGION_SIZE,
		.perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE,
	};

	(void)rig_ask(link, GUEST_IOTLB_MSG, &message, 32, NULL, 0);
}

static void send_log(struct rig_link *link)
{
	struct guest_log_area area = { .size = LOG_SIZE };

	(void)rig_ask(link, GUEST_SET_LOG_BASE, &area, sizeof(area), &bench.log_file, 1);
}

static void send_inflight(struct rig_link *link)
{
	struct guest_inflight_area area = {
		.size = REGION_SIZE, .queues = QUEUES, .ring_size = RING,
	};

	(void)rig_ask(link, GUEST_SET_INFLIGHT_FD, &area, sizeof(area), &bench.inflight_file, 1);
}

void bring_up(struct rig_link *link, uint8_t choice)
{
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | GUEST_BIT(GUEST_PROTOCOL_MQ) |
		GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD) | GUEST_BIT(GUEST_PROTOCOL_RARP);
	struct driver *driver = &bench.drivers[index_of(link)];

	protocol |= choice & 16 ? GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD) : 0;
	protocol |= choice & 32 ? GUEST_BIT(GUEST_PROTOCOL_STATUS) : 0;
	protocol |= choice & 128 ? GUEST_BIT(GUEST_PROTOCOL_CONFIG) : 0;
	link->batches = true;
	send_protocol(link, protocol);
	(void)send_features(link, features_of(choice));
	send_table(link, NULL);
	if (choice & 16)
		send_inflight(link);
	if (choice & 4)
		send_translation(link);
	driver->queues = choice & 64 ? 4 : 2;
	for (unsigned int queue = 0; queue < driver->queues; queue++) {
		driver->size[queue] = RING;
		send_queue(link, queue, NULL);
	}
	link->batches = false;
	rig_settle();
}

/* How a driver's rings end: one by one, all with a reset, or not at all. */
static void end_queues(struct rig_link *link, unsigned int how, unsigned int mask)
{
	for (uint32_t queue = 0; queue < QUEUES; queue++) {
		uint32_t state[2] = { queue, 0 };

		if ((mask >> queue & 1) == 0)
			continue;
		if (how & 1)
			(void)rig_ask(link, GUEST_SET_VRING_ENABLE, state, 8, NULL, 0);
		if ((how & 6) != 6)
			(void)rig_ask(link, GUEST_GET_VRING_BASE, state, 8, NULL, 0);
	}
	if ((how & 6) != 4)
		return;
	(void)rig_ask(link, GUEST_RESET_OWNER, NULL, 0, NULL, 0);
	send_protocol(link, bench.drivers[index_of(link)].protocol);
	send_table(link, NULL);
}

static uint16_t ring_size(const struct driver *driver, unsigned int choice)
{
	return driver->features & GUEST_BIT(34) ? 1 + choice % LARGEST_RING :
		1 << choice % (LARGEST_BITS + 1);
}

/*
 * Another driver takes the device over, whatever packets the application has not fetched: rings of
 * another size (d) of some queues (c, e), other features (b), other memory, a log or none, with
 * buffers in them (e). What has to be refused is refused by itself, and the rest done.
 */
void restart(struct rig_link *link, const struct record *record)
{
	struct driver *driver = &bench.drivers[index_of(link)];
	unsigned int mask = record->c & 8 ? 1U << (record->e >> 8) % QUEUES :
		(1U << driver->queues) - 1;
	uint64_t features = record->c & 16 ? other_features_of(record->b) : driver->features;

	end_queues(link, record->c & 7, mask);
	if (record->c & 32) {
		send_log(link);
		features ^= GUEST_BIT(GUEST_F_LOG_ALL);
	}
	(void)send_features(link, features);
	if (record->c & 64)
		send_table(link, NULL);
	if (record->c & 128)
		send_inflight(link);
	if (driver->features & GUEST_BIT(33) && (record->e & 0x8000) == 0)
		send_translation(link);
	for (unsigned int queue = 0; queue < QUEUES; queue++) {
		struct record chain = { .b = (uint8_t)queue, .d = record->f, .e = record->g };
		unsigned int size = queue & 1 ? record->d >> 8 : record->d & 0xff;

		if ((mask >> queue & 1) == 0)
			continue;
		driver->size[queue] = ring_size(driver, size);
		send_queue(link, queue, NULL);
		for (unsigned int count = 0; count < (record->e & 0xff) % (RING + 1); count++)
			offer(link, &chain);
	}
}

/* A chain of one buffer. */
void offer(struct rig_link *link, const struct record *record)
{
	unsigned int number = index_of(link), queue = record->b % QUEUES;
	struct driver *driver = &bench.drivers[number];
	uint8_t *ring = bench.memory + ring_start(number, queue);
	uint16_t *next = &driver->next[queue];
	unsigned int slot = *next % driver->size[queue];
	uint64_t address = REGION_GPA + BUFFERS + record->d % (REGION_SIZE - BUFFERS);
	uint32_t size = 13 + record->e % 2000;
	uint16_t flags = queue & 1 ? 0 : 2, index = (uint16_t)slot;

	if (record->c & 1)
		address = (uint64_t)record->g << 32 | record->f;
	if (driver->features & GUEST_BIT(34)) {
		flags |= driver->wrap[queue] ? 0x0080 : 0x8000;
		memcpy(ring + 16 * slot, &address, 8);
		memcpy(ring + 16 * slot + 8, &size, 4);
		memcpy(ring + 16 * slot + 12, &index, 2);
		memcpy(ring + 16 * slot + 14, &flags, 2);
		if (slot == driver->size[queue] - 1u)
			driver->wrap[queue] = !driver->wrap[queue];
		*next = slot == driver->size[queue] - 1u ? 0 : *next + 1;
		return;
	}
	memcpy(ring + 16 * slot, &address, 8);
	memcpy(ring + 16 * slot + 8, &size, 4);
	memcpy(ring + 16 * slot + 12, &flags, 2);
	memcpy(ring + 0x204 + 2 * slot, &index, 2);
	(*next)++;
	memcpy(ring + 0x202, next, 2);
}
