/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The data plane: bursts, channels, and what the engine does; where each packet is. */
#include <string.h>

#include <rtevhostswift.h>

#include "calls.h"

#define BURST 32

void setup_pools(void)
{
	bench.pool = rte_pktmbuf_pool_create("receive", 256, 16, 0, 2176, 0);
	bench.send_pool = rte_pktmbuf_pool_create("send", 256, 0, 0, 2176, 0);
	FUZZ_CHECK(bench.pool != NULL && bench.send_pool != NULL);
}

void give_back(void)
{
	while (bench.held_count > 0) {
		struct rte_mbuf *packet = bench.held[--bench.held_count];

		FUZZ_CHECK(packet->dynfield1[0] == LENT);
		packet->dynfield1[0] = 0;
		rte_pktmbuf_free(packet);
	}
}

/* Chains that were taken are with packets in the FIFO, or were used: none is of a ring before. */
static void check_chains(const struct rig_queue *queue)
{
	int64_t taken = (uint16_t)(queue->available - queue->used);

	if (!queue->has_ring || bench.is_moved || bench.depth > 0 || queue->pending < 0)
		return;
	if (queue->is_packed)
		taken = (queue->available & 0x7fff) - (queue->used & 0x7fff) +
			((queue->available ^ queue->used) & 0x8000 ? queue->size : 0);
	FUZZ_CHECK(taken == queue->pending);
}

/* Each packet is in the pool, with us, or with a device that knows how many it has. */
void check_accounts(void)
{
	uint64_t received = 0, sent = 0, held = 0;

	for (int vid = 0; vid < DEVICES; vid++) {
		struct rig_queue queue;

		for (int index = 0; rig_look(vid, index, &queue) && index < 8; index++) {
			FUZZ_CHECK(queue.engine <= queue.packets && queue.packets <= queue.entries);
			FUZZ_CHECK(queue.engine == (index < RIG_ENGINE_QUEUES ? queue.engine : 0));
			check_chains(&queue);
			note_state(vid, (unsigned int)index, &queue);
			if (index & 1)
				received += (uint64_t)queue.segments;
			else
				sent += (uint64_t)queue.segments;
		}
	}
	for (unsigned int index = 0; index < bench.held_count; index++)
		held += bench.held[index]->nb_segs;
	/* In the midst of a device's end packets are neither here nor there. */
	if (bench.depth > 0)
		return;
	FUZZ_CHECK(rte_mempool_in_use_count(bench.send_pool) == bench.send_before + sent);
	FUZZ_CHECK(rte_mempool_in_use_count(bench.pool) == bench.pool_before + held + received);
}

static void hold(struct rte_mbuf **packets, unsigned int count)
{
	for (unsigned int index = 0; index < count; index++) {
		FUZZ_CHECK(packets[index]->dynfield1[0] != LENT);
		FUZZ_CHECK(rte_mbuf_refcnt_read(packets[index]) == 1);
		packets[index]->dynfield1[0] = LENT;
		bench.held[bench.held_count++] = packets[index];
	}
}

/* What comes back of either direction. */
static void take_back(struct rte_mbuf **packets, unsigned int count)
{
	for (unsigned int index = 0; index < count; index++) {
		FUZZ_CHECK(packets[index] != NULL);
		if (packets[index]->pool == bench.pool) {
			hold(&packets[index], 1);
			continue;
		}
		FUZZ_CHECK(packets[index]->dynfield1[0] == LENT);
		packets[index]->dynfield1[0] = 0;
		rte_pktmbuf_free(packets[index]);
	}
}

static void receive(const struct record *record, bool is_async)
{
	struct rte_mbuf *packets[BURST] = { 0 };
	uint16_t wanted = record->d % (BURST + 1), count;
	struct rte_mempool *pool = record->c & 64 ? NULL : bench.pool;
	struct rte_mbuf **where = record->c & 128 ? NULL : packets;
	int inflight = 0;

	if (bench.held_count + BURST > 512)
		give_back();
	rig_choose_channel(chosen_queue(record), record->g);
	if (is_async)
		count = rig_dequeue(chosen_vid(record), chosen_queue(record), pool, where, wanted,
			record->c & 32 ? NULL : &inflight);
	else
		count = rte_vhost_dequeue_burst(chosen_vid(record), chosen_queue(record), pool,
			where, wanted);
	FUZZ_CHECK(count <= wanted && (count == 0 || where != NULL));
	hold(packets, count);
}

static unsigned int make_packets(struct rte_mbuf **packets, const struct record *record)
{
	unsigned int wanted = record->d % (BURST + 1);

	if (rte_pktmbuf_alloc_bulk(bench.send_pool, packets, wanted) != 0)
		return 0;
	for (unsigned int index = 0; index < wanted; index++) {
		uint16_t size = record->e % 2000;

		packets[index]->data_len = size;
		packets[index]->pkt_len = size;
		packets[index]->dynfield1[0] = LENT;
	}
	return wanted;
}

static void take_refused(struct rte_mbuf **packets, unsigned int from, unsigned int count)
{
	for (; from < count; from++) {
		packets[from]->dynfield1[0] = 0;
		rte_pktmbuf_free(packets[from]);
	}
}

static void send(const struct record *record, bool is_async)
{
	struct rte_mbuf *packets[BURST] = { 0 }, *completed[BURST] = { 0 };
	unsigned int count = make_packets(packets, record), taken;
	struct rte_mbuf **where = record->c & 128 ? NULL : packets;
	uint32_t done = 0;

	rig_choose_channel(chosen_queue(record), record->g);
	if (is_async) {
		taken = rig_submit(chosen_vid(record), chosen_queue(record), where, (uint16_t)count,
			record->c & 64 ? NULL : completed, record->c & 32 ? NULL : &done);
		FUZZ_CHECK(done <= count);
		take_back(completed, done);
	} else {
		taken = rte_vhost_enqueue_burst(chosen_vid(record), chosen_queue(record), where,
			(uint16_t)count);
		take_back(packets, taken);
	}
	FUZZ_CHECK(taken <= count && (taken == 0 || where != NULL));
	take_refused(packets, taken, count);
}

static void collect(const struct record *record, bool clears)
{
	struct rte_mbuf *packets[BURST] = { 0 };
	uint16_t wanted = record->d % (BURST + 1), count;
	struct rte_mbuf **where = record->c & 128 ? NULL : packets;

	if (bench.held_count + BURST > 512)
		give_back();
	rig_choose_channel(chosen_queue(record), record->g);
	if (clears)
		count = rig_clear(chosen_vid(record), chosen_queue(record), where, wanted);
	else
		count = rig_poll(chosen_vid(record), chosen_queue(record), where, wanted);
	FUZZ_CHECK(count <= wanted && (count == 0 || where != NULL));
	take_back(packets, count);
}

static void change_channel(const struct record *record, bool is_unsafe)
{
	const struct rig_channel channel = {
		.threshold = record->e, .features = record->d & 64 ? record->d & 3 : 1,
		.has_nothing = record->c & 64, .is_null = record->c & 128, .is_unsafe = is_unsafe,
	};
	uint16_t queue = chosen_queue(record);
	int vid = chosen_vid(record);

	/* One lane of the engine serves a queue index: of one device at a time. */
	for (int other = 0; other < DEVICES; other++) {
		struct rig_queue state;

		if (rig_has_own_engines && other != vid && rig_look(other, queue, &state) &&
		    state.registered)
			return;
	}
	if (rig_has_own_engines && (rig_is_draining(vid) || (queue < RIG_ENGINE_QUEUES &&
	    rig_engine_count(queue) > 0 && !(record->d & 128))))
		return;
	if (record->d & 128)
		(void)rig_unregister(vid, queue, is_unsafe);
	else
		(void)rig_register(vid, queue, &channel);
}

static void check_counts(const struct record *record)
{
	struct rig_queue state = { 0 };
	uint16_t queue = chosen_queue(record);
	int vid = chosen_vid(record), count = rte_vhost_async_get_inflight(vid, queue);
	struct rtevhostswift_vring_stats stats;

	if (rig_look(vid, queue, &state) && count >= 0)
		FUZZ_CHECK(state.registered && count == state.packets);
	if (rtevhostswift_vring_stats_get(vid, queue, record->c & 128 ? NULL : &stats,
		record->d % (sizeof(stats) + 1)) == 0)
		FUZZ_CHECK((record->c & 128) == 0);
}

void call_data(unsigned int code, const struct record *record)
{
	struct rig_engine_mode *mode = &rig_engine_modes[record->b % QUEUES];

	switch (code) {
	case 0: case 1:
		receive(record, false);
		break;
	case 2: case 3:
		receive(record, true);
		break;
	case 4:
		send(record, false);
		break;
	case 5: case 6:
		send(record, true);
		break;
	case 7: case 8:
		collect(record, code == 8);
		break;
	case 9: case 10:
		change_channel(record, code == 10);
		break;
	case 11:
		mode->accept = record->a % RIG_ANSWERS;
		mode->report = record->c % RIG_ANSWERS;
		mode->limit = record->d % 40;
		mode->copies_at_once = record->e & 1;
		mode->copies_when_asked = record->e & 2;
		mode->fails = record->e & 4 ? record->g & 15 : 0;
		rig_engine_disturb(record->e >> 8);
		break;
	case 12:
		rig_engine_work(record->b % QUEUES, record->c);
		break;
	case 13:
		check_counts(record);
		break;
	case 14:
		rig_call_release(chosen_vid(record), chosen_queue(record), chosen_path(record),
			record);
		break;
	default:
		give_back();
		break;
	}
}
