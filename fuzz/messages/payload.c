/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <string.h>

/* The region at `index` of `count` equal ones; with `gap` they are no neighbours for the guest. */
static struct guest_wire_region make_region(unsigned int index, unsigned int count, bool gap)
{
	uint64_t size = MEMORY_BYTES / count / 4096 * 4096;
	uint64_t offset = index * size;

	return (struct guest_wire_region){
		.gpa = GUEST_BASE + offset + (gap ? index * 0x100000ULL : 0),
		.size = size,
		.user_addr = USER_BASE + offset,
		.mmap_offset = MARGIN_BYTES + offset,
	};
}

static void add_file(struct guest_message *message, int number)
{
	if (message->fd_count < GUEST_WIRE_FDS)
		message->fds[message->fd_count++] = number;
}

static void make_table(struct attack *attack, uint64_t choice, struct guest_message *message)
{
	unsigned int count = 1 + (choice & 7), index;

	attack->memory = (choice >> 4 & 3) == 3 ? FILE_BRITTLE : FILE_MEMORY;
	message->size = 8 + 32 * count;
	message->payload.table.count = count;
	for (index = 0; index < count; index++) {
		message->payload.table.regions[index] = make_region(index, count,
			(choice & 8) != 0);
		add_file(message, files_number(attack->memory, attack));
	}
}

static void make_single(struct attack *attack, uint64_t choice, bool with_file,
	struct guest_message *message)
{
	message->size = 40;
	message->payload.single.region = make_region(choice & 7, 8, (choice & 8) != 0);
	attack->memory = (choice >> 4 & 3) == 3 ? FILE_BRITTLE : FILE_MEMORY;
	if (with_file)
		add_file(message, files_number(attack->memory, attack));
}

static uint64_t known_feature(unsigned int index)
{
	/* Bits that net devices have, and some that nobody offers. */
	static const uint8_t bits[32] = { 0, 1, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 21, 22,
		26, 27, 28, 29, 30, 32, 33, 34, 35, 6, 5, 16, 23, 24, 36, 63 };

	return 1ULL << bits[index & 31];
}

static uint64_t make_features(uint64_t choice)
{
	uint64_t features = 0;
	unsigned int index;

	switch (choice >> 56 & 7) {
	case 0:
		return 1ULL << 32 | 1ULL << 30 | 1ULL << 15;
	case 1:
		return 1ULL << 32 | 1ULL << 30 | 1ULL << 15 | 1ULL << 34;
	case 2:
		return 1ULL << 32 | 1ULL << 30 | 1ULL << 33;
	case 3:
		return 1ULL << 32 | 1ULL << 30 | 1ULL << 33 | 1ULL << 34;
	case 4:
		return 1ULL << 32 | 1ULL << 30 | 1ULL << 26 | 1ULL << 15;
	default:
		for (index = 0; index < 32; index++)
			if (choice >> index & 1)
				features |= known_feature(index);
		return features;
	}
}

static void make_address(uint32_t queue, uint64_t choice, struct guest_message *message)
{
	uint64_t place = USER_BASE + (queue % RING_QUEUES) * RING_BYTES;
	uint64_t end = USER_BASE + MEMORY_BYTES;

	message->size = 40;
	message->payload.addr = (struct guest_vring_addr){
		.index = queue,
		.flags = choice & GUEST_VRING_F_LOG,
		.descriptors = place,
		.available = place + 0x800,
		.used = place + 0x1000,
		.log = choice & 2 ? GUEST_BASE + 0x1000 : 0,
	};
	/* Elsewhere: a ring that moves. */
	if (choice & 4) {
		message->payload.addr.descriptors += RING_QUEUES * RING_BYTES;
		message->payload.addr.available += RING_QUEUES * RING_BYTES;
		message->payload.addr.used += RING_QUEUES * RING_BYTES;
	}
	/* Around the end of memory: so many bytes of a part lie in front of it. */
	if (choice & 8)
		message->payload.addr.descriptors = end - (choice >> 8 & 0x1f) * 16;
	if (choice & 16)
		message->payload.addr.available = end - (choice >> 13 & 0x1f) * 2;
	if (choice & 32)
		message->payload.addr.used = end - (choice >> 18 & 0x3f) * 4;
}

/* Where the guest finds its ring. */
static void note_ring(struct attack *attack, const struct guest_vring_addr *address)
{
	struct ring *ring = &attack->rings[address->index % RING_QUEUES];

	ring->descriptors = address->descriptors - USER_BASE;
	ring->available = address->available - USER_BASE;
}

static void make_eventfd(struct attack *attack, const struct record *record,
	struct guest_message *message)
{
	bool none = (record->choice & 3) == 3;

	message->size = 8;
	message->payload.u64 = record->queue | (none ? GUEST_VRING_NOFD : 0);
	if (!none)
		add_file(message, files_number(FILE_EVENT, attack));
}

static void make_state(const struct record *record, struct guest_message *message)
{
	static const uint32_t sizes[8] = { RING_SIZE, 8, 1, 64, 256, 32768, 13, 1024 };
	uint32_t number = (uint32_t)record->choice;

	if (record->kind == GUEST_SET_VRING_NUM)
		number = sizes[record->choice & 7];
	else if (record->kind == GUEST_SET_VRING_ENABLE)
		number = !(record->choice & 1);
	else if (record->kind == GUEST_SET_VRING_BASE)
		number &= 0xffff;
	message->size = 8;
	message->payload.state.index = record->queue;
	message->payload.state.number = number;
}

static void make_inflight(struct attack *attack, const struct record *record,
	struct guest_message *message)
{
	static const uint16_t sizes[4] = { RING_SIZE, 64, 256, 8 };

	message->size = record->choice & 8 ? 20 : 24;
	message->payload.inflight.queues = 1 + (record->choice & 3);
	message->payload.inflight.ring_size = sizes[record->choice >> 4 & 3];
	message->payload.inflight.size = 0x4000;
	if (record->kind == GUEST_SET_INFLIGHT_FD)
		add_file(message, files_number(FILE_INFLIGHT, attack));
}

static void make_iotlb(const struct record *record, struct guest_message *message)
{
	static const uint64_t sizes[8] = { MEMORY_BYTES, 0x1000, 0x2000, 0x10000, 1, 0x20000, 0x100,
		0xfff };
	uint64_t offset = (record->choice >> 8 & 0x3f) * 0x1000;

	/* A translation of this fuzzer's is the same on both sides. */
	message->size = 32;
	message->payload.iotlb = (struct vhost_iotlb_msg){
		.iova = USER_BASE + offset,
		.size = sizes[record->choice & 7],
		.uaddr = USER_BASE + offset,
		.perm = 3 - (record->choice >> 4 & 3) % 3,
		.type = record->choice >> 6 & 1 ? VHOST_IOTLB_INVALIDATE : VHOST_IOTLB_UPDATE,
	};
}

static void make_config(const struct record *record, struct guest_message *message)
{
	message->payload.config.offset = record->choice & 0xff;
	message->payload.config.size = record->choice >> 8 & 0xff;
	message->size = 12 + message->payload.config.size;
}

static void make_common(struct attack *attack, const struct record *record,
	struct guest_message *message)
{
	switch (record->kind) {
	case GUEST_SET_FEATURES:
		message->payload.u64 = make_features(record->choice);
		message->size = 8;
		break;
	case GUEST_SET_PROTOCOL_FEATURES:
		message->payload.u64 = ~record->choice & 0x1bfbf;
		message->size = 8;
		break;
	case GUEST_SEND_RARP:
	case GUEST_CLOSE_CRYPTO_SESSION:
	case GUEST_SET_STATUS:
		message->payload.u64 = record->choice & 0xff;
		message->size = 8;
		break;
	case GUEST_NET_SET_MTU:
		message->payload.u64 = 1500 + (record->choice & 0xfff);
		message->size = 8;
		break;
	case GUEST_SET_LOG_BASE:
		message->payload.log.size = 0x1000 << (record->choice & 3);
		message->size = 16;
		add_file(message, files_number(FILE_LOG, attack));
		break;
	case GUEST_SET_LOG_FD:
		add_file(message, files_number(FILE_EVENT, attack));
		break;
	case GUEST_SET_BACKEND_REQ_FD:
		add_file(message, files_number(FILE_CHANNEL, attack));
		break;
	case GUEST_CREATE_CRYPTO_SESSION:
		message->size = 632;
		break;
	default:
		break;
	}
}

static void make(struct attack *attack, const struct record *record,
	struct guest_message *message)
{
	switch (record->kind) {
	case GUEST_SET_MEM_TABLE:
		make_table(attack, record->choice, message);
		break;
	case GUEST_ADD_MEM_REG:
		/* Eight bytes confirm, in a postcopy migration. */
		if ((record->choice & 0x40) != 0)
			message->size = 8;
		else
			make_single(attack, record->choice, true, message);
		break;
	case GUEST_REM_MEM_REG:
		make_single(attack, record->choice, false, message);
		break;
	case GUEST_SET_VRING_NUM:
	case GUEST_SET_VRING_BASE:
	case GUEST_GET_VRING_BASE:
	case GUEST_SET_VRING_ENABLE:
	case GUEST_SET_VRING_ENDIAN:
	case GUEST_VRING_KICK:
		make_state(record, message);
		break;
	case GUEST_SET_VRING_ADDR:
		make_address(record->queue, record->choice, message);
		break;
	case GUEST_SET_VRING_KICK:
	case GUEST_SET_VRING_CALL:
	case GUEST_SET_VRING_ERR:
		make_eventfd(attack, record, message);
		break;
	case GUEST_IOTLB_MSG:
		make_iotlb(record, message);
		break;
	case GUEST_GET_CONFIG:
	case GUEST_SET_CONFIG:
		make_config(record, message);
		break;
	case GUEST_GET_INFLIGHT_FD:
	case GUEST_SET_INFLIGHT_FD:
		make_inflight(attack, record, message);
		break;
	default:
		make_common(attack, record, message);
	}
}

/* Sets, adds to or flips bytes of the payload. */
static void apply_patch(const struct record *record, struct guest_message *message)
{
	size_t offset = record->patch & 0x3ff, count = 1ULL << (record->patch >> 10 & 3);
	uint64_t value = 0;

	if ((record->patch >> 12 & 3) == 0)
		return;
	memcpy(&value, message->payload.bytes + offset, count);
	switch (record->patch >> 12 & 3) {
	case 1:
		value = record->value;
		break;
	case 2:
		value += record->value;
		break;
	default:
		value ^= record->value;
	}
	memcpy(message->payload.bytes + offset, &value, count);
}

static bool shares_margins(const struct record *record)
{
	return (record->patch >> 12 & 3) != 0 || record->files != 0;
}

void payload_make(struct attack *attack, const struct record *record,
	struct guest_message *message)
{
	memset(message, 0, offsetof(struct guest_message, payload) + 1100);
	message->fd_count = 0;
	message->request = record->kind;
	make(attack, record, message);
	apply_patch(record, message);
	/* Any file can be memory where a message says so, at any place of it. */
	if (shares_margins(record))
		attack->is_margin_shared = true;
	if (record->kind == GUEST_SET_FEATURES)
		attack->features = message->payload.u64;
	if (record->kind == GUEST_SET_VRING_ADDR)
		note_ring(attack, &message->payload.addr);
}
