/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Frontends: connections, messages as they should be and not, and the guest's side of rings. */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
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
	FUZZ_CHECK(ftruncate(bench.log_file, 4096) == 0);
	FUZZ_CHECK(ftruncate(bench.inflight_file, REGION_SIZE) == 0);
	bench.memory = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		bench.region_file, 0);
	FUZZ_CHECK(bench.memory != MAP_FAILED);
}

void connect_link(struct rig_link *link, unsigned int path)
{
	struct record record = { .a = (uint8_t)path };
	const char *chosen = chosen_path(&record);

	if (link->socket < 0 && chosen != NULL)
		(void)rig_connect(link, chosen);
}

static unsigned int index_of(const struct rig_link *link)
{
	return (unsigned int)(link - bench.links);
}

static uint32_t ring_start(unsigned int link, unsigned int queue)
{
	return (link * QUEUES + queue) * RING_PLACE;
}

static void send_table(struct rig_link *link, const struct record *record)
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

static void send_queue(struct rig_link *link, unsigned int queue, const struct record *record)
{
	unsigned int number = index_of(link);
	uint64_t base = (bench.features & GUEST_BIT(33) ? REGION_GPA : REGION_USER) +
		ring_start(number, queue);
	uint32_t state[2] = { queue, RING };
	struct guest_vring_addr addresses = {
		.index = queue, .descriptors = base,
		.available = base + 0x200, .used = base + 0x280,
	};
	uint64_t word = queue;

	if (record != NULL && (record->c & 7) == 1)
		state[1] = record->d;
	if (record != NULL && (record->c & 7) == 2)
		addresses.used += record->f;
	(void)rig_ask(link, GUEST_SET_VRING_NUM, state, 8, NULL, 0);
	state[1] = bench.is_packed[number] ? 0x8000 : 0;
	(void)rig_ask(link, GUEST_SET_VRING_BASE, state, 8, NULL, 0);
	(void)rig_ask(link, GUEST_SET_VRING_ADDR, &addresses, sizeof(addresses), NULL, 0);
	(void)rig_ask(link, GUEST_SET_VRING_KICK, &word, 8, &bench.event_file, 1);
	(void)rig_ask(link, GUEST_SET_VRING_CALL, &word, 8, &bench.event_file, 1);
	state[1] = 1;
	(void)rig_ask(link, GUEST_SET_VRING_ENABLE, state, 8, NULL, 0);
	bench.next[number][queue] = 0;
	bench.wrap[number][queue] = true;
	memset(bench.memory + ring_start(number, queue), 0, RING_PLACE);
}

void bring_up(struct rig_link *link, uint8_t choice)
{
	uint64_t features = GUEST_BIT(GUEST_F_PROTOCOL_FEATURES) | GUEST_BIT(32) | GUEST_BIT(15);
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | GUEST_BIT(GUEST_PROTOCOL_MQ) |
		GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD) | GUEST_BIT(GUEST_PROTOCOL_RARP);
	struct guest_inflight_area area = {
		.size = REGION_SIZE, .queues = QUEUES, .ring_size = RING,
	};

	features |= choice & 1 ? GUEST_BIT(34) : 0;
	features |= choice & 2 ? GUEST_BIT(29) : 0;
	features |= choice & 4 ? GUEST_BIT(33) : 0;
	features |= choice & 8 ? GUEST_BIT(35) : 0;
	protocol |= choice & 16 ? GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD) : 0;
	protocol |= choice & 32 ? GUEST_BIT(GUEST_PROTOCOL_STATUS) : 0;
	protocol |= choice & 128 ? GUEST_BIT(GUEST_PROTOCOL_CONFIG) : 0;
	bench.is_packed[index_of(link)] = choice & 1;
	bench.features = features;
	link->batches = true;
	(void)rig_ask(link, GUEST_SET_PROTOCOL_FEATURES, &protocol, 8, NULL, 0);
	(void)rig_ask(link, GUEST_SET_FEATURES, &features, 8, NULL, 0);
	send_table(link, NULL);
	if (choice & 16)
		(void)rig_ask(link, GUEST_SET_INFLIGHT_FD, &area, sizeof(area),
			&bench.inflight_file, 1);
	if (choice & 4) {
		struct vhost_iotlb_msg message = {
			.iova = REGION_GPA, .uaddr = REGION_USER, .size = REGION_SIZE,
			.perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE,
		};

		(void)rig_ask(link, GUEST_IOTLB_MSG, &message, 32, NULL, 0);
	}
	for (unsigned int queue = 0; queue < (choice & 64 ? 4 : 2); queue++)
		send_queue(link, queue, NULL);
	link->batches = false;
	rig_settle();
}

/* Any request: its payload by the record, mostly of a size that fits. */
static void send_any(struct rig_link *link, const struct record *record)
{
	static const uint8_t sizes[44] = {
		0, 0, 8, 0, 0, 40, 16, 0, 8, 40, 8, 8, 8, 8, 8, 0, 8, 0, 8, 8, 8, 0, 32, 8, 24, 24,
		8, 8, 0, 0, 0, 24, 24, 0, 0, 8, 0, 40, 40, 8, 0,
	};
	union guest_payload payload = { 0 };
	uint32_t request = record->b % 44;
	size_t size = record->c & 64 ? record->e % 300 : sizes[request];
	int files[2], pair[2] = { -1, -1 };
	unsigned int count = record->c & 3;

	payload.state.index = record->d & 0x8000 ? record->f : record->d % 6;
	payload.state.number = record->g;
	if (request == GUEST_SET_FEATURES || request == GUEST_SET_PROTOCOL_FEATURES)
		payload.u64 = (uint64_t)record->g << 32 | record->f;
	if (request == GUEST_IOTLB_MSG) {
		payload.iotlb = (struct vhost_iotlb_msg){
			.iova = REGION_GPA + (record->f & 0xf000), .uaddr = REGION_USER +
			(record->f & 0xf000), .size = record->g & 1 ? 0x1000 : record->g,
			.perm = record->d & 3, .type = record->e & 3,
		};
	}
	if (request == GUEST_SET_LOG_BASE)
		payload.log = (struct guest_log_area){ record->d, record->e };
	if (request == GUEST_SET_INFLIGHT_FD || request == GUEST_GET_INFLIGHT_FD)
		payload.inflight = (struct guest_inflight_area){
			.size = record->f, .queues = record->d & 15, .ring_size = record->e & 63,
		};
	if (request == GUEST_GET_CONFIG || request == GUEST_SET_CONFIG) {
		payload.config.offset = record->d % 300;
		payload.config.size = record->c & 64 ? record->g % 300 : 12;
	}
	if (request == GUEST_ADD_MEM_REG || request == GUEST_REM_MEM_REG)
		payload.single.region = (struct guest_wire_region){
			.gpa = REGION_GPA + (record->d & 1 ? REGION_SIZE : 0), .size = REGION_SIZE,
			.user_addr = REGION_USER + (record->d & 1 ? REGION_SIZE : 0),
		};
	/* A link without connection is not taken down. */
	if (request == GUEST_SET_BACKEND_REQ_FD && link->socket >= 0 && link->backend < 0 &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0) {
		link->backend = pair[0];
		count = 1;
	}
	files[0] = pair[1] >= 0 ? pair[1] : request == GUEST_SET_LOG_BASE ? bench.log_file :
		request == GUEST_SET_INFLIGHT_FD ? bench.inflight_file :
		request == GUEST_ADD_MEM_REG ? bench.region_file : bench.event_file;
	files[1] = bench.event_file;
	if (count == 3)
		count = 0;
	if (record->c & 16)
		rig_send(link, request, GUEST_FLAG_VERSION, &payload, size, files, count);
	else
		(void)rig_ask(link, request, &payload, size, files, count);
	if (pair[1] >= 0)
		close(pair[1]);
}

/* A chain of one buffer, or of two. */
static void offer(unsigned int number, const struct record *record)
{
	unsigned int queue = record->b % QUEUES;
	uint8_t *ring = bench.memory + ring_start(number, queue);
	uint16_t *next = &bench.next[number][queue];
	unsigned int slot = *next % RING;
	uint64_t address = REGION_GPA + BUFFERS + record->d % (REGION_SIZE - BUFFERS);
	uint32_t size = 13 + record->e % 2000;
	uint16_t flags = queue & 1 ? 0 : 2, index;

	if (record->c & 1)
		address = (uint64_t)record->g << 32 | record->f;
	if (bench.is_packed[number]) {
		flags |= bench.wrap[number][queue] ? 0x0080 : 0x8000;
		memcpy(ring + 16 * slot, &address, 8);
		memcpy(ring + 16 * slot + 8, &size, 4);
		index = (uint16_t)slot;
		memcpy(ring + 16 * slot + 12, &index, 2);
		memcpy(ring + 16 * slot + 14, &flags, 2);
		if (slot == RING - 1)
			bench.wrap[number][queue] = !bench.wrap[number][queue];
		(*next)++;
		return;
	}
	memcpy(ring + 16 * slot, &address, 8);
	memcpy(ring + 16 * slot + 8, &size, 4);
	memcpy(ring + 16 * slot + 12, &flags, 2);
	index = (uint16_t)slot;
	memcpy(ring + 0x204 + 2 * slot, &index, 2);
	(*next)++;
	memcpy(ring + 0x202, next, 2);
}

void call_wire(unsigned int code, const struct record *record)
{
	struct rig_link *link = chosen_link(record);
	union guest_payload payload;
	uint32_t request;

	switch (code) {
	case 0:
		connect_link(link, record->b);
		break;
	case 1:
		rig_hang_up(link);
		(void)rig_turn();
		break;
	case 2:
		bring_up(link, record->b);
		break;
	case 3:
	case 4:
	case 5:
		send_any(link, record);
		break;
	case 6:
		if (record->c & 16)
			send_table(link, record);
		else
			send_queue(link, record->b % QUEUES, record);
		break;
	case 7:
		while (rig_receive(link->backend, &request, &payload, sizeof(payload)) >= 0)
			continue;
		(void)rig_turn();
		break;
	default:
		for (unsigned int times = 0; times <= record->a >> 4; times++)
			offer(index_of(link), record);
		break;
	}
}
