/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What an input begins and ends with, and which call a record is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"

struct bench bench;

struct rig_link *chosen_link(const struct record *record)
{
	return &bench.links[record->a % LINKS];
}

int chosen_vid(const struct record *record)
{
	static const int others[8] = { -1, 5, 1023, 1024, INT32_MAX, INT32_MIN, 0, 1 };

	return record->a >= 240 ? others[record->a & 7] : chosen_link(record)->vid;
}

uint16_t chosen_queue(const struct record *record)
{
	static const uint16_t others[8] = { 4, 5, 255, 256, 257, 0x7fff, 0x8000, 0xffff };

	return record->b >= 240 ? others[record->b & 7] : record->b % QUEUES;
}

int run_program(enum callback callback)
{
	const struct record *program = &bench.programs[callback];

	if (program->code != 0xff && bench.depth < 2) {
		bench.depth++;
		perform(program);
		bench.depth--;
	}
	return bench.answers[callback];
}

static void trace(const struct record *record)
{
	struct rig_queue queue[2] = { 0 };

	if (getenv("RIG_LOG") == NULL)
		return;
	for (int index = 0; index < 2; index++)
		(void)rig_look(chosen_vid(record), index, &queue[index]);
	fprintf(stderr, "%*scode %u a %u b %u c %u d %u e %u f 0x%x g 0x%x; size %ld available %ld "
		"packets %ld, size %ld available %ld packets %ld\n", (int)bench.depth * 4, "",
		record->code % OPERATIONS, record->a, record->b, record->c, record->d, record->e,
		record->f, record->g, (long)queue[0].size, (long)queue[0].available,
		(long)queue[0].packets, (long)queue[1].size, (long)queue[1].available,
		(long)queue[1].packets);
}

void perform(const struct record *record)
{
	unsigned int code = record->code % OPERATIONS;

	trace(record);
	if (code < DATA_CALLS)
		call_data(code, record);
	else if (code < DATA_CALLS + WIRE_CALLS)
		call_wire(code - DATA_CALLS, record);
	else if (code < DATA_CALLS + WIRE_CALLS + DEVICE_CALLS)
		call_device(code - DATA_CALLS - WIRE_CALLS, record);
	else if (code < OPERATIONS - DRIVER_CALLS)
		restart(chosen_link(record), record);
	else
		call_driver(code - (OPERATIONS - DRIVER_CALLS), record);
	check_accounts();
}

/* Buffers, an engine, and packets that wait: with it, or because nobody fetches them. */
static void begin_packets(unsigned int link, const uint8_t *head)
{
	for (uint8_t queue = 0; queue < 2; queue++) {
		struct record record = { .a = (uint8_t)link, .b = queue, .e = 1600, .g = 0xf0 };
		const struct record channel = { .a = record.a, .b = queue, .e = head[9] };

		for (unsigned int count = 0; count < head[10] % (RING + 1); count++) {
			record.d = (uint16_t)(count * 64);
			offer(&bench.links[link], &record);
		}
		call_data(9, &channel);
		rig_engine_modes[queue].report = RIG_NONE;
		record.d = head[11] % (RING + 1);
		record.e = 200;
		if (record.d > 0)
			call_data(queue == 0 ? 5 : 2, &record);
		if ((head[12] >> queue & 1) == 0)
			rig_engine_modes[queue].report = RIG_ALL;
	}
}

/* A device for each of the first bits of the head: most inputs want some to work with. */
static void begin(const uint8_t *head)
{
	memset(bench.answers, 0, sizeof(bench.answers));
	memset(bench.programs, 0xff, sizeof(bench.programs));
	bench.depth = 0;
	bench.is_moved = false;
	begin_states();
	bench.pool_before = rte_mempool_in_use_count(bench.pool);
	bench.send_before = rte_mempool_in_use_count(bench.send_pool);
	for (unsigned int index = 0; index < LINKS; index++) {
		bench.links[index] = (struct rig_link){ .socket = -1, .backend = -1, .vid = -1 };
		bench.drivers[index] = (struct driver){
			.queues = 2, .size = { RING, RING, RING, RING },
		};
	}
	if (head[0] & 1)
		start_driver(0, (uint64_t)(head[1] & 0x7f) << 3 |
			(head[0] & 2 ? 0 : RTE_VHOST_USER_ASYNC_COPY));
	if (head[0] & 4)
		start_driver(1, head[2] << 3);
	for (unsigned int index = 0; index < LINKS; index++) {
		if ((head[3] >> index & 1) == 0)
			continue;
		connect_link(&bench.links[index], head[4] >> index & 1);
		bring_up(&bench.links[index], head[5 + index]);
		if (head[8] >> index & 1)
			begin_packets(index, head);
	}
}

static void end(void)
{
	memset(bench.programs, 0xff, sizeof(bench.programs));
	memset(bench.answers, 0, sizeof(bench.answers));
	give_back();
	for (unsigned int queue = 0; queue < RIG_ENGINE_QUEUES; queue++) {
		rig_engine_work(queue, UINT32_MAX);
		rig_engine_modes[queue] = (struct rig_engine_mode){ .copies_when_asked = true };
	}
	for (unsigned int index = 0; index < LINKS; index++)
		rig_hang_up(&bench.links[index]);
	rig_settle();
	end_drivers();
	for (unsigned int round = 0; round < 4; round++) {
		rig_settle();
		rig_engine_wait();
	}
	rig_engine_reset();
	FUZZ_CHECK(rte_mempool_in_use_count(bench.pool) == bench.pool_before);
	FUZZ_CHECK(rte_mempool_in_use_count(bench.send_pool) == bench.send_before);
}

/* The library keeps drivers, devices and queues that it once had. */
static void warm_up(const uint8_t *head)
{
	const struct record hardware = { 0 };
	uint32_t state[2] = { 255, 1 };

	(void)head;
	setup_memory();
	setup_pools();
	setup_paths();
	begin((const uint8_t[RIG_HEAD]){ 0 });
	for (unsigned int index = 0; index < PATHS; index++)
		start_driver(index, 0);
	for (unsigned int index = 0; index < LINKS; index++) {
		connect_link(&bench.links[index], index);
		(void)rig_ask(&bench.links[index], GUEST_SET_VRING_NUM, state, 8, NULL, 0);
		bring_up(&bench.links[index], 64);
	}
	call_driver(7, &hardware);
	end();
	fuzz_baseline();
}

/*
 * Links that hang up while an engine works, and come again, have more devices at once than there
 * are links; a device has as many queues as its frontends ever named, and a session unless its
 * hardware refuses it. An input that is the first to have as many of one of these leaves more
 * behind than there was.
 */
static void check_usage(void)
{
	static int most_devices = LINKS, most_queues, most_sessions;
	int devices = rig_most_devices(), queues = rig_most_queues();
	int sessions = rig_most_sessions();

	FUZZ_CHECK(devices <= LINKS + RIG_RECORDS);
	if (devices > most_devices || queues > most_queues || sessions > most_sessions)
		fuzz_baseline();
	else
		fuzz_check_baseline();
	most_devices = devices;
	most_queues = queues;
	most_sessions = sessions;
}

const struct rig_fuzzer rig_fuzzer = {
	.operations = OPERATIONS,
	.subject = 2,
	.warm_up = warm_up,
	.begin = begin,
	.perform = perform,
	.end = end,
	.check = check_usage,
};
