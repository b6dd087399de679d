/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* One record of the input: what guest, frontend, engine or application do next. */
#include <string.h>
#include <unistd.h>

#include "rings.h"

#define LENT 0x7e57ed

/* All of guest memory is as the model says; under an engine chains that are offered may differ. */
static void check_memory(bool is_exact)
{
	if (model.is_wild || memcmp(model.expected, model.memory, MEMORY) == 0)
		return;
	for (uint32_t at = 0; at < MEMORY; at++) {
		if (model.expected[at] == model.memory[at] ||
		    (!is_exact && model.allowed.bytes[at]))
			continue;
		fuzz_fail("byte 0x%x of guest memory is 0x%02x, not 0x%02x", at, model.memory[at],
			model.expected[at]);
	}
}

static void give_back(unsigned int keep)
{
	while (model.held_count > keep) {
		struct rte_mbuf *packet = model.held[--model.held_count];

		for (struct rte_mbuf *segment = packet; segment != NULL; segment = segment->next) {
			FUZZ_CHECK(segment->dynfield1[0] == LENT);
			segment->dynfield1[0] = 0;
		}
		rte_pktmbuf_free(packet);
	}
}

/* A queue that works takes what is offered, good or bad: the pool is full, no engine is asked. */
static void check_progress(const struct queue *queue)
{
	uint16_t end, flags, slot = (uint16_t)queue->before.available & 0x7fff;

	if (!queue->before.is_running || queue->before.is_broken || queue->after.is_broken ||
	    queue->before.entries > 0 || model.settings.is_translated ||
	    queue->before.available != queue->after.available)
		return;
	if (model.settings.is_packed) {
		memcpy(&flags, model.before + queue->descriptors + 16U * slot + 14, 2);
		FUZZ_CHECK((flags & 0x8080) !=
			(queue->before.available & 0x8000 ? 0x0080 : 0x8000));
		return;
	}
	memcpy(&end, model.before + queue->available + 2, 2);
	FUZZ_CHECK(end == (uint16_t)queue->before.available);
}

static void dequeue(const struct record *record, bool is_async)
{
	struct rte_mbuf *packets[BURST] = { 0 };
	uint16_t wanted = record->b % (BURST + 1), count;
	struct queue *queue = &model.queues[1];
	int inflight = 0;
	bool is_full;

	if (model.held_count + wanted > 900 || (record->c & 1))
		give_back(0);
	rig_choose_channel(1, record->e & 0xf7);
	is_full = rte_mempool_avail_count(model.pool) == model.pool->size;
	before_call(false);
	if (is_async)
		count = rig_dequeue(model.link.vid, 1, model.pool, packets, wanted, &inflight);
	else
		count = rte_vhost_dequeue_burst(model.link.vid, 1, model.pool, packets, wanted);
	FUZZ_CHECK(count <= wanted);
	after_call(2);
	check_memory(true);
	if (!is_async && is_full && wanted > (queue->before.rarp && !queue->after.rarp))
		check_progress(queue);
	if (is_async && inflight >= 0)
		FUZZ_CHECK(inflight == queue->after.packets);
	check_received(packets, count, queue->before.rarp && !queue->after.rarp);
}

/* Packets of `size` bytes in `segments` mbufs each. */
static unsigned int make_packets(struct rte_mbuf **packets, const struct record *record)
{
	unsigned int wanted = record->b % (BURST + 1), count;
	unsigned int segments = 1 + (record->c & 3);
	uint32_t size = record->d % (record->c & 128 ? 8192 : 300);

	for (count = 0; count < wanted; count++) {
		struct rte_mbuf *head = NULL;

		for (unsigned int index = 0; index < segments; index++) {
			struct rte_mbuf *segment = rte_pktmbuf_alloc(model.send_pool);
			uint32_t bytes = size / segments;

			if (segment == NULL) {
				rte_pktmbuf_free(head);
				return count;
			}
			if (bytes > 2048)
				bytes = 2048;
			segment->data_len = segment->pkt_len = (uint16_t)bytes;
			memset(rte_pktmbuf_mtod(segment, void *), (int)(record->e + count + index),
				bytes);
			segment->dynfield1[0] = 0;
			if (head == NULL)
				head = segment;
			else
				FUZZ_CHECK(rte_pktmbuf_chain(head, segment) == 0);
		}
		if (record->c & 64) {
			/* All but what says where the data is. */
			head->ol_flags = (uint64_t)(record->g & 0x9fffffff) << 32;
			head->tx_offload = record->f;
		}
		head->dynfield1[0] = LENT;
		packets[count] = head;
	}
	return count;
}

static void enqueue(const struct record *record, bool is_async)
{
	struct rte_mbuf *packets[BURST] = { 0 }, *completed[BURST] = { 0 };
	unsigned int count = make_packets(packets, record), taken;
	uint32_t done = 0;

	rig_choose_channel(0, record->e & 0xf7);
	before_call(true);
	if (is_async)
		taken = rig_submit(model.link.vid, 0, packets, (uint16_t)count, completed, &done);
	else
		taken = rte_vhost_enqueue_burst(model.link.vid, 0, packets, (uint16_t)count);
	FUZZ_CHECK(taken <= count && done <= count);
	after_call(1);
	note_scribbles();
	for (unsigned int index = taken; index < count; index++) {
		packets[index]->dynfield1[0] = 0;
		rte_pktmbuf_free(packets[index]);
	}
	if (is_async)
		check_sent(completed, done, false);
	else
		check_sent(packets, taken, true);
	check_memory(!is_async);
}

static void collect(const struct record *record)
{
	struct rte_mbuf *packets[BURST] = { 0 };
	uint16_t wanted = record->b % (BURST + 1);
	uint16_t index = record->c & 1, count;

	if (model.held_count > 900)
		give_back(0);
	before_call(false);
	rig_choose_channel(index, record->e & 0xf7);
	if (record->c & 2)
		count = rig_clear(model.link.vid, index, packets, wanted);
	else
		count = rig_poll(model.link.vid, index, packets, wanted);
	after_call(0);
	check_memory(true);
	if (index == 0)
		check_sent(packets, count, false);
	else
		check_received(packets, count, false);
}

static void change_engine(const struct record *record)
{
	struct rig_engine_mode *mode = &rig_engine_modes[record->a & 1];

	mode->accept = record->b % RIG_ANSWERS;
	mode->report = record->c % RIG_ANSWERS;
	mode->limit = record->d % 70;
	mode->copies_at_once = record->e & 1;
	mode->copies_when_asked = record->e & 2;
	mode->fails = record->e & 4 ? record->g & 15 : 0;
	rig_engine_disturb(record->e >> 8);
}

/* What a frontend says may stop rings and start them again. */
static void message(const struct record *record)
{
	uint32_t state[2] = { record->a & 1, record->c & 1 };
	uint64_t features = model.settings.features;
	uint64_t number = record->g;
	bool was_off;

	before_call(false);
	switch (record->b % 8) {
	case 0:
		(void)send_regions(record->d % 64);
		break;
	case 1:
		(void)rig_ask(&model.link, GUEST_GET_VRING_BASE, state, 8, NULL, 0);
		break;
	case 2:
		setup_queue(record->a & 1);
		break;
	case 3:
		(void)rig_ask(&model.link, GUEST_SET_VRING_ENABLE, state, 8, NULL, 0);
		break;
	case 4:
		(void)rig_ask(&model.link, GUEST_SEND_RARP, &number, 8, NULL, 0);
		break;
	case 5:
		if (model.settings.is_translated)
			send_translation(record->d % PAGES, record->c & 3);
		break;
	case 6:
		features ^= record->c & 1 ? GUEST_BIT(GUEST_F_LOG_ALL) : 0;
		was_off = model.settings.is_log_off;
		if (model.settings.logs &&
		    rig_ask(&model.link, GUEST_SET_FEATURES, &features, 8, NULL, 0))
			model.settings.is_log_off = features != model.settings.features;
		/* What is written before the answer is not asked for. */
		model.log_begins = was_off && !model.settings.is_log_off;
		break;
	default:
		/* What takes back all that was agreed is for fuzz/calls and fuzz/messages. */
		if (record->c == GUEST_RESET_OWNER || record->c == GUEST_RESET_DEVICE)
			break;
		(void)rig_ask(&model.link, record->c, &record->d, record->e & 7 ? 8 : 0, NULL, 0);
		break;
	}
	after_call(4);
	check_memory(true);
}

/* Calls that look at a queue, or change how it is told. */
static void look(const struct record *record)
{
	struct rte_vhost_vring ring;
	uint16_t queue = record->a & 1;
	int vid = model.link.vid;

	before_call(false);
	switch (record->b % 6) {
	case 0:
		(void)rte_vhost_enable_guest_notification(vid, queue, record->c & 1);
		break;
	case 1:
		(void)rte_vhost_avail_entries(vid, queue);
		break;
	case 2:
		(void)rte_vhost_rx_queue_count(vid, queue);
		break;
	case 3:
		(void)rte_vhost_vring_call(vid, queue);
		break;
	case 4:
		(void)rte_vhost_get_vhost_vring(vid, queue, &ring);
		break;
	default:
		(void)rte_vhost_async_get_inflight(vid, queue);
		break;
	}
	after_call(4);
	check_memory(true);
}

static void change_channel(const struct record *record)
{
	const struct rig_channel channel = {
		.threshold = record->d % 300,
		.features = 1 | (model.settings.is_relaxed ? 2 : 0),
	};
	uint16_t queue = record->a & 1;

	before_call(false);
	if (record->b & 1)
		(void)rig_unregister(model.link.vid, queue, false);
	else
		(void)rig_register(model.link.vid, queue, &channel);
	after_call(0);
	check_memory(true);
}

void perform(const struct record *record)
{
	model.tick++;
	trace(record);
	switch (record->code % OPERATIONS) {
	case 0: case 1: case 2: case 3: case 4: case 5:
		guest_offer(record);
		break;
	case 6: case 7:
		guest_poke(record);
		break;
	case 8:
		guest_index(record);
		break;
	case 9: case 10:
		dequeue(record, false);
		break;
	case 11: case 12:
		dequeue(record, true);
		break;
	case 13: case 14:
		enqueue(record, false);
		break;
	case 15: case 16:
		enqueue(record, true);
		break;
	case 17:
		collect(record);
		break;
	case 18:
		change_engine(record);
		break;
	case 19:
		rig_engine_work(record->a & 1, record->b);
		break;
	case 20:
		message(record);
		break;
	case 21:
		look(record);
		break;
	case 22:
		change_channel(record);
		break;
	default:
		give_back(record->b);
		break;
	}
	check_accounts();
}

/* An engine that is well again: everything comes back, whatever state the ring is in. */
static void recover(void)
{
	/* The frontend was dropped. */
	if (rig_is_draining(model.link.vid))
		return;
	/* A queue's packets may be with any of them. */
	for (unsigned int index = 0; index < RIG_ENGINE_QUEUES; index++)
		rig_engine_modes[index] = (struct rig_engine_mode){ .copies_when_asked = true };
	for (unsigned int index = 0; index < 2; index++) {
		struct record record = { .b = BURST, .c = (uint8_t)(2 | index), .e = 0xf0 };
		struct rig_queue state = { 0 };

		for (unsigned int round = 0; round < 8 + MAX_RING / BURST; round++) {
			rig_engine_wait();
			collect(&record);
			give_back(0);
		}
		(void)rig_look(model.link.vid, (int)index, &state);
		FUZZ_CHECK(state.entries == 0 && state.packets == 0 && state.engine == 0);
		check_accounts();
	}
}

void close_device(void)
{
	bool is_early = model.settings.closes_early;

	give_back(0);
	if (!is_early)
		recover();
	for (unsigned int queue = 0; queue < RIG_ENGINE_QUEUES; queue++) {
		if (!is_early)
			rig_engine_work(queue, UINT32_MAX);
		rig_engine_modes[queue].report = is_early ? RIG_NONE : RIG_ALL;
	}
	rig_hang_up(&model.link);
	rig_settle();
	/* Memory and packets stay for as long as the engine works on them. */
	for (unsigned int queue = 0; queue < RIG_ENGINE_QUEUES; queue++) {
		FUZZ_CHECK(rig_engine_count(queue) == 0 || rig_is_draining(model.link.vid));
		rig_engine_work(queue, UINT32_MAX);
		rig_engine_modes[queue].report = RIG_ALL;
	}
	for (unsigned int round = 0; round < 4; round++) {
		rig_settle();
		rig_engine_wait();
	}
	FUZZ_CHECK(!rig_is_draining(model.link.vid));
	FUZZ_CHECK(rig_mappings() == model.mappings_before);
	FUZZ_CHECK(rte_mempool_in_use_count(model.pool) == model.pool_before);
	FUZZ_CHECK(rte_mempool_in_use_count(model.send_pool) == model.send_before);
	rig_engine_reset();
}
