/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Mempools that can give no packets are refused with one line each, and nothing is lost. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#include "inside.h"

/**
 * Packets are there and do not come, however often they are asked for; then they come out of a
 * proper pool, unchanged.
 */
static void refuses(struct rte_mempool *bad, const char *words)
{
	for (int packed = 0; packed < 2; packed++) {
		struct rte_mempool *good = inside_pool("stack", 63, 0, 0,
							      RTE_MBUF_DEFAULT_BUF_SIZE);
		struct link *link = link_open(NULL, 0, packed);
		struct rte_mbuf *packets[16];

		link_send(link, 10, 200);
		for (int i = 0; i < 5; i++)
			assert_int_equal(link_take(link, bad, packets, 16), 0);
		assert_int_equal(inside_count_log(words), 1);
		assert_int_equal(link_take(link, good, packets, 16), 10);
		for (int i = 0; i < 10; i++)
			rte_pktmbuf_free(packets[i]);
		link_close(link);
		inside_pool_end(good);
	}
}

static void without_objects(void **state)
{
	struct rte_mempool *pool = rte_mempool_create_empty("empty", 63, 2304, 0, 64,
							    SOCKET_ID_ANY, 0);

	(void)state;
	assert_non_null(pool);
	assert_int_equal(rte_mempool_set_ops_byname(pool, "ring_mp_mc", NULL), 0);
	refuses(pool, "VHOST_DATA: rte_vhost_dequeue_burst: the mempool cannot be used: "
		      "it has no objects\n");
	rte_mempool_free(pool);
}

static void with_an_index_of_no_operations(void **state)
{
	static const int32_t wrong[] = { -1, 15, 16, 1 << 20, INT32_MIN, INT32_MAX };

	(void)state;
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct rte_mempool *pool = inside_pool("ring_mp_mc", 63, i & 1 ? 16 : 0, 0, 2176);
		int32_t right = pool->ops_index;

		pool->ops_index = wrong[i];
		refuses(pool, "cannot be used: its ops_index names no operations");
		pool->ops_index = right;
		inside_pool_end(pool);
	}
}

static void too_small_for_mbufs(void **state)
{
	struct rte_mempool *pool = rte_mempool_create("small", 63, 64, 0, 64, NULL, NULL, NULL,
						      NULL, SOCKET_ID_ANY, 0);

	(void)state;
	assert_non_null(pool);
	refuses(pool, "cannot be used: it is not one of mbufs");
	assert_int_equal(rte_mempool_avail_count(pool), 63);
	rte_mempool_free(pool);
	/* Large enough, but without what every pool of mbufs says of itself. */
	pool = rte_mempool_create("bare", 63, 2304, 0, 0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	assert_non_null(pool);
	refuses(pool, "cannot be used: it is not one of mbufs");
	assert_int_equal(rte_mempool_avail_count(pool), 63);
	rte_mempool_free(pool);
}

static void fill_with_rubbish(struct rte_mempool *pool, void *opaque, void *object, unsigned int i)
{
	(void)opaque;
	(void)i;
	memset(object, 0xdb, pool->elt_size);
}

static void of_objects_that_are_no_mbufs(void **state)
{
	struct rte_mempool *pool = rte_mempool_create("raw", 63, 2304, 8, 64, NULL, NULL,
						      fill_with_rubbish, NULL, SOCKET_ID_ANY, 0);

	(void)state;
	assert_non_null(pool);
	refuses(pool, "cannot be used: its objects are no initialised mbufs");
	assert_int_equal(rte_mempool_avail_count(pool), 63);
	rte_mempool_free(pool);
}

static void null_arguments(void **state)
{
	struct link *link = link_open(NULL, 0, false);
	struct rte_mempool *pool = inside_pool("stack", 63, 0, 0,
							      RTE_MBUF_DEFAULT_BUF_SIZE);
	struct rte_mbuf *packets[4];

	(void)state;
	link_send(link, 4, 100);
	assert_int_equal(link->library->dequeue(link->vid, 1, NULL, packets, 4), 0);
	assert_int_equal(link->library->dequeue(link->vid, 1, pool, NULL, 4), 0);
	assert_int_equal(link_take(link, pool, packets, 4), 4);
	for (int i = 0; i < 4; i++)
		rte_pktmbuf_free(packets[i]);
	link_close(link);
	inside_pool_end(pool);
}

#ifndef LINK_RELEASE_2211
/**
 * DPDK's own library is here too: one of the EAL's drivers brings it. Both work side by side, and
 * the line that says so comes once.
 */
static void dpdks_own_library_beside_it(void **state)
{
	void *handle = dlopen("librte_vhost.so.23", RTLD_NOW);
	struct rte_mempool *pool = inside_pool("stack", 255, 16, 0, RTE_MBUF_DEFAULT_BUF_SIZE);
	struct link_library library;
	struct link *ours, *theirs;
	struct rte_mbuf *packets[32];

	(void)state;
	assert_non_null(handle);
	link_find(&library, handle);
	ours = link_open(NULL, 0, false);
	assert_ptr_not_equal((void *)library.dequeue, (void *)ours->library->dequeue);
	theirs = link_open(&library, 0, false);
	/* Both begin to count with 0, and neither knows the other's devices. */
	assert_int_equal(ours->vid, theirs->vid);
	for (int i = 0; i < 20; i++) {
		link_send(ours, 20, 300);
		link_send(theirs, 10, 1000);
		assert_int_equal(link_take(ours, pool, packets, 32), 20);
		for (int j = 0; j < 20; j++)
			rte_pktmbuf_free(packets[j]);
		assert_int_equal(link_take(theirs, pool, packets, 32), 10);
		for (int j = 0; j < 10; j++) {
			link_stamp(ours, 200);
			rte_pktmbuf_trim(packets[j], 800);
			memcpy(rte_pktmbuf_mtod(packets[j], void *), ours->frame, 200);
			link_give(ours, &packets[j], 1);
			rte_pktmbuf_free(packets[j]);
		}
		link_receive(ours);
	}
	link_close(ours);
	link_close(theirs);
	inside_pool_end(pool);
	assert_int_equal(inside_count_log("DPDK's own librte_vhost is in this process as well"), 1);
}
#else
/** DPDK's drivers find this library under the name of DPDK's, and theirs is not loaded. */
static void dpdks_own_library_beside_it(void **state)
{
	void *handle = dlopen("librte_net_vhost.so.23", RTLD_NOW);
	char line[512];
	int found = 0;
	FILE *maps;

	(void)state;
	assert_non_null(handle);
	maps = fopen("/proc/self/maps", "r");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "librte_vhost.so")) {
			assert_null(strstr(line, "/x86_64-linux-gnu/"));
			found++;
		}
	fclose(maps);
	assert_true(found > 0);
	assert_int_equal(inside_count_log("DPDK's own librte_vhost"), 0);
}
#endif

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(without_objects),
	cmocka_unit_test(with_an_index_of_no_operations),
	cmocka_unit_test(too_small_for_mbufs),
	cmocka_unit_test(of_objects_that_are_no_mbufs),
	cmocka_unit_test(null_arguments),
	cmocka_unit_test(dpdks_own_library_beside_it),
};

int main(void)
{
	alarm(100);
	inside_start(NULL);
	inside_catch_log();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
