/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The guest: every line of a packet is written, or read, on the guest's core. */
#include <string.h>

#include <rte_dmadev.h>

#include "async.h"
#include "guest_fast.h"

/** Nanoseconds between two looks at the engine. */
#define NAP 5000
/** Looks until an engine is stuck. */
#define LOOKS 400000u
#define LINE 64u
/** Bytes of the first line that are left as they are: the header and the frame's start. */
#define SPARED 16u

const struct async_way *async_way;

static bool engine_is_idle(const struct async_bench *bench)
{
	struct rtevhostswift_dma_stats ours;
	struct rte_dma_stats theirs;

	switch (async_way->kind) {
	case ASYNC_SOFTWARE:
	case ASYNC_ASLEEP:
		return bench->r2108.dma_stats_get(bench->vid, bench->queue_id, &ours) < 0 ||
		       ours.bytes == ours.submitted * bench->engine_bytes;
	case ASYNC_OWN:
		return async_engine_idle();
	case ASYNC_DMADEV:
		return rte_dma_stats_get(bench->dma, 0, &theirs) < 0 ||
		       theirs.completed == theirs.submitted;
	default:
		return true;
	}
}

static void wait_for_engine(const struct async_bench *bench)
{
	for (uint32_t looks = 0; !engine_is_idle(bench); looks++) {
		if (looks == LOOKS)
			more_die("%s: the engine does not end", async_way->name);
		more_nap(NAP);
	}
}

static struct guest_slot *first_slot(const struct async_bench *bench, uint64_t chain)
{
	uint16_t head = bench->heads[chain % bench->chain_count];

	return &bench->queue->slots.slots[bench->queue->chains[head].first_slot];
}

uint32_t async_piece(const struct async_bench *bench, uint64_t chain, uint32_t *slot,
		     uint8_t **bytes)
{
	const struct guest_slot *now = *slot == GUEST_NO_SLOT ? first_slot(bench, chain) :
								&bench->queue->slots.slots[*slot];
	uint32_t skip = *slot == GUEST_NO_SLOT ? bench->queue->header_size : 0;

	*slot = now->next;
	*bytes = now->host + skip;
	return now->length - skip;
}

/** A word into, or out of, each line of a chain. @return what was read. */
static uint64_t touch_chain(const struct async_bench *bench, uint64_t chain, bool writes)
{
	const struct guest_slot *slot = first_slot(bench, chain);
	uint64_t sum = 0;

	for (;;) {
		for (uint32_t at = SPARED; at + sizeof(sum) <= slot->length; at += LINE) {
			uint64_t *word = (uint64_t *)(slot->host + at);

			if (writes)
				*(volatile uint64_t *)word = bench->turn;
			else
				sum += *(volatile uint64_t *)word;
		}
		if (slot->next == GUEST_NO_SLOT)
			return sum;
		slot = &bench->queue->slots.slots[slot->next];
	}
}

/** Compare the packet that begins in a chain with the mbufs that it was made of. */
static void check_sent(const struct async_bench *bench, uint64_t chain, const struct rte_mbuf *mbuf)
{
	const uint8_t *expected = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	uint32_t left = bench->size, room = mbuf->data_len;
	const struct virtio_net_hdr_v1 *header = (void *)first_slot(bench, chain)->host;

	if (header->num_buffers != bench->chains_per_packet)
		more_die("%s: a packet in %u buffers", async_way->name, header->num_buffers);
	while (left > 0) {
		uint32_t slot = GUEST_NO_SLOT;
		uint8_t *bytes;
		uint32_t part = async_piece(bench, chain, &slot, &bytes);

		/* The header is in the first chain only. */
		if (left < bench->size) {
			bytes -= bench->queue->header_size;
			part += bench->queue->header_size;
		}
		for (; part > 0 && left > 0;) {
			uint32_t count = RTE_MIN(part, RTE_MIN(room, left));

			if (memcmp(bytes, expected, count) != 0)
				more_die("%s: a packet changed", async_way->name);
			bytes += count;
			expected += count;
			part -= count;
			left -= count;
			room -= count;
			if (room == 0 && left > 0) {
				mbuf = mbuf->next;
				room = mbuf->data_len;
				expected = rte_pktmbuf_mtod(mbuf, const uint8_t *);
			}
		}
		chain++;
	}
}

/** To the guest: whole packets that came are read, and compared if they are to be. */
static void receive(struct async_bench *bench, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t chain = bench->recycled + i, packet = chain / bench->chains_per_packet;

		touch_chain(bench, chain, false);
		if (!bench->verify || chain % bench->chains_per_packet != 0)
			continue;
		check_sent(bench, chain, bench->packets[packet % bench->packet_count]);
		bench->verified++;
	}
}

/**
 * memcpy() takes no chain from the ring: those that are next in it serve. From the guest they are
 * written just before; to the guest they are read just after.
 */
static void touch_copied(struct async_bench *bench)
{
	uint32_t count = bench->burst * bench->chains_per_packet;
	uint64_t first = bench->published + bench->copied;

	if (bench->enqueue)
		first += bench->chain_count - count;
	for (uint32_t i = 0; i < count; i++)
		touch_chain(bench, first + i, !bench->enqueue);
}

void async_guest_turn(void *opaque)
{
	struct async_bench *bench = opaque;
	uint32_t count;

	wait_for_engine(bench);
	count = guest_fast_recycle(bench->queue, UINT32_MAX);
	if (bench->enqueue)
		receive(bench, count);
	bench->recycled += count;
	if (bench->drains)
		return;
	bench->turn++;
	if (async_way->kind == ASYNC_COPY) {
		touch_copied(bench);
		return;
	}
	if (bench->enqueue) {
		bench->published += guest_fast_publish(bench->queue, UINT32_MAX);
		return;
	}
	count = RTE_MIN(bench->burst, guest_fast_ready(bench->queue));
	for (uint32_t i = 0; i < count; i++)
		touch_chain(bench, bench->published + i, true);
	bench->published += guest_fast_publish(bench->queue, count);
}

/** One packet; its chain has not been published again. */
static void check_packet(const struct async_bench *bench, const struct rte_mbuf *mbuf,
			 uint64_t chain)
{
	uint32_t slot = GUEST_NO_SLOT, left = bench->size, room = 0;
	const uint8_t *now = NULL;
	uint8_t *bytes = NULL;

	if (mbuf->pkt_len != bench->size)
		more_die("%s: a packet of %u bytes", async_way->name, mbuf->pkt_len);
	for (const struct rte_mbuf *part = mbuf; part; part = part->next) {
		uint32_t have = part->data_len;

		now = rte_pktmbuf_mtod(part, const uint8_t *);
		while (have > 0 && left > 0) {
			uint32_t count;

			if (room == 0)
				room = async_piece(bench, chain, &slot, &bytes);
			count = RTE_MIN(RTE_MIN(have, room), left);
			if (memcmp(now, bytes, count) != 0)
				more_die("%s: a packet changed", async_way->name);
			now += count;
			bytes += count;
			have -= count;
			room -= count;
			left -= count;
		}
	}
	if (left > 0)
		more_die("%s: a packet is short", async_way->name);
}

void async_check_received(struct async_bench *bench, struct rte_mbuf **packets, uint32_t count,
			  uint64_t chain)
{
	for (uint32_t i = 0; i < count; i++)
		check_packet(bench, packets[i], chain + i);
	bench->verified += count;
}
