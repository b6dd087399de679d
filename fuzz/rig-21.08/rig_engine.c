/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* A DMA engine whose pace and answers the input decides. It keeps copies of what it is given. */
#include <string.h>

#include "rig.h"
#include "rig_operations.h"

#define PACKETS 1024
#define PIECES 16384

struct piece {
	const void *from;
	void *to;
	size_t size;
};

struct packet {
	unsigned int piece;	/* The first, modulo PIECES. */
	unsigned int count;
};

static struct lane {
	struct packet packets[PACKETS];
	struct piece pieces[PIECES];
	unsigned int head, copied, tail;	/* Of packets; free-running. */
	unsigned int piece_tail;
} lanes[RIG_ENGINE_QUEUES];

struct rig_engine_mode rig_engine_modes[RIG_ENGINE_QUEUES];
struct rig_engine_watch rig_engine_watch;

void rig_engine_reset(void)
{
	for (unsigned int queue = 0; queue < RIG_ENGINE_QUEUES; queue++) {
		FUZZ_CHECK(lanes[queue].head == lanes[queue].tail);
		rig_engine_modes[queue] = (struct rig_engine_mode){ .copies_at_once = true };
	}
}

unsigned int rig_engine_count(unsigned int queue)
{
	return lanes[queue].tail - lanes[queue].head;
}

void rig_engine_work(unsigned int queue, unsigned int limit)
{
	struct lane *lane = &lanes[queue];

	for (; limit > 0 && lane->copied != lane->tail; limit--, lane->copied++) {
		const struct packet *packet = &lane->packets[lane->copied % PACKETS];

		for (unsigned int index = 0; index < packet->count; index++) {
			const struct piece *piece = &lane->pieces[(packet->piece + index) % PIECES];

			/* Who unmapped or freed one of both sides meets a guard page, or ASAN. */
			memmove(piece->to, piece->from, piece->size);
			if (rig_engine_watch.copied != NULL)
				rig_engine_watch.copied(queue, piece->from, piece->to, piece->size);
		}
	}
}

/* Takes one packet: both sides have the same pieces, which add up to what the iterators say. */
static void take(unsigned int queue, const struct rte_vhost_async_desc *descriptor)
{
	struct lane *lane = &lanes[queue];
	struct packet *packet = &lane->packets[lane->tail % PACKETS];
	size_t total = 0;

	FUZZ_CHECK(lane->tail - lane->head < PACKETS);
	FUZZ_CHECK(descriptor->src->nr_segs == descriptor->dst->nr_segs);
	FUZZ_CHECK(descriptor->src->nr_segs > 0);
	packet->piece = lane->piece_tail;
	packet->count = (unsigned int)descriptor->src->nr_segs;
	for (unsigned int index = 0; index < packet->count; index++) {
		const struct iovec *from = &descriptor->src->iov[index];
		const struct iovec *to = &descriptor->dst->iov[index];

		FUZZ_CHECK(from->iov_len == to->iov_len && from->iov_len > 0);
		if (rig_engine_watch.given != NULL)
			rig_engine_watch.given(queue, from->iov_base, to->iov_base, from->iov_len);
		lane->pieces[lane->piece_tail++ % PIECES] = (struct piece){
			.from = from->iov_base, .to = to->iov_base, .size = from->iov_len,
		};
		total += from->iov_len;
	}
	FUZZ_CHECK(total == descriptor->src->count && total == descriptor->dst->count);
	lane->tail++;
}

static int answer(enum rig_answer kind, unsigned int limit, unsigned int asked, unsigned int have)
{
	switch (kind) {
	case RIG_SOME:
		return (int)(have < limit ? have : limit);
	case RIG_NONE:
		return 0;
	case RIG_NEGATIVE:
		return limit == 0 ? -1 : INT32_MIN;
	case RIG_TOO_MANY:
		return (int)(asked + 1 + limit);
	default:
		return (int)have;
	}
}

static int32_t transfer(int vid, uint16_t queue, struct rte_vhost_async_desc *descriptors,
	struct rte_vhost_async_status *opaque, uint16_t count)
{
	const struct rig_engine_mode *mode = &rig_engine_modes[queue % RIG_ENGINE_QUEUES];
	int given, taken;

	(void)vid;
	(void)opaque;
	FUZZ_CHECK(queue < RIG_ENGINE_QUEUES && count > 0);
	given = answer(mode->accept, mode->limit, count, count);
	taken = given < 0 ? 0 : given > count ? count : given;
	for (int index = 0; index < taken; index++)
		take(queue, &descriptors[index]);
	if (mode->copies_at_once)
		rig_engine_work(queue, PACKETS);
	return given;
}

static int32_t check(int vid, uint16_t queue, struct rte_vhost_async_status *opaque, uint16_t limit)
{
	const struct rig_engine_mode *mode = &rig_engine_modes[queue % RIG_ENGINE_QUEUES];
	struct lane *lane = &lanes[queue % RIG_ENGINE_QUEUES];
	unsigned int done;
	int given;

	(void)vid;
	(void)opaque;
	FUZZ_CHECK(queue < RIG_ENGINE_QUEUES);
	/* Nobody asks for more than is there. */
	FUZZ_CHECK(limit <= lane->tail - lane->head);
	/* An engine that claims more than was asked for must have done what it is believed. */
	if (mode->copies_when_asked || mode->report == RIG_TOO_MANY)
		rig_engine_work(queue, PACKETS);
	done = lane->copied - lane->head;
	given = answer(mode->report, mode->limit, limit, done < limit ? done : limit);
	if (given > 0)
		lane->head += (unsigned int)given < limit ? (unsigned int)given : limit;
	FUZZ_CHECK(lane->copied - lane->head <= PACKETS);
	return given;
}

struct rte_vhost_async_channel_ops rig_engine_operations = {
	.transfer_data = transfer,
	.check_completed_copies = check,
};

void rig_engine_setup(void)
{
}

void rig_engine_disturb(unsigned int choice)
{
	(void)choice;
}

void rig_engine_wait(void)
{
}

bool rig_engine_has_failed(unsigned int queue)
{
	(void)queue;
	return false;
}

void rig_engine_forgive(unsigned int queue)
{
	(void)queue;
}
