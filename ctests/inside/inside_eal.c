/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#include "inside.h"

struct inside_counts inside_counts;

/* A line may come from another thread while one is looked for. */
static char text[1 << 20];
static size_t text_size;

static ssize_t keep(void *cookie, const char *bytes, size_t size)
{
	(void)cookie;
	if (text_size + size < sizeof(text)) {
		memcpy(text + text_size, bytes, size);
		text_size += size;
	}
	return (ssize_t)size;
}

void inside_catch_log(void)
{
	cookie_io_functions_t functions = { .write = keep };
	FILE *stream = fopencookie(NULL, "w", functions);

	assert_non_null(stream);
	assert_int_equal(rte_openlog_stream(stream), 0);
}

unsigned int inside_count_log(const char *words)
{
	unsigned int found = 0;

	for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
		found++;
	return found;
}

const char *inside_log(void)
{
	return text;
}

void inside_start(const char *more, ...)
{
	char *arguments[32] = {
		"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "256",
		"-l", "0",
	};
	int count = 9;
	va_list list;

	va_start(list, more);
	for (const char *next = more; next; next = va_arg(list, const char *))
		arguments[count++] = (char *)(uintptr_t)next;
	va_end(list);
	if (rte_eal_init(count, arguments) < 0) {
		fprintf(stderr, "rte_eal_init: %s\n", rte_strerror(rte_errno));
		exit(1);
	}
}

struct rte_mempool *inside_pool(const char *ops, unsigned int count, unsigned int cache,
			      uint16_t private_size, uint16_t room)
{
	static unsigned int number;
	struct rte_mempool *pool;
	char name[24];

	snprintf(name, sizeof(name), "pool%u", number++);
	pool = rte_pktmbuf_pool_create_by_ops(name, count, cache, private_size, room,
					      SOCKET_ID_ANY, ops);
	if (!pool)
		fprintf(stderr, "%s, cache %u: %s\n", ops, cache, rte_strerror(rte_errno));
	assert_non_null(pool);
	return pool;
}

void inside_pool_end(struct rte_mempool *pool)
{
	assert_int_equal(rte_mempool_avail_count(pool), pool->populated_size);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	rte_mempool_free(pool);
}

struct rte_mempool_cache *inside_cache(struct rte_mempool *pool)
{
	return rte_mempool_default_cache(pool, rte_lcore_id());
}

void inside_library_free(struct rte_mbuf *packet)
{
	void (*function)(struct rte_mbuf *packet);
	void *found = dlsym(RTLD_DEFAULT, "rtevhostswift_pktmbuf_free");

	assert_non_null(found);
	memcpy(&function, &found, sizeof(found));
	function(packet);
}

/* A stack of pointers: enough for one thread at a time. */
struct stack {
	unsigned int count;
	void *objects[];
};

static int counted_alloc(struct rte_mempool *pool)
{
	pool->pool_data = calloc(1, sizeof(struct stack) + pool->size * sizeof(void *));
	return pool->pool_data ? 0 : -ENOMEM;
}

static void counted_free(struct rte_mempool *pool)
{
	free(pool->pool_data);
}

static int counted_enqueue(struct rte_mempool *pool, void *const *objects, unsigned int count)
{
	struct stack *stack = pool->pool_data;

	inside_counts.puts++;
	inside_counts.put += count;
	if (stack->count + count > pool->size)
		return -ENOBUFS;
	memcpy(stack->objects + stack->count, objects, count * sizeof(void *));
	stack->count += count;
	return 0;
}

static int counted_dequeue(struct rte_mempool *pool, void **objects, unsigned int count)
{
	struct stack *stack = pool->pool_data;

	inside_counts.gets++;
	if (count > stack->count)
		return -ENOBUFS;
	inside_counts.got += count;
	stack->count -= count;
	memcpy(objects, stack->objects + stack->count, count * sizeof(void *));
	return 0;
}

static unsigned int counted_count(const struct rte_mempool *pool)
{
	return ((struct stack *)pool->pool_data)->count;
}

static const struct rte_mempool_ops counted = {
	.name = INSIDE_COUNTED_OPS,
	.alloc = counted_alloc,
	.free = counted_free,
	.enqueue = counted_enqueue,
	.dequeue = counted_dequeue,
	.get_count = counted_count,
};

RTE_MEMPOOL_REGISTER_OPS(counted);
