/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <linux/virtio_ring.h>
#include <string.h>

#define PACKED_BIT 34
#define IOMMU_BIT 33
#define MBUFS 256
#define BURST 8

static struct rte_mempool *pool;

void guest_prepare(void)
{
	pool = rte_pktmbuf_pool_create("fuzz", MBUFS, 0, 0, 2176, -1);
	FUZZ_CHECK(pool != NULL);
}

struct rte_mempool *guest_pool(void)
{
	return pool;
}

/* Addresses in descriptors: the guest's own, or behind the IOMMU the same as the frontend's. */
static uint64_t buffer_address(const struct attack *attack, uint64_t choice, unsigned int index)
{
	uint64_t base = attack->features >> IOMMU_BIT & 1 ? USER_BASE : GUEST_BASE;
	uint64_t place = choice >> (index * 8) & 0x1f;

	/* One in 32 reaches over the end of memory. */
	return base + BUFFERS + place * 0x1000 + (place == 31 ? 0xff0 : 0);
}

static uint32_t buffer_size(const struct record *record, unsigned int index)
{
	static const uint32_t sizes[16] = { 0x200, 64, 12, 1, 0, 11, 2048, 0x1000, 0x10000,
		0xffffffff, 13, 100, 1500, 0x20000, 10, 0x7ff };

	return sizes[record->value >> (index * 8) & 15];
}

/* The guest writes into its own memory only. */
static void put(struct attack *attack, uint64_t offset, const void *bytes, size_t count)
{
	if (offset < MEMORY_BYTES && count <= MEMORY_BYTES - offset)
		files_write(attack->memory, MARGIN_BYTES + offset, bytes, count);
}

/* A chain of up to three descriptors in the next place of a ring. */
static void offer_split(struct attack *attack, const struct record *record, unsigned int queue)
{
	const struct ring *ring = &attack->rings[queue];
	unsigned int count = 1 + record->form % 3, index;
	uint16_t place = attack->available[queue] % RING_SIZE;
	uint16_t head = record->value >> 56 & (RING_SIZE - 1);

	for (index = 0; index < count; index++) {
		struct vring_desc descriptor = {
			.addr = buffer_address(attack, record->choice, index),
			.len = buffer_size(record, index),
			.flags = index + 1 < count ? VRING_DESC_F_NEXT : 0,
			.next = (uint16_t)((head + index + 1) % RING_SIZE),
		};

		if ((queue & 1) == 0)
			descriptor.flags |= VRING_DESC_F_WRITE;
		descriptor.flags ^= record->small >> (index * 3) & 7;
		put(attack, ring->descriptors + (head + index) % RING_SIZE * sizeof(descriptor),
			&descriptor, sizeof(descriptor));
	}
	put(attack, ring->available + 4 + place * 2U, &head, sizeof(head));
	attack->available[queue]++;
	put(attack, ring->available + 2, &attack->available[queue], 2);
}

static void offer_packed(struct attack *attack, const struct record *record, unsigned int queue)
{
	const struct ring *ring = &attack->rings[queue];
	unsigned int count = 1 + record->form % 3, index;

	for (index = 0; index < count; index++) {
		struct vring_packed_desc descriptor = {
			.addr = buffer_address(attack, record->choice, index),
			.len = buffer_size(record, index),
			.id = (uint16_t)(record->small >> 9 & 15),
		};
		uint16_t flags = index + 1 < count ? VRING_DESC_F_NEXT : 0;

		if ((queue & 1) == 0)
			flags |= VRING_DESC_F_WRITE;
		flags ^= record->small >> (index * 3) & 7;
		flags |= (uint16_t)(attack->wraps[queue] ? 1 << 7 : 1 << 15);
		descriptor.flags = flags;
		put(attack, ring->descriptors + attack->available[queue] * sizeof(descriptor),
			&descriptor, sizeof(descriptor));
		if (++attack->available[queue] == RING_SIZE) {
			attack->available[queue] = 0;
			attack->wraps[queue] = !attack->wraps[queue];
		}
	}
}

void guest_offer(struct attack *attack, const struct record *record)
{
	unsigned int queue = record->queue % RING_QUEUES;

	if (attack->features >> PACKED_BIT & 1)
		offer_packed(attack, record, queue);
	else
		offer_split(attack, record, queue);
}

static void dequeue(int vid, uint16_t queue, uint16_t count)
{
	struct rte_mbuf *packets[BURST];
	uint16_t got = rte_vhost_dequeue_burst(vid, queue, pool, packets, count), index;

	FUZZ_CHECK(got <= count);
	for (index = 0; index < got; index++)
		rte_pktmbuf_free(packets[index]);
}

static void enqueue(int vid, uint16_t queue, uint16_t count, uint64_t choice)
{
	struct rte_mbuf *packets[BURST];
	uint16_t sent, index;

	for (index = 0; index < count; index++) {
		packets[index] = rte_pktmbuf_alloc(pool);
		FUZZ_CHECK(packets[index] != NULL);
		packets[index]->data_len = (uint16_t)(choice % 2000);
		packets[index]->pkt_len = packets[index]->data_len;
	}
	sent = rte_vhost_enqueue_burst(vid, queue, packets, count);
	FUZZ_CHECK(sent <= count);
	for (index = 0; index < count; index++)
		rte_pktmbuf_free(packets[index]);
}

/* Whatever became of the rings, packets go through them. */
void guest_traffic(struct attack *attack)
{
	struct record offer = { .kind = ACTION_OFFER, .form = 1, .choice = 0x0201 };
	struct record burst = { .kind = ACTION_DEQUEUE, .form = 3, .value = 60 };

	for (offer.queue = 0; offer.queue < 2; offer.queue++) {
		offer.value = 15ULL << 56;
		guest_offer(attack, &offer);
		offer.value = 6ULL << 56;
		guest_offer(attack, &offer);
	}
	burst.queue = 1;
	guest_burst(attack, &burst);
	burst.queue = 0;
	burst.kind = ACTION_ENQUEUE;
	guest_burst(attack, &burst);
}

void guest_burst(struct attack *attack, const struct record *record)
{
	uint16_t queue = record->files & 1 ? (uint16_t)record->choice : record->queue;

	if (record->kind == ACTION_DEQUEUE)
		dequeue(attack->vid, queue, 1 + record->form % BURST);
	else
		enqueue(attack->vid, queue, 1 + record->form % BURST, record->value);
	if (rte_mempool_avail_count(pool) != MBUFS)
		fuzz_fail("%u of %d packets are left", rte_mempool_avail_count(pool), MBUFS);
	if (!fuzz_session_locks_free(attack->vid))
		fuzz_fail("a lock is held after a burst");
}
