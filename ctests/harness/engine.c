/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ENGINES 8
#define PAGE 4096UL

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct engine *table[ENGINES];

static void complain(struct engine *engine, const char *what)
{
	engine->violations++;
	fprintf(stderr, "engine of device %d, queue %u: %s\n", engine->vid, engine->queue, what);
}

static struct engine *find(int vid, uint16_t queue)
{
	struct engine *found = NULL;

	pthread_mutex_lock(&table_lock);
	for (int i = 0; i < ENGINES; i++)
		if (table[i] && table[i]->vid == vid && table[i]->queue == queue)
			found = table[i];
	pthread_mutex_unlock(&table_lock);
	return found;
}

bool engine_is_mapped(uint64_t address, uint64_t length)
{
	uint64_t start = address & ~(PAGE - 1);

	return msync((void *)start, address + length - start, MS_ASYNC) == 0;
}

static uint64_t to_virtual(const struct engine *engine, uint64_t address)
{
	return engine->translate ? engine->translate(address) : address;
}

static bool in_guest(const struct engine *engine, uint64_t address, uint64_t length)
{
	for (uint32_t i = 0; i < engine->guest_ranges; i++) {
		const struct engine_range *range = &engine->guest[i];

		if (address >= range->start && length <= range->size &&
		    address - range->start <= range->size - length)
			return true;
	}
	return false;
}

static void check_piece(struct engine *engine, const struct engine_piece *piece)
{
	uint64_t guest = engine->queue % 2 ? piece->from : piece->to;
	uint64_t host = engine->queue % 2 ? piece->to : piece->from;

	if (piece->length == 0)
		complain(engine, "a piece of no bytes");
	if (engine->one_page && (guest % PAGE + piece->length > PAGE ||
				 host % PAGE + piece->length > PAGE))
		complain(engine, "a piece crosses a page");
	if (!in_guest(engine, to_virtual(engine, guest), piece->length))
		complain(engine, "not in the guest's memory");
	if (!engine->any_host && pool_find(engine->pool, to_virtual(engine, host),
					   piece->length) < 0)
		complain(engine, "not in an mbuf");
}

static bool check_iterators(struct engine *engine, const struct rte_vhost_async_desc *desc)
{
	if (!desc->src || !desc->dst || !desc->src->iov || !desc->dst->iov) {
		complain(engine, "a NULL in a descriptor");
		return false;
	}
	if (desc->src->count != desc->dst->count || desc->src->nr_segs != desc->dst->nr_segs ||
	    desc->src->offset != 0 || desc->dst->offset != 0 || desc->src->nr_segs == 0) {
		complain(engine, "sides that differ");
		return false;
	}
	return true;
}

/** Look at a descriptor and keep a copy of it. */
static void take(struct engine *engine, const struct rte_vhost_async_desc *desc)
{
	struct engine_copy *copy = &engine->copies[engine->accepted % ENGINE_ROOM];

	engine->accepted++;
	memset(copy, 0, sizeof(*copy));
	if (!check_iterators(engine, desc))
		return;
	copy->count = (uint32_t)desc->src->nr_segs;
	copy->pieces = calloc(copy->count, sizeof(*copy->pieces));
	if (!copy->pieces)
		abort();
	for (uint32_t i = 0; i < copy->count; i++) {
		struct engine_piece *piece = &copy->pieces[i];

		piece->from = (uintptr_t)desc->src->iov[i].iov_base;
		piece->to = (uintptr_t)desc->dst->iov[i].iov_base;
		piece->length = desc->src->iov[i].iov_len;
		if (piece->length != desc->dst->iov[i].iov_len)
			complain(engine, "pieces that do not match");
		check_piece(engine, piece);
		copy->bytes += piece->length;
	}
	if (copy->bytes != desc->src->count)
		complain(engine, "a count that is not the sum of the pieces");
	engine->pieces += copy->count;
	engine->bytes += copy->bytes;
	if (copy->count > engine->longest)
		engine->longest = copy->count;
}

static void do_piece(struct engine *engine, const struct engine_piece *piece)
{
	uint64_t from = to_virtual(engine, piece->from), to = to_virtual(engine, piece->to);
	int mbuf = engine->any_host ? -1 :
		   pool_find(engine->pool, engine->queue % 2 ? to : from, piece->length);

	if (!engine_is_mapped(from, piece->length) || !engine_is_mapped(to, piece->length)) {
		complain(engine, "memory was unmapped before its copy was done");
		return;
	}
	if (mbuf >= 0 && engine->pool->at_rest[mbuf])
		complain(engine, "an mbuf was freed before its copy was done");
	memcpy((void *)to, (const void *)from, piece->length);
}

/** Do copies; the engine is locked. */
static uint32_t finish(struct engine *engine, uint32_t count)
{
	uint32_t done = 0;

	if (count > 0 && engine->finished < engine->accepted && !engine->any_host)
		pool_mark(engine->pool);
	for (; done < count && engine->finished < engine->accepted; done++) {
		struct engine_copy *copy = &engine->copies[engine->finished++ % ENGINE_ROOM];

		for (uint32_t i = 0; i < copy->count; i++)
			do_piece(engine, &copy->pieces[i]);
		free(copy->pieces);
		copy->pieces = NULL;
	}
	return done;
}

/** Fail in the middle: some pieces are copied, one of them in part. */
static void tear(struct engine *engine, const struct rte_vhost_async_desc *desc)
{
	if (!check_iterators(engine, desc))
		return;
	for (uint64_t i = 0; i <= desc->src->nr_segs / 2; i++) {
		struct engine_piece piece = {
			.from = (uintptr_t)desc->src->iov[i].iov_base,
			.to = (uintptr_t)desc->dst->iov[i].iov_base,
			.length = desc->src->iov[i].iov_len,
		};

		if (i == desc->src->nr_segs / 2)
			piece.length = (piece.length + 1) / 2;
		check_piece(engine, &piece);
		do_piece(engine, &piece);
	}
}

static int32_t accept_copies(struct engine *engine, struct rte_vhost_async_desc *descs,
			     uint16_t count)
{
	uint32_t taken = count < engine->accept ? count : engine->accept;

	engine->transfers++;
	engine->offered += count;
	if (count == 0)
		complain(engine, "nothing to transfer");
	if (engine->refusals > 0) {
		engine->refusals--;
		if (engine->tears && !engine->any_host)
			pool_mark(engine->pool);
		for (uint32_t i = 0; engine->tears && i < count; i++)
			tear(engine, &descs[i]);
		return engine->refusal;
	}
	if (engine->accepted - engine->finished + taken > ENGINE_ROOM) {
		complain(engine, "more copies than it has room for");
		return 0;
	}
	for (uint32_t i = 0; i < taken; i++)
		take(engine, &descs[i]);
	if (engine->at_once)
		finish(engine, ENGINE_ALL);
	return (int32_t)taken + engine->claim;
}

static int32_t transfer_data(int vid, uint16_t queue, struct rte_vhost_async_desc *descs,
			     struct rte_vhost_async_status *opaque, uint16_t count)
{
	struct engine *engine = find(vid, queue);
	int32_t result;

	if (!engine)
		return -1;
	if (engine->hook)
		engine->hook(engine, engine->hook_data);
	pthread_mutex_lock(&engine->lock);
	if (opaque)
		complain(engine, "opaque data from the library");
	result = accept_copies(engine, descs, count);
	pthread_mutex_unlock(&engine->lock);
	return result;
}

static int32_t report(struct engine *engine, uint16_t limit)
{
	uint64_t done;

	engine->checks++;
	if (engine->check_errors > 0) {
		engine->check_errors--;
		return engine->check_error;
	}
	if (engine->slow > 0 && engine->checks % engine->slow == 0)
		finish(engine, 1);
	done = engine->finished - engine->reported;
	if (done > limit)
		done = limit;
	engine->reported += done;
	return (int32_t)done + engine->over_report;
}

static int32_t check_completed_copies(int vid, uint16_t queue,
				      struct rte_vhost_async_status *opaque, uint16_t limit)
{
	struct engine *engine = find(vid, queue);
	int32_t result;

	if (!engine)
		return -1;
	pthread_mutex_lock(&engine->lock);
	if (opaque)
		complain(engine, "opaque data from the library");
	result = report(engine, limit);
	pthread_mutex_unlock(&engine->lock);
	return result;
}

struct rte_vhost_async_channel_ops engine_ops = {
	.transfer_data = transfer_data,
	.check_completed_copies = check_completed_copies,
};

void engine_init(struct engine *engine, int vid, uint16_t queue, struct pool *pool)
{
	bool stored = false;

	memset(engine, 0, sizeof(*engine));
	pthread_mutex_init(&engine->lock, NULL);
	engine->vid = vid;
	engine->queue = queue;
	engine->pool = pool;
	engine->accept = ENGINE_ALL;
	pthread_mutex_lock(&table_lock);
	for (int i = 0; i < ENGINES && !stored; i++) {
		stored = !table[i];
		if (stored)
			table[i] = engine;
	}
	pthread_mutex_unlock(&table_lock);
	if (!stored)
		abort();
}

int engine_learn_memory(struct engine *engine)
{
	struct rte_vhost_memory *memory = NULL;

	if (rte_vhost_get_mem_table(engine->vid, &memory) < 0 || !memory)
		return -1;
	pthread_mutex_lock(&engine->lock);
	engine->guest_ranges = memory->nregions < 8 ? memory->nregions : 8;
	for (uint32_t i = 0; i < engine->guest_ranges; i++) {
		engine->guest[i].start = memory->regions[i].host_user_addr;
		engine->guest[i].size = memory->regions[i].size;
	}
	pthread_mutex_unlock(&engine->lock);
	free(memory);
	return 0;
}

void engine_destroy(struct engine *engine)
{
	pthread_mutex_lock(&table_lock);
	for (int i = 0; i < ENGINES; i++)
		if (table[i] == engine)
			table[i] = NULL;
	pthread_mutex_unlock(&table_lock);
	for (uint64_t i = engine->finished; i < engine->accepted; i++)
		free(engine->copies[i % ENGINE_ROOM].pieces);
	engine->finished = engine->accepted;
}

uint32_t engine_finish(struct engine *engine, uint32_t count)
{
	uint32_t done;

	pthread_mutex_lock(&engine->lock);
	done = finish(engine, count);
	pthread_mutex_unlock(&engine->lock);
	return done;
}

void engine_behave(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->at_once = true;
	engine->slow = 0;
	engine->accept = ENGINE_ALL;
	engine->refusals = engine->check_errors = 0;
	engine->claim = engine->over_report = 0;
	engine->tears = false;
	engine->hook = NULL;
	finish(engine, ENGINE_ALL);
	pthread_mutex_unlock(&engine->lock);
}

uint32_t engine_held(struct engine *engine)
{
	uint32_t held;

	pthread_mutex_lock(&engine->lock);
	held = (uint32_t)(engine->accepted - engine->finished);
	pthread_mutex_unlock(&engine->lock);
	return held;
}
