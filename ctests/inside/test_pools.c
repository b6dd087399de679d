/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* DPDK's mempools, whatever operations and caches they have, as DPDK itself would use them. */
#define _GNU_SOURCE
#include <pthread.h>

#include "inside.h"

#define ROOM RTE_MBUF_DEFAULT_BUF_SIZE
#define COUNT 2047

static struct rte_mbuf *held[LINK_BURST];

static void free_all(struct rte_mbuf **packets, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++)
		rte_pktmbuf_free(packets[i]);
}

/** Bursts of many lengths, packets of one mbuf and of several, some given back to the guest. */
static void traffic(struct link *link, struct rte_mempool *pool)
{
	static const uint16_t bursts[] = { 1, 2, 7, 31, 32, 33, 64, 65, 96 };

	for (unsigned int i = 0; i < sizeof(bursts) / sizeof(*bursts); i++) {
		uint16_t count = bursts[i], got = 0;

		link_send(link, count, 64 + 13 * count);
		/* A dequeue that finds the lock held gives 0; others take what there is. */
		for (int tries = 0; got < count && tries < 1000; tries++)
			got += link_take(link, pool, held + got, count - got);
		assert_int_equal(got, count);
		assert_int_equal(rte_mempool_in_use_count(pool), count);
		free_all(held, count);
	}
	/* Three mbufs each. */
	link_send(link, 8, 6000);
	assert_int_equal(link_take(link, pool, held, 8), 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(held[i]->nb_segs, 3);
	for (int i = 0; i < 4; i++) {
		struct rte_mbuf *packet = rte_pktmbuf_alloc(pool);

		link_stamp(link, 500);
		memcpy(rte_pktmbuf_append(packet, 500), link->frame, 500);
		link_give(link, &packet, 1);
		rte_pktmbuf_free(packet);
	}
	link_receive(link);
	free_all(held, 8);
}

static const char *const operations[] = {
	"ring_mp_mc", "ring_sp_sc", "ring_mt_rts", "ring_mt_hts", "stack", "lf_stack", "bucket",
	INSIDE_COUNTED_OPS,
};
static const unsigned int caches[] = { 0, 1, 32, 250, 512 };

static void every_pool(bool packed)
{
	struct link *link = link_open(NULL, 0, packed);

	for (unsigned int i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		for (unsigned int j = 0; j < sizeof(caches) / sizeof(*caches); j++) {
			struct rte_mempool *pool = inside_pool(operations[i], COUNT, caches[j], 0,
							     ROOM);

			traffic(link, pool);
			if (caches[j])
				assert_true(inside_cache(pool)->len > 0);
			inside_pool_end(pool);
		}
	link_close(link);
}

static void every_pool_split(void **state)
{
	(void)state;
	every_pool(false);
}

static void every_pool_packed(void **state)
{
	(void)state;
	every_pool(true);
}

/** What a pool and the caller's cache of it look like. */
struct view {
	unsigned int length, gets, got, puts, put;
};

static void view(struct rte_mempool *pool, struct view *view)
{
	struct rte_mempool_cache *cache = inside_cache(pool);

	*view = (struct view){ cache ? cache->len : 0, inside_counts.gets, inside_counts.got,
			       inside_counts.puts, inside_counts.put };
	inside_counts = (struct inside_counts){ 0 };
}

/**
 * The library on one pool and DPDK's own functions on its twin, step by step: lengths of the
 * caches and requests to the operations are the same ever after.
 */
static void caches_are_used_as_dpdk_uses_them(void **state)
{
	struct guest_random random = { .state = 4 };

	(void)state;
	for (unsigned int j = 0; j < sizeof(caches) / sizeof(*caches); j++) {
		struct rte_mempool *ours = inside_pool(INSIDE_COUNTED_OPS, COUNT, caches[j], 0,
								   ROOM);
		struct rte_mempool *theirs = inside_pool(INSIDE_COUNTED_OPS, COUNT, caches[j], 0,
								   ROOM);
		struct link *link = link_open(NULL, 0, false);
		struct rte_mbuf *twins[LINK_BURST];
		unsigned int have = 0;
		struct view one, other;

		inside_counts = (struct inside_counts){ 0 };
		for (int step = 0; step < 400; step++) {
			uint16_t good = guest_random_range(&random, 1, 40);
			uint16_t bad = guest_random_range(&random, 0, 20);
			void *rest[32];

			if (have + good + bad > 200 || guest_random_range(&random, 0, 2) == 0) {
				unsigned int some = guest_random_range(&random, 0, have);

				free_all(held + have - some, some);
				view(ours, &one);
				free_all(twins + have - some, some);
				have -= some;
			} else {
				/* What bad chains do not need goes back at the burst's end. */
				link_send(link, good, 100);
				link_send_bad(link, bad);
				assert_int_equal(link_take(link, ours, held + have, LINK_BURST),
						 good);
				view(ours, &one);
				assert_int_equal(rte_mempool_get_bulk(theirs, (void **)twins + have,
								      good + bad), 0);
				memcpy(rest, twins + have + good, bad * sizeof(*rest));
				if (bad)
					rte_mempool_put_bulk(theirs, rest, bad);
				have += good;
			}
			view(theirs, &other);
			assert_memory_equal(&one, &other, sizeof(one));
		}
		free_all(held, have);
		free_all(twins, have);
		link_close(link);
		inside_pool_end(ours);
		inside_pool_end(theirs);
	}
}

/** An empty pool gives nothing, the last mbufs in a cache or in the store are given, none twice. */
static void a_pool_is_used_up_to_the_last_mbuf(void **state)
{
	(void)state;
	for (unsigned int j = 0; j < 3; j++) {
		struct rte_mempool *pool = inside_pool("ring_mp_mc", 63, caches[j], 0, ROOM);
		struct link *link = link_open(NULL, 0, false);
		uint16_t got = 0, more;

		link_send(link, 100, 300);
		while ((more = link_take(link, pool, held + got, 100)) > 0)
			got += more;
		assert_int_equal(got, 63);
		assert_int_equal(rte_mempool_avail_count(pool), 0);
		assert_int_equal(link_take(link, pool, held + got, 100), 0);
		free_all(held, got);
		got = 0;
		while ((more = link_take(link, pool, held + got, 100)) > 0)
			got += more;
		assert_int_equal(got, 37);
		free_all(held, got);
		link_close(link);
		inside_pool_end(pool);
	}
}

/** A thread of one kind: what it did. */
struct worker {
	struct rte_mempool *pool;
	struct link *link;
	bool registers;
	unsigned int lcore;
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	if (worker->registers)
		assert_int_equal(rte_thread_register(), 0);
	worker->lcore = rte_lcore_id();
	for (int i = 0; i < 200; i++) {
		struct rte_mbuf *packets[32];

		link_send(worker->link, 32, 200);
		assert_int_equal(link_take(worker->link, worker->pool, packets, 32), 32);
		free_all(packets, 32);
	}
	if (worker->registers)
		rte_thread_unregister();
	return NULL;
}

/** Threads with and without an lcore id on one pool at the same time. */
static void threads_use_the_cache_of_their_lcore(void **state)
{
	struct rte_mempool *pool = inside_pool("ring_mp_mc", COUNT, 64, 0, ROOM);
	struct worker workers[3] = {
		{ .pool = pool, .registers = true }, { .pool = pool, .registers = true },
		{ .pool = pool },
	};
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		workers[i].link = link_open(NULL, 0, i == 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(workers[2].lcore, LCORE_ID_ANY);
	for (int i = 0; i < 2; i++) {
		assert_true(workers[i].lcore < RTE_MAX_LCORE);
		assert_true(pool->local_cache[workers[i].lcore].len > 0);
	}
	/* The main lcore did nothing here. */
	assert_int_equal(inside_cache(pool)->len, 0);
	for (int i = 0; i < 3; i++)
		link_close(workers[i].link);
	inside_pool_end(pool);
}

/** An application's own cache is the application's business, and nothing is lost beside it. */
static void *use_own_cache(void *argument)
{
	struct worker *worker = argument;
	struct rte_mempool_cache *cache = rte_mempool_cache_create(64, SOCKET_ID_ANY);
	struct rte_mbuf *packets[32];

	assert_non_null(cache);
	worker->lcore = rte_lcore_id();
	for (int i = 0; i < 50; i++) {
		link_send(worker->link, 32, 200);
		assert_int_equal(link_take(worker->link, worker->pool, packets, 32), 32);
		rte_mempool_generic_put(worker->pool, (void **)packets, 32, cache);
	}
	assert_true(cache->len > 0);
	rte_mempool_cache_flush(cache, worker->pool);
	rte_mempool_cache_free(cache);
	return NULL;
}

static void user_owned_caches_lose_nothing(void **state)
{
	struct rte_mempool *pool = inside_pool("ring_mp_mc", COUNT, 64, 0, ROOM);
	struct worker worker = { .pool = pool, .link = link_open(NULL, 0, false) };
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, use_own_cache, &worker), 0);
	pthread_join(thread, NULL);
	assert_int_equal(worker.lcore, LCORE_ID_ANY);
	link_close(worker.link);
	inside_pool_end(pool);
}

static void the_numa_node_is_the_kernels(void **state)
{
	struct link *link = link_open(NULL, 0, false);
	int node = link->library->numa_node(link->vid);

	(void)state;
	/* One node or many: the memory is on one of them; -1 where the kernel has no NUMA. */
	assert_true(node >= (access("/sys/devices/system/node/node0", F_OK) == 0 ? 0 : -1));
	assert_true(node < RTE_MAX_NUMA_NODES);
	assert_int_equal(link->library->numa_node(1023), -1);
	link_close(link);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_pool_split),
	cmocka_unit_test(every_pool_packed),
	cmocka_unit_test(caches_are_used_as_dpdk_uses_them),
	cmocka_unit_test(a_pool_is_used_up_to_the_last_mbuf),
	cmocka_unit_test(threads_use_the_cache_of_their_lcore),
	cmocka_unit_test(user_owned_caches_lose_nothing),
	cmocka_unit_test(the_numa_node_is_the_kernels),
};

int main(void)
{
	alarm(100);
	inside_start(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
