/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A device that nobody attacks, beside the one that is: after each input a packet goes through it,
 * a question is answered, and nothing but the used ring has changed in its memory.
 */
#define BYTES 0x10000ULL
#define BASE 0x40000000ULL
#define PACKET 0x4000
#define LENGTH 60

static uint8_t *memory;
static uint8_t before[BYTES];
static int file, event, own_socket, vid;
static uint16_t count;

static void send_message(uint32_t request, const void *payload, uint32_t size, int number)
{
	uint32_t bytes[80] = { request, 1, size };

	memcpy(bytes + 3, payload, size);
	FUZZ_CHECK(wire_send(own_socket, bytes, 12 + size, &number, number >= 0));
	FUZZ_CHECK(fuzz_session_step(1));
}

static void send_number(uint32_t request, uint64_t value, int number)
{
	send_message(request, &value, sizeof(value), number);
}

static void send_ring(uint32_t queue)
{
	struct guest_vring_addr address = { .index = queue };
	struct guest_vring_state state = { queue, 8 };

	send_message(GUEST_SET_VRING_NUM, &state, sizeof(state), -1);
	address.descriptors = BASE + queue * 0x1000;
	address.available = address.descriptors + 0x100;
	address.used = address.descriptors + 0x200;
	send_message(GUEST_SET_VRING_ADDR, &address, sizeof(address), -1);
	send_number(GUEST_SET_VRING_KICK, queue, event);
	send_number(GUEST_SET_VRING_CALL, queue, event);
	state.number = 1;
	send_message(GUEST_SET_VRING_ENABLE, &state, sizeof(state), -1);
}

void innocent_prepare(void)
{
	struct guest_mem_table table = { .count = 1, .regions = { { BASE, BYTES, BASE, 0 } } };
	int ends[2];

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	own_socket = ends[0];
	file = memfd_create("innocent", MFD_CLOEXEC);
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	FUZZ_CHECK(file >= 0 && event >= 0 && ftruncate(file, BYTES) == 0);
	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	FUZZ_CHECK(memory != MAP_FAILED);
	memset(memory + PACKET, 0x33, BYTES - PACKET);
	vid = fuzz_session_open(1, ends[1], 0, 1, 0, NULL, NULL);
	send_number(GUEST_SET_FEATURES, 1ULL << 32 | 1ULL << 30, -1);
	send_message(GUEST_SET_MEM_TABLE, &table, 40, file);
	send_ring(0);
	send_ring(1);
	memcpy(before, memory, BYTES);
}

/* Head, then payload: 12 bytes of virtio_net_hdr and a packet that tells which one it is. */
static void offer(void)
{
	struct vring_desc descriptor = { BASE + PACKET, 12 + LENGTH, 0, 0 };
	uint8_t *ring = memory + 0x1000;
	uint16_t head = count % 8;

	memset(memory + PACKET, 0, 12);
	memset(memory + PACKET + 12, (uint8_t)count, LENGTH);
	memcpy(ring + head * sizeof(descriptor), &descriptor, sizeof(descriptor));
	memcpy(ring + 0x104 + head * 2, &head, sizeof(head));
	count++;
	memcpy(ring + 0x102, &count, sizeof(count));
	memcpy(before, memory, BYTES);
}

void innocent_check(void)
{
	uint8_t expected[LENGTH];
	struct rte_mbuf *packet = NULL;
	uint32_t question[3] = { GUEST_GET_FEATURES, 1, 0 }, answer[5];
	uint64_t value;
	uint16_t used;

	FUZZ_CHECK(memcmp(before, memory, BYTES) == 0);
	offer();
	FUZZ_CHECK(rte_vhost_dequeue_burst(vid, 1, guest_pool(), &packet, 1) == 1);
	memset(expected, (uint8_t)(count - 1), sizeof(expected));
	FUZZ_CHECK(packet->pkt_len == LENGTH);
	FUZZ_CHECK(memcmp(rte_pktmbuf_mtod(packet, void *), expected, LENGTH) == 0);
	rte_pktmbuf_free(packet);
	memcpy(&used, memory + 0x1202, sizeof(used));
	FUZZ_CHECK(used == count);
	/* The used ring is all that the device may write. */
	memcpy(before + 0x1200, memory + 0x1200, 4 + 8 * 8 + 2);
	FUZZ_CHECK(memcmp(before, memory, BYTES) == 0);
	FUZZ_CHECK(wire_send(own_socket, question, sizeof(question), NULL, 0));
	FUZZ_CHECK(fuzz_session_step(1));
	FUZZ_CHECK(recv(own_socket, answer, sizeof(answer), MSG_DONTWAIT) == sizeof(answer));
	FUZZ_CHECK(answer[0] == GUEST_GET_FEATURES && answer[2] == 8);
	FUZZ_CHECK(fuzz_session_locks_free(vid));
	FUZZ_CHECK(read(event, &value, sizeof(value)) != 0);
}
