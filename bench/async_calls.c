/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The data plane: calls, and what a host does around them, which is not timed. */
#include <string.h>

#include "async.h"

/** Where the host writes what makes a packet differ from the same one before. */
#define STAMP 16

static uint32_t dequeue(struct async_bench *bench, struct rte_mbuf **packets)
{
	uint16_t count = (uint16_t)bench->burst;

	switch (async_way->kind) {
	case ASYNC_SYNC:
		return more_library.dequeue_burst(bench->vid, bench->queue_id, bench->pool, packets,
						  count);
	case ASYNC_DMADEV:
		return bench->r2211.try_dequeue_burst(bench->vid, bench->queue_id, bench->pool,
						      packets, count, &bench->inflight, bench->dma,
						      0);
	default:
		return bench->r2108.try_dequeue_burst(bench->vid, bench->queue_id, bench->pool,
						      packets, count, &bench->inflight);
	}
}

/** A burst of packets from the guest. */
static uint64_t dequeue_turn(struct async_bench *bench, uint32_t *moved)
{
	struct rte_mbuf *packets[MORE_BURST];
	uint64_t start = bench_ticks();
	uint32_t count = dequeue(bench, packets);
	uint64_t ticks = bench_ticks() - start - more_tick_cost;

	if (bench->verify)
		async_check_received(bench, packets, count, bench->received);
	bench->received += count;
	/* As a data plane does with packets that it has sent on. */
	for (uint32_t i = 0; i < count; i++)
		rte_pktmbuf_free(packets[i]);
	*moved = count;
	return ticks;
}

static void note_returned(struct async_bench *bench, struct rte_mbuf **packets, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (packets[i] != bench->packets[bench->returned++ % bench->packet_count])
			more_die("%s: packets come back in another order", async_way->name);
}

/** Collect, then send: what a data plane does that comes by once in a while. */
static uint64_t submit_turn(struct async_bench *bench, struct rte_mbuf **next, uint32_t *moved)
{
	struct rte_mbuf *done[MORE_BURST], *at_once[MORE_BURST];
	uint16_t count = (uint16_t)bench->burst, sent = 0;
	uint32_t early = 0, late;
	uint64_t start = bench_ticks(), ticks;

	if (async_way->kind == ASYNC_DMADEV) {
		late = bench->r2211.poll_enqueue_completed(bench->vid, bench->queue_id, done, count,
							   bench->dma, 0);
		if (!bench->drains)
			sent = bench->r2211.submit_enqueue_burst(
				bench->vid, bench->queue_id, next, count, bench->dma, 0);
	} else {
		late = bench->r2108.poll_enqueue_completed(bench->vid, bench->queue_id, done,
							   count);
		if (!bench->drains)
			sent = bench->r2108.submit_enqueue_burst(
				bench->vid, bench->queue_id, next, count, at_once, &early);
	}
	ticks = bench_ticks() - start - more_tick_cost;
	note_returned(bench, done, late);
	note_returned(bench, at_once, early);
	bench->sent += sent;
	bench->inflight = (int)(bench->sent - bench->returned);
	*moved = late + early;
	return ticks;
}

/** A burst of packets to the guest; they stay with the host, which sends them again later. */
static uint64_t enqueue_turn(struct async_bench *bench, uint32_t *moved)
{
	struct rte_mbuf **next = &bench->packets[bench->sent % bench->packet_count];
	uint64_t start, ticks;

	if (!bench->drains)
		for (uint32_t i = 0; i < bench->burst; i++)
			*rte_pktmbuf_mtod_offset(next[i], uint64_t *, STAMP) = bench->turn;
	if (async_way->kind != ASYNC_SYNC)
		return submit_turn(bench, next, moved);
	start = bench_ticks();
	*moved = bench->drains ? 0 : more_library.enqueue_burst(bench->vid, bench->queue_id, next,
								(uint16_t)bench->burst);
	ticks = bench_ticks() - start - more_tick_cost;
	bench->sent += *moved;
	bench->returned += *moved;
	return ticks;
}

/** Copy one packet between mbufs and a chain, or several; pieces end where either side's do. */
static void copy_packet(const struct async_bench *bench, struct rte_mbuf *mbuf, uint64_t chain)
{
	uint32_t slot = GUEST_NO_SLOT, left = bench->size, room = 0;
	bool first = true;
	uint8_t *bytes = NULL;

	for (; mbuf && left > 0; mbuf = mbuf->next) {
		uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);
		uint32_t have = RTE_MIN(left, (uint32_t)mbuf->data_len);

		while (have > 0) {
			uint32_t count;

			if (room == 0) {
				if (!first && slot == GUEST_NO_SLOT)
					chain++;
				room = async_piece(bench, chain, &slot, &bytes);
				first = false;
			}
			count = RTE_MIN(have, room);
			if (bench->enqueue)
				memcpy(bytes, data, count);
			else
				memcpy(data, bytes, count);
			bytes += count;
			data += count;
			room -= count;
			have -= count;
			left -= count;
		}
	}
}

/** Mbufs as the library would have taken them. */
static struct rte_mbuf *allocate(struct async_bench *bench)
{
	struct rte_mbuf *head = NULL, *mbuf;

	for (uint32_t left = bench->size; left > 0; left -= mbuf->data_len) {
		mbuf = rte_pktmbuf_alloc(bench->pool);
		if (!mbuf || !rte_pktmbuf_append(mbuf, (uint16_t)RTE_MIN(left, MORE_BUFFER)))
			more_die("out of mbufs");
		if (!head)
			head = mbuf;
		else if (rte_pktmbuf_chain(head, mbuf) < 0)
			more_die("too many mbufs");
	}
	return head;
}

/** The bytes of a burst, and nothing else. */
static uint64_t copy_turn(struct async_bench *bench, uint32_t *moved)
{
	struct rte_mbuf *packets[MORE_BURST];
	uint64_t chain = bench->published + bench->copied, start, ticks;
	uint32_t step = bench->enqueue ? bench->chains_per_packet : 1;

	*moved = bench->drains ? 0 : bench->burst;
	for (uint32_t i = 0; i < *moved; i++) {
		uint64_t number = bench->copied / step + i;

		packets[i] = bench->enqueue ? bench->packets[number % bench->packet_count] :
					      allocate(bench);
	}
	start = bench_ticks();
	for (uint32_t i = 0; i < *moved; i++)
		copy_packet(bench, packets[i], chain + i * step);
	ticks = bench_ticks() - start - more_tick_cost;
	/* Of a packet in several receive buffers only the first would be found. */
	if (step == 1 && bench->verify)
		async_check_received(bench, packets, *moved, chain);
	for (uint32_t i = 0; i < *moved && !bench->enqueue; i++)
		rte_pktmbuf_free(packets[i]);
	bench->copied += *moved * step;
	return ticks;
}

uint64_t async_host_turn(struct async_bench *bench, uint32_t *moved)
{
	/* A worker that is awake needs no system call to be told of new copies. */
	if (async_way->kind == ASYNC_SOFTWARE && !bench->drains)
		bench->r2108.dma_inject(bench->vid, bench->queue_id, NULL);
	if (async_way->kind == ASYNC_COPY)
		return copy_turn(bench, moved);
	return bench->enqueue ? enqueue_turn(bench, moved) : dequeue_turn(bench, moved);
}
