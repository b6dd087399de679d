/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Packets: those from the guest come as they lay in its memory, those to it lie there. */
#include <string.h>

#include "rings.h"

#define LENT 0x7e57ed
#define ANYWHERE (UINT32_MAX - 1)
/* An IP packet of 65,535 bytes behind an Ethernet header with two VLAN tags. */
#define LONGEST 65557

static uint32_t keep_pieces(const struct chain *chain)
{
	uint32_t first = model.list_tail;

	for (uint32_t index = 0; index < chain->count; index++)
		model.list[(first + index) % LIST] = chain->pieces[index];
	model.list_tail += chain->count;
	return first;
}

/* Whether a packet that long is taken, by the driver's flags and the pool. */
static enum verdict fits(uint64_t size)
{
	uint32_t capacity = rte_pktmbuf_data_room_size(model.pool) - RTE_PKTMBUF_HEADROOM;

	if (size <= capacity || (model.settings.flags & RTE_VHOST_USER_EXTBUF_SUPPORT))
		return CHAIN_GOOD;
	if (model.settings.flags & RTE_VHOST_USER_LINEARBUF_SUPPORT)
		return CHAIN_BAD;
	/* A pool that is about as large as the packet may give it or not. */
	return size / capacity + 1 < model.pool->size ? CHAIN_GOOD : CHAIN_UNSURE;
}

void note_taken(struct queue *queue, const struct chain *chain)
{
	uint64_t header = (uint64_t)queue->before.header;
	uint32_t first = keep_pieces(chain);
	struct taken *taken = &queue->taken[queue->taken_tail++ % TAKEN];
	enum verdict verdict = chain->verdict;

	*taken = (struct taken){
		.id = chain->id, .slots = chain->slots, .total = chain->total,
		.tick = model.tick, .first_piece = first, .count = chain->count,
	};
	/* A receive chain that was taken translates as far as its packet is long. */
	if (verdict == CHAIN_MISSING || verdict == CHAIN_UNSURE)
		taken->total = UINT64_MAX;
	if (queue->index == 0) {
		for (uint32_t index = 0; index < chain->count; index++) {
			const struct piece *piece = &chain->pieces[index];

			for (uint32_t at = piece->start; at < piece->start + piece->size; at++) {
				if (model.owner[at] > model.owner_floor) {
					model.owner[at] = UINT64_MAX;
					model.has_shared = true;
				} else {
					model.owner[at] = model.tick;
				}
				model.stamp[at] = model.tick;
			}
		}
		return;
	}
	FUZZ_CHECK(model.is_wild || verdict != CHAIN_MISSING);
	if (verdict == CHAIN_GOOD && (chain->total <= header || chain->total > header + LONGEST))
		verdict = CHAIN_BAD;
	if (verdict == CHAIN_GOOD)
		verdict = fits(chain->total - header);
	if (verdict != CHAIN_GOOD && verdict != CHAIN_BAD)
		model.is_unsure = true;
	if (verdict != CHAIN_GOOD)
		return;
	queue->expected[queue->expected_tail++ % TAKEN] = (struct expected){
		.size = (uint32_t)(chain->total - header), .tick = model.tick,
		.first_piece = first, .count = chain->count, .is_known = !model.is_wild,
	};
}

/*
 * True for a byte that is since `tick` what it was: neither guest nor engine wrote there, and it
 * is part of no ring, in which the library writes as it has to.
 */
static bool is_steady(uint32_t at, uint64_t tick)
{
	return model.stamp[at] <= tick && !is_in_ring(&model.queues[0], at, 1) &&
		!is_in_ring(&model.queues[1], at, 1);
}

/* A byte of a packet at `offset`, walking along its mbufs. */
struct cursor {
	const struct rte_mbuf *segment;
	uint32_t offset;
};

static uint8_t next_byte(struct cursor *cursor)
{
	while (cursor->offset == cursor->segment->data_len) {
		cursor->segment = cursor->segment->next;
		cursor->offset = 0;
		FUZZ_CHECK(cursor->segment != NULL);
	}
	return rte_pktmbuf_mtod(cursor->segment, const uint8_t *)[cursor->offset++];
}

/* Where the library may write a checksum that the guest's header asks for, or UINT32_MAX. */
static uint32_t checksum_field(const struct expected *expected)
{
	uint8_t header[10] = { 0 };
	uint32_t done = 0;

	if ((model.settings.flags & RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS) == 0)
		return UINT32_MAX;
	for (uint32_t index = 0; index < expected->count; index++) {
		const struct piece *piece = &model.list[(expected->first_piece + index) % LIST];

		for (uint32_t at = 0; at < piece->size && done < 10; at++) {
			/* A header that was changed meanwhile says nothing. */
			if (!is_steady(piece->start + at, expected->tick))
				return ANYWHERE;
			header[done++] = model.before[piece->start + at];
		}
	}
	return header[0] & 1 ? (uint32_t)(header[6] | header[7] << 8) +
		(uint32_t)(header[8] | header[9] << 8) : UINT32_MAX;
}

static void compare_received(const struct rte_mbuf *packet, const struct expected *expected)
{
	const struct queue *queue = &model.queues[1];
	uint32_t skip = (uint32_t)queue->before.header, left = expected->size;
	struct cursor cursor = { .segment = packet };
	uint32_t field = checksum_field(expected);

	FUZZ_CHECK(packet->pkt_len == expected->size);
	for (uint32_t index = 0; index < expected->count && left > 0; index++) {
		const struct piece *piece = &model.list[(expected->first_piece + index) % LIST];

		if (skip >= piece->size) {
			skip -= piece->size;
			continue;
		}
		for (uint32_t at = piece->start + skip; at < piece->start + piece->size; at++) {
			uint8_t byte = next_byte(&cursor);
			uint32_t offset = expected->size - left--;

			if (offset - field < 2 || field == ANYWHERE)
				continue;
			/* Whoever writes into packets meanwhile gets what he wrote. */
			FUZZ_CHECK(byte == model.before[at] || !is_steady(at, expected->tick));
		}
		skip = 0;
	}
}

static void hold(struct rte_mbuf *packet)
{
	uint32_t bytes = 0;
	unsigned int segments = 0;

	for (struct rte_mbuf *segment = packet; segment != NULL; segment = segment->next) {
		FUZZ_CHECK(segment->pool == model.pool && rte_mbuf_refcnt_read(segment) == 1);
		FUZZ_CHECK(segment->data_off + segment->data_len <= segment->buf_len);
		FUZZ_CHECK(segment->dynfield1[0] != LENT);
		segment->dynfield1[0] = LENT;
		bytes += segment->data_len;
		segments++;
	}
	FUZZ_CHECK(bytes == packet->pkt_len && segments == packet->nb_segs);
	FUZZ_CHECK(model.held_count < 1024);
	model.held[model.held_count++] = packet;
}

void check_received(struct rte_mbuf **packets, unsigned int count, bool has_announcement)
{
	struct queue *queue = &model.queues[1];

	/* A packet that the engine failed to copy does not come. */
	if (rig_engine_has_failed(1))
		model.is_unsure = true;
	for (unsigned int index = 0; index < count; index++) {
		struct rte_mbuf *packet = packets[index];

		FUZZ_CHECK(packet != NULL);
		hold(packet);
		if (index == 0 && has_announcement)
			continue;
		if (model.is_unsure || model.is_wild || model.settings.is_relaxed)
			continue;
		FUZZ_CHECK(queue->expected_head != queue->expected_tail);
		compare_received(packet, &queue->expected[queue->expected_head++ % TAKEN]);
	}
	if (queue->after.packets == 0) {
		/* None may be missing, but of a ring that is gone with its connection. */
		FUZZ_CHECK(model.is_unsure || model.is_wild || model.settings.is_relaxed ||
			!queue->after.has_ring ||
			queue->expected_head == queue->expected_tail);
		model.is_unsure = false;
		rig_engine_forgive(1);
		queue->expected_head = queue->expected_tail;
	}
}

/* One used chain of a packet to the guest: its bytes, and those of the packet from `cursor` on. */
static void place(const struct rte_mbuf *packet, const struct taken *taken, uint32_t length,
	uint32_t *done, struct cursor *cursor, bool is_now)
{
	uint32_t header = (uint32_t)model.queues[0].before.header, left = length;
	bool is_plain = packet->ol_flags == 0;

	for (uint32_t index = 0; index < taken->count && left > 0; index++) {
		const struct piece *piece = &model.list[(taken->first_piece + index) % LIST];
		uint32_t count = piece->size < left ? piece->size : left;

		for (uint32_t at = piece->start; at < piece->start + count; at++, ++*done) {
			uint8_t byte = 0;

			if (*done >= header)
				byte = next_byte(cursor);
			/* Offloads and num_buffers are other tests' business. */
			if (*done < header && (!is_plain || *done >= 10))
				byte = model.memory[at];
			if (is_now)
				model.expected[at] = byte;
			/* Whoever offers bytes twice, or writes them meanwhile, gets anything. */
			else if (model.owner[at] != UINT64_MAX)
				FUZZ_CHECK(byte == model.memory[at] ||
					!is_steady(at, taken->tick));
		}
		left -= count;
	}
	FUZZ_CHECK(left == 0 || taken->total == UINT64_MAX);
}

static void match_sent(const struct rte_mbuf *packet, bool is_now)
{
	struct queue *queue = &model.queues[0];
	uint32_t size = packet->pkt_len + (uint32_t)queue->before.header, done = 0;
	struct cursor cursor = { .segment = packet };
	unsigned int chains = 0;

	while (done < size) {
		uint32_t before = done, length;

		FUZZ_CHECK(queue->done_head != queue->done_tail);
		length = queue->done_length[queue->done_head % TAKEN];
		FUZZ_CHECK(length <= size - done);
		place(packet, &queue->done[queue->done_head++ % TAKEN], length, &done, &cursor,
			is_now);
		/* What was not followed has no bytes that could be compared. */
		if (done != before + length) {
			model.is_wild = true;
			return;
		}
		chains++;
	}
	FUZZ_CHECK(chains == 1 || model.settings.is_mergeable);
}

void check_sent(struct rte_mbuf **packets, unsigned int count, bool is_now)
{
	struct queue *queue = &model.queues[0];
	/* A packet that the engine failed to copy arrives with length 0. */
	bool has_failed = rig_engine_has_failed(0);

	for (unsigned int index = 0; index < count; index++) {
		FUZZ_CHECK(packets[index] != NULL);
		FUZZ_CHECK(packets[index]->dynfield1[0] == LENT);
		packets[index]->dynfield1[0] = 0;
		if (!model.is_wild && !has_failed && (is_now || !model.settings.is_relaxed))
			match_sent(packets[index], is_now);
		rte_pktmbuf_free(packets[index]);
	}
	if (queue->after.entries == 0) {
		model.owner_floor = ++model.tick;
		if (model.has_shared)
			memset(model.owner, 0, sizeof(model.owner));
		model.has_shared = false;
		rig_engine_forgive(0);
	}
	if (model.is_wild || model.settings.is_relaxed || queue->after.packets == 0)
		queue->done_head = queue->done_tail;
}

void check_accounts(void)
{
	struct rig_queue queues[2] = { 0 };
	uint64_t held = 0;

	for (unsigned int index = 0; index < model.held_count; index++)
		held += model.held[index]->nb_segs;
	(void)rig_look(model.link.vid, 0, &queues[0]);
	(void)rig_look(model.link.vid, 1, &queues[1]);
	FUZZ_CHECK(rte_mempool_in_use_count(model.pool) ==
		model.pool_before + held + (uint64_t)queues[1].segments);
	FUZZ_CHECK(rte_mempool_in_use_count(model.send_pool) ==
		model.send_before + (uint64_t)queues[0].segments);
}
