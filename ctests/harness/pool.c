/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POISON 0x5a

static int compare(const void *a, const void *b)
{
	uintptr_t left = (uintptr_t)*(struct rte_mbuf *const *)a;
	uintptr_t right = (uintptr_t)*(struct rte_mbuf *const *)b;

	return (left > right) - (left < right);
}

/** Take what there is. @return how many. */
static uint32_t take_all(const struct pool *pool, struct rte_mbuf **to)
{
	uint32_t count = 0;

	while (count < pool->count && (to[count] = rte_pktmbuf_alloc(pool->mp)) != NULL)
		count++;
	return count;
}

int pool_create(struct pool *pool, uint32_t count, uint16_t data_room)
{
	static unsigned int serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	memset(pool, 0, sizeof(*pool));
	snprintf(name, sizeof(name), "pool%u", serial++);
	pool->mp = rte_pktmbuf_pool_create(name, count, 0, 0, data_room, SOCKET_ID_ANY);
	pool->mbufs = calloc(count, sizeof(*pool->mbufs));
	pool->at_rest = calloc(count, sizeof(*pool->at_rest));
	if (!pool->mp || !pool->mbufs || !pool->at_rest) {
		pool_destroy(pool);
		return -ENOMEM;
	}
	pool->count = count;
	pool->capacity = data_room - RTE_PKTMBUF_HEADROOM;
	if (take_all(pool, pool->mbufs) != count) {
		pool_destroy(pool);
		return -ENOBUFS;
	}
	rte_pktmbuf_free_bulk(pool->mbufs, count);
	qsort(pool->mbufs, count, sizeof(*pool->mbufs), compare);
	return 0;
}

void pool_destroy(struct pool *pool)
{
	if (pool->mp)
		rte_mempool_free(pool->mp);
	free(pool->mbufs);
	free(pool->at_rest);
	memset(pool, 0, sizeof(*pool));
}

int pool_find(const struct pool *pool, uint64_t address, uint64_t length)
{
	uint32_t low = 0, high = pool->count;

	/* An mbuf's buffer lies behind its structure: the last structure below the address. */
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if ((uintptr_t)pool->mbufs[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0) {
		uint64_t start = (uintptr_t)pool->mbufs[low - 1] + sizeof(struct rte_mbuf);
		uint64_t room = pool->capacity + RTE_PKTMBUF_HEADROOM;

		if (address >= start && length <= room && address - start <= room - length)
			return (int)low - 1;
	}
	return -1;
}

void pool_mark(struct pool *pool)
{
	struct rte_mbuf **taken = calloc(pool->count, sizeof(*taken));
	uint32_t count;

	if (!taken)
		abort();
	count = take_all(pool, taken);
	memset(pool->at_rest, 0, pool->count * sizeof(*pool->at_rest));
	for (uint32_t i = 0; i < count; i++)
		pool->at_rest[pool_find(pool, (uintptr_t)(taken[i] + 1), 1)] = true;
	/* Backwards, so that the stack of free mbufs is as it was. */
	while (count > 0)
		rte_pktmbuf_free(taken[--count]);
	free(taken);
}

uint32_t pool_poison(struct pool *pool)
{
	uint32_t count = 0;

	pool_mark(pool);
	for (uint32_t i = 0; i < pool->count; i++) {
		if (!pool->at_rest[i])
			continue;
		memset(pool->mbufs[i] + 1, POISON, pool->capacity + RTE_PKTMBUF_HEADROOM);
		count++;
	}
	return count;
}

bool pool_is_poisoned(struct pool *pool)
{
	pool_mark(pool);
	for (uint32_t i = 0; i < pool->count; i++) {
		const uint8_t *bytes = (const uint8_t *)(pool->mbufs[i] + 1);

		for (uint32_t j = 0; pool->at_rest[i] &&
		     j < pool->capacity + RTE_PKTMBUF_HEADROOM; j++)
			if (bytes[j] != POISON)
				return false;
	}
	return true;
}

uint32_t pool_in_use(const struct pool *pool)
{
	return rte_mempool_in_use_count(pool->mp);
}

uint32_t pool_hold(struct pool *pool, uint32_t leave, struct rte_mbuf **taken)
{
	uint32_t count = 0;

	while (rte_mempool_avail_count(pool->mp) > leave)
		taken[count++] = rte_pktmbuf_alloc(pool->mp);
	return count;
}
