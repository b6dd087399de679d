/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_random.h"

#include <linux/virtio_ring.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define PAGE 4096
#define FILE_SIZE (1 << 20)
#define SPARE_GPA (1ULL << 40)
#define SPARE_USER (1ULL << 44)
#define SLOTS 256

/** Every protocol feature that is offered. */
#define ALL_PROTOCOL (0x1ffffULL & ~GUEST_BIT(GUEST_PROTOCOL_CROSS_ENDIAN) & \
		      ~GUEST_BIT(GUEST_PROTOCOL_INBAND_NOTIFICATIONS))

static uint32_t pick(struct control_random *fuzz, uint64_t last)
{
	return guest_random_range(&fuzz->random, 0, (uint32_t)last);
}

/** True once in @p times. */
static bool rarely(struct control_random *fuzz, uint64_t times)
{
	return pick(fuzz, times - 1) == 0;
}

void control_random_init(struct control_random *fuzz, uint64_t seed)
{
	struct guest_config config;

	memset(fuzz, 0, sizeof(*fuzz));
	fuzz->random.state = seed;
	guest_config_init(&config);
	config.socket_path = "";
	config.ring_size = SLOTS;
	config.region_count = 3;
	assert_int_equal(guest_create(&config, &fuzz->guest), 0);
	/* In postcopy migration nobody would fetch one. */
	for (uint32_t i = 0; i < fuzz->guest->memory.count; i++)
		for (uint64_t at = 0; at < fuzz->guest->memory.regions[i].size; at += PAGE)
			((volatile uint8_t *)fuzz->guest->memory.regions[i].host)[at] = 0;
	fuzz->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fuzz->spare = memfd_create("guest-spare", MFD_CLOEXEC);
	fuzz->log = memfd_create("guest-log", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fuzz->spare, FILE_SIZE) | ftruncate(fuzz->log, FILE_SIZE), 0);
	fuzz->channel[0] = fuzz->channel[1] = fuzz->inflight = -1;
}

static void close_all(int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void control_random_destroy(struct control_random *fuzz)
{
	close_all(fuzz->channel, 2);
	close_all(&fuzz->inflight, 1);
	close(fuzz->event);
	close(fuzz->spare);
	close(fuzz->log);
	guest_destroy(fuzz->guest);
}

static uint64_t features(struct control_random *fuzz)
{
	uint64_t bits = GUEST_DEFAULT_FEATURES | GUEST_BIT(VIRTIO_F_RING_PACKED) |
		GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM) | GUEST_BIT(VIRTIO_F_IN_ORDER) |
		GUEST_BIT(GUEST_F_LOG_ALL);

	bits &= guest_random_next(&fuzz->random);
	bits |= rarely(fuzz, 50) ? 0 : GUEST_BIT(GUEST_F_PROTOCOL_FEATURES);
	fuzz->packed = bits & GUEST_BIT(VIRTIO_F_RING_PACKED);
	fuzz->translated = bits & GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	return bits;
}

/** One of the guest's regions, or one that is nobody's. */
static struct guest_wire_region region(struct control_random *fuzz, int *fd)
{
	uint64_t index = pick(fuzz, fuzz->guest->memory.count + 2);
	struct guest_wire_region made = { .gpa = SPARE_GPA + index * PAGE, .size = PAGE,
					  .user_addr = SPARE_USER + index * PAGE };

	*fd = fuzz->spare;
	if (index < fuzz->guest->memory.count) {
		const struct guest_region *old = &fuzz->guest->memory.regions[index];

		made = (struct guest_wire_region){ .gpa = old->gpa, .size = old->size,
						   .user_addr = (uintptr_t)old->host,
						   .mmap_offset = old->file_offset };
		*fd = old->fd;
	}
	if (rarely(fuzz, 40))
		((uint64_t *)&made)[pick(fuzz, 3)] ^= 1ULL << pick(fuzz, 63);
	return made;
}

static uint32_t table(struct control_random *fuzz, union guest_payload *payload, int fds[8],
		      unsigned int *count)
{
	guest_describe_memory(fuzz->guest, &payload->table, fds);
	*count = payload->table.count;
	if (rarely(fuzz, 10))
		payload->table.regions[0] = region(fuzz, &fds[0]);
	if (!rarely(fuzz, 20))
		return 8 + 32 * *count;
	*count = 0;
	memset(payload, 0, 8);
	return rarely(fuzz, 2) ? 8 : 0;
}

static void address(struct control_random *fuzz, uint32_t index, struct guest_vring_addr *addr)
{
	guest_ring_addr(&fuzz->guest->queues[index % 2], addr);
	addr->index = index;
	addr->flags = pick(fuzz, 1);
	addr->log = pick(fuzz, 1) ? addr->used : guest_random_next(&fuzz->random);
	if (rarely(fuzz, 20))
		addr->descriptors += 16 * pick(fuzz, 100);
	if (rarely(fuzz, 40))
		addr->used = guest_random_next(&fuzz->random);
}

/** Translations of the rings' own addresses and of the guest's, mostly onto themselves. */
static void translation(struct control_random *fuzz, struct vhost_iotlb_msg *iotlb)
{
	uint32_t at = pick(fuzz, fuzz->guest->memory.count - 1);
	const struct guest_region *old = &fuzz->guest->memory.regions[at];

	iotlb->iova = pick(fuzz, 1) ? old->gpa : (uintptr_t)old->host;
	iotlb->uaddr = (uintptr_t)old->host;
	iotlb->size = old->size;
	iotlb->perm = (uint8_t)(rarely(fuzz, 10) ? pick(fuzz, 4) : 3);
	iotlb->type = (uint8_t)(rarely(fuzz, 20) ? pick(fuzz, 5) : rarely(fuzz, 4) ? 3 : 2);
	if (rarely(fuzz, 3)) {
		uint64_t skip = pick(fuzz, old->size / PAGE - 1) * PAGE;

		iotlb->iova += skip;
		iotlb->uaddr += skip;
		iotlb->size = PAGE;
	}
	if (rarely(fuzz, 20))
		iotlb->size = pick(fuzz, 1) ? 0 : guest_random_next(&fuzz->random);
	if (rarely(fuzz, 20))
		iotlb->iova = guest_random_next(&fuzz->random);
}

static int channel(struct control_random *fuzz)
{
	close_all(fuzz->channel, 2);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    fuzz->channel), 0);
	return fuzz->channel[1];
}

/** Payloads that are a number or a queue and a number. */
static void number(struct control_random *fuzz, uint32_t request, union guest_payload *payload)
{
	payload->state.index = pick(fuzz, 3);
	switch (request) {
	case GUEST_SET_FEATURES:
		payload->u64 = features(fuzz);
		break;
	case GUEST_SET_PROTOCOL_FEATURES:
		payload->u64 = ALL_PROTOCOL & ~fuzz->without;
		if (rarely(fuzz, 4))
			payload->u64 &= guest_random_next(&fuzz->random);
		break;
	case GUEST_SET_VRING_NUM:
		payload->state.number = rarely(fuzz, 8) ? pick(fuzz, 300) : SLOTS;
		break;
	case GUEST_SET_VRING_BASE:
		payload->state.number = !fuzz->packed ? 0 : rarely(fuzz, 8) ?
			(uint32_t)guest_random_next(&fuzz->random) : 0x80008000;
		break;
	case GUEST_SET_VRING_ENABLE:
		payload->state.number = !rarely(fuzz, 8);
		break;
	case GUEST_NET_SET_MTU:
		payload->u64 = pick(fuzz, 70000);
		break;
	case GUEST_SET_STATUS:
		payload->u64 = rarely(fuzz, 8) ? 0 : 15;
		break;
	default:
		payload->state.number = pick(fuzz, SLOTS);
		break;
	}
}

/** Fill in a payload and descriptors. @return bytes. */
static uint32_t fill(struct control_random *fuzz, uint32_t request, union guest_payload *payload,
		     int fds[8], unsigned int *count)
{
	fds[0] = fuzz->event;
	switch (request) {
	case GUEST_SET_MEM_TABLE:
		return table(fuzz, payload, fds, count);
	case GUEST_ADD_MEM_REG:
	case GUEST_REM_MEM_REG:
		*count = request == GUEST_ADD_MEM_REG;
		payload->single.region = region(fuzz, &fds[0]);
		break;
	case GUEST_SET_VRING_ADDR:
		address(fuzz, pick(fuzz, 3), &payload->addr);
		break;
	case GUEST_SET_LOG_FD:
		*count = 1;
		break;
	case GUEST_SET_VRING_KICK:
	case GUEST_SET_VRING_CALL:
	case GUEST_SET_VRING_ERR:
		*count = !rarely(fuzz, 5);
		payload->u64 = pick(fuzz, 3) | (*count ? 0 : GUEST_VRING_NOFD);
		break;
	case GUEST_SET_LOG_BASE:
		*count = 1;
		fds[0] = fuzz->log;
		payload->log.size = pick(fuzz, FILE_SIZE);
		payload->log.offset = pick(fuzz, 2) * PAGE;
		break;
	case GUEST_SET_BACKEND_REQ_FD:
		*count = 1;
		fds[0] = channel(fuzz);
		break;
	case GUEST_IOTLB_MSG:
		translation(fuzz, &payload->iotlb);
		break;
	case GUEST_GET_INFLIGHT_FD:
	case GUEST_SET_INFLIGHT_FD:
		*count = request == GUEST_SET_INFLIGHT_FD;
		fds[0] = fuzz->inflight >= 0 && pick(fuzz, 1) ? fuzz->inflight : fuzz->log;
		payload->inflight = (struct guest_inflight_area){
			.size = FILE_SIZE / 2, .queues = (uint16_t)pick(fuzz, 5),
			.ring_size = rarely(fuzz, 5) ? 64 : SLOTS };
		break;
	case GUEST_GET_CONFIG:
	case GUEST_SET_CONFIG:
		payload->config.size = rarely(fuzz, 10) ? 300 : 256;
		break;
	default:
		number(fuzz, request, payload);
		break;
	}
	return request == GUEST_CREATE_CRYPTO_SESSION ? 632 : control_payload_size(request);
}

/** Every request; those without which nothing runs more often than others. */
static uint32_t choose(struct control_random *fuzz)
{
	static const uint32_t often[] = {
		GUEST_SET_MEM_TABLE, GUEST_SET_VRING_NUM, GUEST_SET_VRING_ADDR,
		GUEST_SET_VRING_ADDR, GUEST_SET_VRING_KICK, GUEST_SET_VRING_KICK,
		GUEST_SET_VRING_CALL, GUEST_SET_VRING_ENABLE, GUEST_SET_VRING_ENABLE,
		GUEST_IOTLB_MSG, GUEST_IOTLB_MSG, GUEST_ADD_MEM_REG, GUEST_ADD_MEM_REG,
		GUEST_SET_STATUS, GUEST_SET_VRING_BASE };

	if (pick(fuzz, 2))
		return often[pick(fuzz, CONTROL_COUNT(often) - 1)];
	return pick(fuzz, CONTROL_LAST_REQUEST);
}

/** Take answers and requests of the backend; half of the latter are answered. */
static void take(struct control_random *fuzz, int socket)
{
	struct guest_message message;

	while (guest_receive(socket, &message, 0) == 0) {
		bool keep = message.request == GUEST_GET_INFLIGHT_FD && message.fd_count == 1;

		if (keep) {
			close_all(&fuzz->inflight, 1);
			fuzz->inflight = message.fds[0];
		} else {
			guest_message_close(&message);
		}
	}
	while (fuzz->channel[0] >= 0 && guest_receive(fuzz->channel[0], &message, 0) == 0) {
		uint32_t words[5] = { message.request, 5, 8, pick(fuzz, 1), 0 };

		guest_message_close(&message);
		if (message.flags & GUEST_FLAG_NEED_REPLY && pick(fuzz, 1))
			guest_send_raw(fuzz->channel[0], words, 20, NULL, 0);
	}
}

static int say(struct control_random *fuzz, int socket, uint32_t request, const void *payload,
	       uint32_t size, int fd)
{
	int ret = control_send(socket, request, 9, payload, size, &fd, fd >= 0);

	take(fuzz, socket);
	return ret;
}

/** Chains of one buffer, in the format that was asked for last. */
static void offer_buffers(struct control_random *fuzz, const struct guest_vring_addr *addr)
{
	const struct guest_region *buffers = &fuzz->guest->memory.regions[0];
	struct vring_packed_desc *packed = (void *)(uintptr_t)addr->descriptors;
	struct vring_desc *split = (void *)(uintptr_t)addr->descriptors;
	struct vring_avail *available = (void *)(uintptr_t)addr->available;
	uint16_t flags = addr->index % 2 ? 0 : VRING_DESC_F_WRITE;

	for (uint16_t i = 0; i < SLOTS; i++) {
		uint64_t at = buffers->gpa + pick(fuzz, buffers->size / PAGE - 1) * PAGE;

		if (fuzz->packed) {
			packed[i] = (struct vring_packed_desc){ .addr = at, .len = 2000, .id = i };
			packed[i].flags = flags | 1 << 7;
		} else {
			split[i] = (struct vring_desc){ .addr = at, .len = 2000, .flags = flags };
			available->ring[i] = i;
		}
	}
	if (!fuzz->packed)
		available->idx = (uint16_t)(available->idx + SLOTS);
}

/** What an honest frontend says, from memory to status. */
static int bring_up(struct control_random *fuzz, int socket)
{
	union guest_payload payload = { .u64 = 0 };
	int fds[8];

	guest_describe_memory(fuzz->guest, &payload.table, fds);
	control_send(socket, GUEST_SET_MEM_TABLE, 9, &payload, 8 + 32 * payload.table.count, fds,
		     payload.table.count);
	for (uint32_t i = 0; i < 2 * fuzz->guest->memory.count && fuzz->translated; i++) {
		const struct guest_region *old = &fuzz->guest->memory.regions[i / 2];
		struct vhost_iotlb_msg iotlb = { .iova = i % 2 ? old->gpa : (uintptr_t)old->host,
						 .uaddr = (uintptr_t)old->host,
						 .size = old->size, .perm = 3, .type = 2 };

		say(fuzz, socket, GUEST_IOTLB_MSG, &iotlb, 32, -1);
	}
	for (uint32_t i = 0; i < 2; i++) {
		uint64_t queue = i;

		say(fuzz, socket, GUEST_SET_VRING_NUM, (uint32_t[]){ i, SLOTS }, 8, -1);
		say(fuzz, socket, GUEST_SET_VRING_BASE,
		    (uint32_t[]){ i, fuzz->packed ? 0x80008000 : 0 }, 8, -1);
		guest_ring_addr(&fuzz->guest->queues[i], &payload.addr);
		payload.addr.index = i;
		offer_buffers(fuzz, &payload.addr);
		say(fuzz, socket, GUEST_SET_VRING_ADDR, &payload, 40, -1);
		say(fuzz, socket, GUEST_SET_VRING_CALL, &queue, 8, fuzz->event);
		say(fuzz, socket, GUEST_SET_VRING_KICK, &queue, 8, fuzz->event);
		say(fuzz, socket, GUEST_SET_VRING_ENABLE, (uint32_t[]){ i, 1 }, 8, -1);
	}
	payload.u64 = 15;
	return say(fuzz, socket, GUEST_SET_STATUS, &payload, 8, -1);
}

int control_random_connect(struct control_random *fuzz, const struct control_device *device)
{
	uint64_t bits = ALL_PROTOCOL & ~fuzz->without;
	int socket = control_connect(device);

	control_send(socket, GUEST_SET_PROTOCOL_FEATURES, 1, &bits, 8, NULL, 0);
	bits = features(fuzz);
	control_send(socket, GUEST_SET_FEATURES, 9, &bits, 8, NULL, 0);
	return socket;
}

int control_random_step(struct control_random *fuzz, int socket)
{
	uint32_t request = choose(fuzz), flags = rarely(fuzz, 100) ? 1 : 9, size;
	union guest_payload payload;
	unsigned int count = 0;
	int fds[8] = { 0 }, ret;

	if (rarely(fuzz, 50))
		return bring_up(fuzz, socket);
	/* It ends a connection: not each one is to be short. */
	if (request == 0 || request == GUEST_SET_VRING_ENDIAN || request > GUEST_GET_STATUS)
		flags = 9;
	memset(&payload, 0, sizeof(payload));
	size = fill(fuzz, request, &payload, fds, &count);
	if (rarely(fuzz, 400))
		size = pick(fuzz, 300);
	if (rarely(fuzz, 400))
		count = (unsigned int)pick(fuzz, 1);
	ret = control_send(socket, request, flags, &payload, size, fds, count);
	if (fuzz->channel[1] >= 0)
		close_all(&fuzz->channel[1], 1);
	take(fuzz, socket);
	return ret;
}
