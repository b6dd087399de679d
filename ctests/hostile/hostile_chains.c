/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Chains of a test's own: any addresses, any lengths. */
#include "guest_split.h"
#include "hostile.h"

static const uint8_t no_header[16];

void hostile_area(struct hostile *hostile, unsigned int region, uint64_t size,
		  struct guest_area *area)
{
	assert_int_equal(guest_memory_alloc(&hostile->bench->guest->memory, region, size, 64,
					    area), 0);
}

void hostile_offer(struct guest_queue *queue, const struct guest_piece *pieces, uint32_t count,
		   bool indirect)
{
	int head = queue->ops->add(queue, pieces, count, indirect);
	uint64_t capacity = 0;

	assert_true(head >= 0);
	for (uint32_t i = 0; i < count; i++)
		capacity += pieces[i].write ? pieces[i].length : 0;
	queue->chains[head].first_slot = GUEST_NO_SLOT;
	queue->chains[head].capacity = capacity > UINT32_MAX ? UINT32_MAX : (uint32_t)capacity;
	guest_submit(queue);
}

void hostile_offer_table(struct guest_queue *queue, uint64_t table, uint32_t bytes)
{
	struct guest_piece piece = { 0 };
	uint16_t head = queue->free_head;

	/* Any table, then another one in its place. */
	piece.addr = table;
	assert_int_equal(queue->ops->add(queue, &piece, 1, true) >= 0, 1);
	if (guest_is_packed(queue)) {
		uint32_t slot = (queue->ring.packed.avail.slot + queue->size - 1) % queue->size;

		queue->ring.packed.descriptors[slot].addr = table;
		queue->ring.packed.descriptors[slot].len = bytes;
	} else {
		guest_split_set_descriptor(queue, head, table, bytes, VRING_DESC_F_INDIRECT, 0);
	}
	guest_submit(queue);
}

void hostile_cut(struct guest_piece *pieces, uint64_t addr, const uint32_t *lengths,
		 uint32_t count, bool write)
{
	for (uint32_t i = 0; i < count; i++) {
		pieces[i] = (struct guest_piece){ addr, lengths[i], write };
		addr += lengths[i];
	}
}

uint64_t hostile_end(const struct hostile *hostile, unsigned int region)
{
	const struct guest_region *here = &hostile->bench->guest->memory.regions[region];

	return here->gpa + here->size;
}

void hostile_stamp_at(struct hostile *hostile, uint64_t gpa, uint32_t size)
{
	struct guest_memory *memory = &hostile->bench->guest->memory;
	uint32_t header = hostile->bench->tx->header_size;

	bench_stamp(hostile->bench, size);
	assert_int_equal(guest_memory_write(memory, gpa, no_header, header), 0);
	assert_int_equal(guest_memory_write(memory, gpa + header, hostile->bench->frame, size), 0);
}

void hostile_receive_at(struct hostile *hostile, uint64_t gpa, uint32_t size)
{
	struct bench *bench = hostile->bench;
	static uint8_t frame[GUEST_MAX_FRAME];
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;

	assert_int_equal(bench_enqueue(bench, 1, size), 1);
	engine_finish(&bench->engines[RX], ENGINE_ALL);
	if (rte_vhost_async_get_inflight(bench->vid, RX) > 0)
		assert_int_equal(bench_collect(bench, 1), 1);
	assert_int_equal(guest_used_length(bench->rx, 0), bench->rx->header_size + size);
	assert_int_equal(guest_tx_reap(bench->rx), 1);
	assert_int_equal(guest_memory_read(&bench->guest->memory, gpa + bench->rx->header_size,
					   frame, size), 0);
	assert_int_equal(guest_packet_check(frame, size, &stamp, &hash, &swapped), 0);
	assert_int_equal(stamp.sequence, bench->to.delivered);
	bench->to.delivered++;
	hostile_check(hostile);
}

/** The chain is dropped and comes back before the good ones. */
static void drop_to_guest(struct hostile *hostile, const struct hostile_counts *before,
			  unsigned int fates)
{
	struct bench *bench = hostile->bench;
	uint64_t count;

	if (bench->rx->free_count == 0)
		assert_int_equal(bench_enqueue(bench, 1, HOSTILE_FRAME), 0);
	bench->unused++;
	bench_receive(bench);
	hostile_post(hostile, 1);
	assert_int_equal(hostile_give(hostile, 1, HOSTILE_FRAME), 1);
	bench->unused = bench->rx->stats.bad_header;
	assert_int_equal(bench->rx->in_flight, 0);
	assert_true(hostile_fates(hostile, RX, before, &count) & fates);
	assert_int_equal(count, 1);
}

void hostile_drop(struct hostile *hostile, struct guest_queue *queue,
		  const struct guest_piece *pieces, uint32_t count, bool indirect,
		  unsigned int fates)
{
	struct bench *bench = hostile->bench;
	uint16_t index = queue == bench->tx ? TX : RX;
	struct hostile_counts before;
	unsigned int seen;
	uint64_t dropped;

	hostile_count(hostile, index, &before);
	hostile_offer(queue, pieces, count, indirect);
	if (index == RX) {
		drop_to_guest(hostile, &before, fates);
		return;
	}
	/* The good one is next to it where the ring has room for both. */
	if (queue->free_count == 0)
		assert_int_equal(hostile_take(hostile), 0);
	bench_send(bench, HOSTILE_FRAME, NULL);
	assert_int_equal(hostile_take(hostile), 1);
	seen = hostile_fates(hostile, index, &before, &dropped);
	if (dropped != 1 || (seen & ~fates))
		fail_msg("%lu dropped, fates 0x%x, not of 0x%x", (unsigned long)dropped, seen,
			 fates);
	assert_int_equal(queue->in_flight, 0);
}
