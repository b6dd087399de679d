/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Releases that are not installed here. This program has the symbols of a DPDK of its own making,
 * which the library finds by name, and pools as that release lays them out. Each release is a
 * process: the library looks once.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/wait.h>

#include "link.h"
#include "cache_model.h"

#define COUNT 400
#define ROOM 2176
#define LCORES 128
#define NO_LCORE UINT32_MAX

/** A release, and how it keeps its caches; objects 0 for one whose caches are left alone. */
struct release {
	const char *name, *version;
	uint32_t objects, stride;
	bool drains_whole;
};

/* What the library looks for. */
struct rte_mempool_ops_table rte_mempool_ops_table = { .num_ops = 3 };
__thread unsigned int per_lcore__lcore_id = NO_LCORE;
const char *rte_version(void);
int rte_log(uint32_t level, uint32_t type, const char *format, ...);
int rte_log_get_level(uint32_t type);
int rte_log_register_type_and_pick_level(const char *name, uint32_t level);

static const struct release *release;
static char log_text[65536];
/* As DPDK's: not before the constructors of the library that has it, here this program's. */
static bool log_is_ready;
static unsigned int log_types, early_types;

const char *rte_version(void)
{
	return release->version;
}

int rte_log(uint32_t level, uint32_t type, const char *format, ...)
{
	size_t used = strlen(log_text);
	va_list list;

	assert_in_range(level, 4, 8);
	assert_in_range(type, 1, 2);
	va_start(list, format);
	vsnprintf(log_text + used, sizeof(log_text) - used, format, list);
	va_end(list);
	return 0;
}

int rte_log_get_level(uint32_t type)
{
	return log_is_ready && type <= log_types ? 7 : -1;
}

int rte_log_register_type_and_pick_level(const char *name, uint32_t level)
{
	early_types += !log_is_ready;
	assert_int_equal(level, strcmp(name, "lib.vhost.config") == 0 ? 7 : 5);
	return (int)++log_types;
}

static unsigned int logged(const char *words)
{
	unsigned int found = 0;

	for (const char *at = log_text; (at = strstr(at, words)) != NULL; at++)
		found++;
	return found;
}

/* The store: a stack that notes the last requests. */
static void *stack[COUNT];
static unsigned int depth, gets, got, puts_, put;

static int store_put(struct rte_mempool *pool, void *const *objects, unsigned int count)
{
	(void)pool;
	puts_++;
	put += count;
	assert_true(depth + count <= COUNT);
	memcpy(stack + depth, objects, count * sizeof(*objects));
	depth += count;
	return 0;
}

static int store_get(struct rte_mempool *pool, void **objects, unsigned int count)
{
	(void)pool;
	gets++;
	if (count > depth)
		return -ENOBUFS;
	got += count;
	depth -= count;
	memcpy(objects, stack + depth, count * sizeof(*objects));
	return 0;
}

/** A pool of the release's making; its memzone is known, or not. */
static struct rte_mempool *make_pool(uint32_t cache_size, bool has_zone)
{
	/* What nobody here knows lies further on than in any release. */
	uint32_t stride = release->stride ? release->stride : 20032;
	size_t header = 192 + (cache_size ? LCORES * (size_t)stride : 0);
	char *memory = aligned_alloc(64, header + 64), *objects;
	struct rte_mempool *pool = (struct rte_mempool *)memory;
	static char zone[128];

	assert_non_null(memory);
	memset(memory, 0, header + 64);
	pool->ops_index = 2;
	rte_mempool_ops_table.ops[2].enqueue = store_put;
	rte_mempool_ops_table.ops[2].dequeue = store_get;
	pool->size = pool->populated_size = COUNT;
	pool->cache_size = cache_size;
	pool->elt_size = 128 + ROOM;
	pool->private_data_size = 64;
	*(uint16_t *)(memory + header) = ROOM;
	*(size_t *)(zone + 48) = header + 64;
	pool->mz = has_zone ? (void *)zone : NULL;
	if (cache_size)
		pool->local_cache = (void *)(memory + 192);
	for (uint32_t i = 0; cache_size && i < LCORES; i++) {
		uint32_t *cache = (uint32_t *)(memory + 192 + i * (size_t)stride);

		cache[0] = cache_size;
		cache[1] = cache_size * 3 / 2;
	}
	objects = aligned_alloc(64, COUNT * (64 + 128 + ROOM));
	assert_non_null(objects);
	memset(objects, 0, COUNT * (64 + 128 + ROOM));
	depth = 0;
	for (int i = 0; i < COUNT; i++) {
		struct rte_mbuf *mbuf = (void *)(objects + i * (64 + 128 + ROOM) + 64);

		mbuf->buf_addr = mbuf + 1;
		mbuf->buf_len = ROOM;
		mbuf->refcnt = 1;
		mbuf->nb_segs = 1;
		mbuf->pool = pool;
		stack[depth++] = mbuf;
	}
	return pool;
}

/** The cache of this thread's lcore. */
static uint32_t *cache_of(struct rte_mempool *pool)
{
	return (uint32_t *)((char *)pool->local_cache +
			    per_lcore__lcore_id * (size_t)release->stride);
}

static void same(struct rte_mempool *pool, const struct model *model)
{
	assert_int_equal(cache_of(pool)[2], model->length);
	assert_int_equal(depth, model->depth);
	assert_int_equal(gets, model->gets);
	assert_int_equal(got, model->got);
	assert_int_equal(puts_, model->puts);
	assert_int_equal(put, model->put);
}

/** Every object is in the store or the cache, once. */
static void all_back(struct rte_mempool *pool)
{
	unsigned int length = release->objects ? cache_of(pool)[2] : 0;
	void **objects = length ? (void **)((char *)cache_of(pool) + release->objects) : NULL;

	assert_int_equal(depth + length, COUNT);
	for (unsigned int i = 0; i < length; i++)
		stack[depth + i] = objects[i];
	for (unsigned int i = 0; i < COUNT; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_ptr_not_equal(stack[i], stack[j]);
}

static void churn(struct link *link, struct rte_mempool *pool, uint32_t size)
{
	struct guest_random random = { .state = size };
	struct rte_mbuf *held[COUNT];
	struct model model = { .drains_whole = release->drains_whole, .depth = COUNT };
	unsigned int have = 0;

	gets = got = puts_ = put = 0;
	for (int step = 0; step < 600; step++) {
		uint16_t good = guest_random_range(&random, 1, 50);
		uint16_t bad = guest_random_range(&random, 0, 14);

		if (have + good + bad > COUNT - 150 || guest_random_range(&random, 0, 2) == 0) {
			unsigned int some = guest_random_range(&random, 0, have);

			for (unsigned int i = 0; i < some; i++) {
				rte_pktmbuf_free(held[--have]);
				model_put(&model, size, 1);
			}
		} else {
			link_send(link, good, 100);
			link_send_bad(link, bad);
			assert_int_equal(link_take(link, pool, held + have, 100), good);
			have += good;
			assert_true(model_get(&model, size, good + bad));
			if (bad)
				model_put(&model, size, bad);
		}
		if (release->objects)
			same(pool, &model);
	}
	while (have > 0)
		rte_pktmbuf_free(held[--have]);
	all_back(pool);
}

/** A buffer of the library's that goes: the mbuf gets its own back, as the pool describes it. */
static void own_buffers_come_back(struct rte_mempool *pool)
{
	struct link *link = link_open(NULL, RTE_VHOST_USER_EXTBUF_SUPPORT, false);
	struct rte_mbuf *packet;

	link_send(link, 1, 9000);
	assert_int_equal(link_take(link, pool, &packet, 1), 1);
	assert_int_equal(packet->nb_segs, 1);
	rte_pktmbuf_free(packet);
	assert_ptr_equal(packet->buf_addr, packet + 1);
	assert_int_equal(packet->buf_len, ROOM);
	assert_int_equal(packet->priv_size, 0);
	link_close(link);
}

static void life(void **state)
{
	static const uint32_t sizes[] = { 1, 16, 32, 100 };
	static const unsigned int lcores[] = { 0, 5, LCORES - 1 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int j = 0; j < 3; j++) {
			struct link *link = link_open(NULL, 0, j == 1);
			struct rte_mempool *pool = make_pool(sizes[i], j != 2 || !release->objects);

			per_lcore__lcore_id = lcores[j];
			churn(link, pool, sizes[i]);
			own_buffers_come_back(pool);
			/* A thread with no lcore, or with one that has no cache. */
			for (uint32_t k = 0; k < 2; k++) {
				uint32_t length = release->objects ? cache_of(pool)[2] : 0;
				unsigned int before = gets;
				struct rte_mbuf *packet;

				per_lcore__lcore_id = k ? NO_LCORE : LCORES;
				link_send(link, 1, 60);
				assert_int_equal(link_take(link, pool, &packet, 1), 1);
				rte_pktmbuf_free(packet);
				assert_int_equal(gets, before + 1);
				per_lcore__lcore_id = lcores[j];
				if (release->objects)
					assert_int_equal(cache_of(pool)[2], length);
			}
			link_close(link);
		}
	assert_int_equal(logged("is not known: mempools are used without"), !release->objects);
	assert_int_equal(logged("VHOST_CONFIG: "), logged("\n"));
}

static const struct release releases[] = {
	{ "release_20_11", "DPDK 20.11.10", 16, 12352, false },
	{ "release_21_08", "DPDK 21.08.0", 16, 12352, false },
	{ "release_22_07", "DPDK 22.07.0", 16, 12352, false },
	{ "release_22_11", "DPDK 22.11.11", 64, 8256, true },
	{ "release_23_07", "Vendor3 DPDK 23.07.1-rc4", 64, 8256, true },
	{ "release_24_11", "DPDK 24.11.2", 0, 0, false },
	{ "release_19_11", "DPDK 19.11.14", 0, 0, false },
	{ "release_none", "DPDK", 0, 0, false },
	{ "release_null", NULL, 0, 0, false },
};

/** DPDK's log cannot take types before its own constructor ran. */
static void late_log(void **state)
{
	struct link *link;

	(void)state;
	assert_int_equal(rte_vhost_driver_start("/nowhere"), -1);
	assert_int_equal(strlen(log_text), 0);
	log_is_ready = true;
	link = link_open(NULL, 0, false);
	link_close(link);
	assert_true(logged("VHOST_CONFIG: (/tmp/dpdk-link-") > 2);
	assert_int_equal(log_types, 2);
	assert_int_equal(early_types, 0);
}

/** Runs one release, which is the test's state, in a process of its own. */
static void in_child(void **state)
{
	const char *name = *state;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		execl("/proc/self/exe", "inside_made_releases", name, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define RELEASES (sizeof(releases) / sizeof(*releases))

__attribute__((constructor)) static void choose(int count, char **arguments)
{
	release = &releases[1];
	log_is_ready = count < 2 || strcmp(arguments[1], "late_log") != 0;
	for (unsigned int i = 0; i < RELEASES && count > 1; i++)
		if (strcmp(releases[i].name, arguments[1]) == 0)
			release = &releases[i];
}

int main(int count, char **arguments)
{
	const struct CMUnitTest one[] = { cmocka_unit_test(life) };
	const struct CMUnitTest late[] = { cmocka_unit_test(late_log) };
	struct CMUnitTest tests[RELEASES + 1];

	alarm(100);
	if (count > 1)
		return strcmp(arguments[1], "late_log") ?
			       cmocka_run_group_tests(one, NULL, NULL) :
			       cmocka_run_group_tests(late, NULL, NULL);
	for (unsigned int i = 0; i <= RELEASES; i++) {
		const char *name = i < RELEASES ? releases[i].name : "late_log";

		tests[i] = (struct CMUnitTest){ name, in_child, NULL, NULL,
						(void *)(uintptr_t)name };
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
