/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A ring that ends, and begins as another one while packets of the first wait, runs no code that a
 * ring of its own would not: by its edges an input that comes there is nothing new. So libFuzzer is
 * told what changed under packets that wait, and what became of them.
 */
#include <string.h>

#include "calls.h"

/* libFuzzer finds this section by its name, and clears it before each input. */
static uint8_t counters[4096] __attribute__((section("__libfuzzer_extra_counters"), used));

/* A queue as it ran last. */
static struct seen {
	struct rig_queue ring;
	unsigned int changes;	/* While packets wait that are of a ring before. */
	int64_t carried;	/* So many did when it changed last. */
} seen[DEVICES][QUEUES];

void begin_states(void)
{
	memset(seen, 0, sizeof(seen));
}

/* Six bits. */
static unsigned int changes_between(const struct rig_queue *from, const struct rig_queue *to)
{
	return (to->size < from->size) | (to->size > from->size) << 1 |
		(to->is_packed != from->is_packed) << 2 |
		(to->is_translated != from->is_translated) << 3 | (to->logs != from->logs) << 4 |
		(to->header != from->header) << 5;
}

/* Three bits: the packets that wait, beside the ring's slots and those that waited at first. */
static unsigned int waiting(const struct rig_queue *now, int64_t carried)
{
	if (now->packets == 0)
		return 0;
	if (now->packets > now->size)
		return now->packets < carried ? 1 : 2;
	return now->packets < carried ? 3 : now->packets == carried ? 4 : 5;
}

void note_state(int vid, unsigned int index, const struct rig_queue *now)
{
	struct seen *queue;
	unsigned int changes;

	if (index >= QUEUES || !now->has_ring)
		return;
	queue = &seen[vid][index];
	changes = queue->ring.has_ring ? changes_between(&queue->ring, now) : 0;
	if (changes != 0 && now->packets > 0) {
		queue->changes |= changes;
		queue->carried = now->packets;
	}
	queue->ring = *now;
	if (queue->changes == 0)
		return;
	counters[queue->changes << 6 | waiting(now, queue->carried) << 3 |
		(unsigned int)(now->is_packed << 2 | (now->engine > 0) << 1) | (index & 1)] = 1;
	if (now->packets == 0)
		queue->changes = 0;
}
