/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * The invariants of hostile.md:
 *  - each available head is used exactly once; used order equals available order; mbufs taken
 *    equal mbufs returned plus in flight; in flight is at most the ring size; payload hashes are
 *    equal (bench_check() and bench_accept() and bench_receive() of ctests/harness);
 *  - no access outside of the regions: guard pages, which end the program;
 *  - an innocent device goes on, with the same invariants;
 *  - descriptors, mappings and threads come down to what they were: hostile_assert_flat().
 */
#include "hostile.h"

#define INNOCENT_SIZE 300

/** The same with an engine: what was in flight arrives, and as much is in flight again. */
static void check_flying(struct bench *innocent)
{
	for (int queue = RX; queue <= TX; queue++)
		engine_finish(&innocent->engines[queue], ENGINE_ALL);
	bench_send(innocent, INNOCENT_SIZE, NULL);
	bench_dequeue(innocent, 8);
	assert_int_equal(bench_enqueue(innocent, 1, INNOCENT_SIZE), 1);
	bench_collect(innocent, 8);
	bench_receive(innocent);
	assert_in_range(innocent->from.sent - innocent->from.returned, 0, 1);
	assert_in_range(innocent->to.sent - innocent->to.delivered, 0, 1);
}

/** A packet from and one to the innocent device's guest. */
static void check_innocent(struct bench *innocent)
{
	bench_send(innocent, INNOCENT_SIZE, NULL);
	assert_int_equal(bench_dequeue(innocent, 8), 1);
	assert_int_equal(bench_enqueue(innocent, 1, INNOCENT_SIZE), 1);
	assert_int_equal(bench_receive(innocent), 1);
}

void hostile_check_innocent(struct hostile *hostile)
{
	if (hostile->innocent && hostile->alike && hostile->async)
		check_flying(hostile->innocent);
	else if (hostile->innocent)
		check_innocent(hostile->innocent);
}

void hostile_checked(struct bench *bench)
{
	assert_ptr_equal(bench, hostile.bench);
	hostile_check_innocent(&hostile);
	hostile.checks++;
}

void hostile_check(struct hostile *hostile)
{
	bench_check(hostile->bench);
}

static void assert_guarded(const uint8_t *start, uint64_t size)
{
	assert_true(hostile_is_readable(start));
	assert_true(hostile_is_readable(start + size - 1));
	assert_false(hostile_is_readable(start - 1));
	assert_false(hostile_is_readable(start + size));
}

void hostile_assert_guards(struct hostile *hostile)
{
	const struct guest_memory *memory = &hostile->bench->guest->memory;
	struct rte_vhost_memory *mapped = NULL;

	for (unsigned int i = 0; i < memory->count; i++)
		assert_guarded(memory->regions[i].host, memory->regions[i].size);
	assert_int_equal(rte_vhost_get_mem_table(hostile->bench->vid, &mapped), 0);
	assert_int_equal(mapped->nregions, memory->count);
	for (uint32_t i = 0; i < mapped->nregions; i++)
		assert_guarded((const uint8_t *)(uintptr_t)mapped->regions[i].host_user_addr,
			       mapped->regions[i].size);
	free(mapped);
}

bool hostile_is_flat(struct hostile *hostile)
{
	struct bench_baseline now;

	bench_measure(&now);
	return memcmp(&now, &hostile->before, sizeof(now)) == 0 &&
	       hostile_guarded() == hostile->guarded;
}

static bool is_flat(void *data)
{
	return hostile_is_flat(data);
}

void hostile_assert_flat(struct hostile *hostile)
{
	struct bench_baseline now;

	if (bench_wait(is_flat, hostile))
		return;
	bench_measure(&now);
	assert_int_equal(now.fds, hostile->before.fds);
	assert_int_equal(now.maps, hostile->before.maps);
	assert_int_equal(now.threads, hostile->before.threads);
	assert_int_equal(hostile_guarded(), hostile->guarded);
}
