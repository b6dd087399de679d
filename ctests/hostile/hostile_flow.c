/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "hostile.h"

#define BURST 64
#define TURNS 100000

/** Packets in flight, in the direction of a queue. */
static int flying(struct hostile *hostile, uint16_t queue)
{
	return hostile->async ? rte_vhost_async_get_inflight(hostile->bench->vid, queue) : 0;
}

uint32_t hostile_take(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;
	uint32_t packets = 0, idle = 0;

	/* Chains that are dropped use up a call's share without a packet: some are empty. */
	for (int turn = 0; turn < TURNS && idle < 3; turn++) {
		uint16_t got = bench_dequeue(bench, BURST);

		engine_finish(&bench->engines[TX], ENGINE_ALL);
		packets += got;
		idle = got > 0 || flying(hostile, TX) > 0 ? 0 : idle + 1;
	}
	assert_true(idle > 0);
	return packets;
}

uint32_t hostile_give(struct hostile *hostile, uint16_t count, uint32_t size)
{
	struct bench *bench = hostile->bench;
	uint32_t packets = bench_enqueue(bench, count, size), received = 0;

	for (int turn = 0; turn < TURNS && flying(hostile, RX) > 0; turn++) {
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		bench_collect(bench, BURST);
	}
	assert_true(flying(hostile, RX) <= 0);
	received = bench_receive(bench);
	assert_int_equal(received, packets);
	return received;
}

void hostile_post(struct hostile *hostile, uint32_t count)
{
	struct guest_queue *queue = hostile->bench->rx;

	while (count-- > 0)
		assert_int_equal(guest_rx_post(queue, queue->rx_capacity, &queue->rx_shape), 0);
	guest_submit(queue);
}

void hostile_good(struct hostile *hostile)
{
	bench_send(hostile->bench, HOSTILE_FRAME, NULL);
	assert_int_equal(hostile_take(hostile), 1);
	if (hostile->bench->by_hand)
		hostile_post(hostile, 1);
	assert_int_equal(hostile_give(hostile, 1, HOSTILE_FRAME), 1);
}

void hostile_bad(struct hostile *hostile, struct guest_queue *queue, enum guest_bad kind,
		 uint32_t argument)
{
	static uint8_t frame[HOSTILE_FRAME];
	int ret = guest_bad_add(queue, kind, queue == hostile->bench->rx ? NULL : frame,
				HOSTILE_FRAME, argument);

	if (ret != 0)
		fail_msg("%s: the guest cannot build it: %d", guest_bad_name(kind), ret);
	guest_submit(queue);
}

void hostile_count(struct hostile *hostile, uint16_t queue, struct hostile_counts *counts)
{
	struct rtevhostswift_vring_stats stats = bench_stats(hostile->bench, queue);

	*counts = (struct hostile_counts){
		.dropped = { stats.dropped_bad_chain, stats.dropped_unmapped, stats.dropped_short,
			     stats.dropped_direction, stats.dropped_too_long },
		.broken = stats.ring_broken,
		.packets = stats.packets,
	};
}

unsigned int hostile_fates(struct hostile *hostile, uint16_t queue,
			   const struct hostile_counts *before, uint64_t *count)
{
	struct hostile_counts now;
	unsigned int fates = 0;

	hostile_count(hostile, queue, &now);
	*count = 0;
	for (int i = 0; i < 5; i++) {
		*count += now.dropped[i] - before->dropped[i];
		fates |= now.dropped[i] > before->dropped[i] ? 1u << i : 0;
	}
	if (now.broken > before->broken)
		fates |= FATE_BROKEN;
	return fates;
}

static void judge(enum guest_bad kind, uint32_t argument, unsigned int wanted, unsigned int fates,
		  uint64_t count, uint32_t delivered)
{
	const char *name = guest_bad_name(kind);

	if (delivered > 0)
		fates |= FATE_GOOD;
	if (count + delivered != 1 || !(fates & wanted) || (fates & ~wanted))
		fail_msg("%s (%u): fates 0x%x, not of 0x%x; %lu dropped, %u delivered", name,
			 argument, fates, wanted, (unsigned long)count, delivered);
}

void hostile_from_guest(struct hostile *hostile, enum guest_bad kind, uint32_t argument,
			unsigned int fates)
{
	struct bench *bench = hostile->bench;
	struct hostile_counts before;
	unsigned int seen;
	uint32_t delivered;
	uint64_t count;

	hostile_count(hostile, TX, &before);
	/* Whoever is delivered must be one that was sent. */
	if (fates & FATE_GOOD)
		bench_stamp(bench, HOSTILE_FRAME);
	if (guest_bad_add(bench->tx, kind, bench->frame, HOSTILE_FRAME, argument) != 0)
		fail_msg("%s: the guest cannot build it", guest_bad_name(kind));
	guest_submit(bench->tx);
	delivered = hostile_take(hostile);
	if ((fates & FATE_GOOD) && !delivered)
		bench->from.sent--;
	seen = hostile_fates(hostile, TX, &before, &count);
	judge(kind, argument, fates, seen, count, delivered);
	assert_int_equal(bench->tx->in_flight + bench->tx->ghosts, 0);
	bench_send(bench, HOSTILE_FRAME, NULL);
	assert_int_equal(hostile_take(hostile), 1);
}

void hostile_to_guest(struct hostile *hostile, enum guest_bad kind, uint32_t argument,
		      unsigned int fates)
{
	struct bench *bench = hostile->bench;
	struct guest_queue *queue = bench->rx;
	uint64_t empty = queue->stats.bad_header, count;
	struct hostile_counts before;
	unsigned int seen;

	assert_true(bench->by_hand);
	hostile_count(hostile, RX, &before);
	hostile_bad(hostile, queue, kind, argument);
	hostile_post(hostile, 2);
	/* A chain that comes back with nothing in it looks to the driver like a bad packet. */
	bench->unused += queue->ghosts > 0 ? 0 : 1;
	assert_int_equal(hostile_give(hostile, 1, HOSTILE_FRAME), 1);
	seen = hostile_fates(hostile, RX, &before, &count);
	judge(kind, argument, fates, seen, count, count == 0);
	bench->unused = queue->stats.bad_header;
	if (count > 0 && queue->stats.bad_header > empty + 1)
		fail_msg("%s: more than one chain came back empty", guest_bad_name(kind));
	/* The rest of the good ones. */
	while (queue->in_flight > 0)
		assert_int_equal(hostile_give(hostile, 1, HOSTILE_FRAME), 1);
}

void hostile_expect(struct hostile *hostile, uint32_t packets, uint64_t dropped)
{
	struct hostile_counts before;
	uint64_t count;

	hostile_count(hostile, TX, &before);
	assert_int_equal(hostile_take(hostile), packets);
	hostile_fates(hostile, TX, &before, &count);
	assert_int_equal(count, dropped);
	assert_int_equal(hostile->bench->tx->in_flight + hostile->bench->tx->ghosts, 0);
}
