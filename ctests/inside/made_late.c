/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* A program that brings DPDK into the process when the library has long been at work. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "link.h"

/** A pool that says it is DPDK's, in a process without. */
static void a_pool_without_dpdk_is_refused(void **state)
{
	static struct rte_mempool pool __attribute__((aligned(64)));
	struct link *link = link_open(NULL, 0, false);
	struct rte_mbuf *packets[4];
	char text[4096] = "";
	int kept = dup(2), ends[2];
	ssize_t size;

	(void)state;
	pool.ops_index = 1;
	pool.size = pool.populated_size = 64;
	pool.elt_size = 2304;
	pool.private_data_size = 64;
	link_send(link, 4, 100);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], 2);
	for (int i = 0; i < 5; i++)
		assert_int_equal(link_take(link, &pool, packets, 4), 0);
	dup2(kept, 2);
	close(kept);
	close(ends[1]);
	size = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	assert_true(size > 0);
	assert_string_equal(text, "vhost: rte_vhost_dequeue_burst: the mempool cannot be used: "
				  "it is DPDK's, whose rte_mempool_ops_table is not in sight\n");
	link_close(link);
}

static void find(const char *name, void *function)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	assert_non_null(found);
	memcpy(function, &found, sizeof(found));
}

static int (*log_register)(const char *name);
static int (*log_get_level)(uint32_t type);

static void load(void)
{
	static const char *const libraries[] = {
		"librte_eal.so.23", "librte_mempool.so.23", "librte_mbuf.so.23",
		"librte_mempool_ring.so.23",
	};
	char *arguments[] = {
		"late", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "64", "-l",
		"0", "--log-level=lib.vhost.config:debug", NULL,
	};
	int (*init)(int count, char **arguments);

	for (unsigned int i = 0; i < 4; i++)
		assert_non_null(dlopen(libraries[i], RTLD_NOW | RTLD_GLOBAL));
	find("rte_eal_init", &init);
	find("rte_log_register", &log_register);
	find("rte_log_get_level", &log_get_level);
	assert_true(init(10, arguments) >= 0);
}

/** The device was there before; its packets go into DPDK's mbufs all the same. */
static void dpdk_may_come_after_the_device(void **state)
{
	struct rte_mempool *(*create)(const char *name, unsigned int count, unsigned int cache,
				      uint16_t private_size, uint16_t room, int socket);
	unsigned int (*available)(const struct rte_mempool *pool);
	struct link *link = link_open(NULL, 0, false), *other;
	struct rte_mempool *pool;
	struct rte_mbuf *packets[32];

	(void)state;
	load();
	find("rte_pktmbuf_pool_create", &create);
	find("rte_mempool_avail_count", &available);
	pool = create("late", 511, 32, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	assert_non_null(pool);
	for (int i = 0; i < 50; i++) {
		link_send(link, 20, 400);
		assert_int_equal(link_take(link, pool, packets, 32), 20);
		assert_int_equal(available(pool), 491);
		/* This library's functions; they go by the mbuf's pool. */
		rte_pktmbuf_free_bulk(packets, 20);
		assert_int_equal(available(pool), 511);
	}
	/* 22.11 is what is loaded: the length of lcore 0's cache lies there. */
	assert_in_range(((uint32_t *)pool->local_cache)[2], 1, 48);
	/* --log-level came before the types. */
	other = link_open(NULL, 0, false);
	link_close(other);
	assert_int_equal(log_get_level((uint32_t)log_register("lib.vhost.config")), 8);
	link_close(link);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_pool_without_dpdk_is_refused),
	cmocka_unit_test(dpdk_may_come_after_the_device),
};

int main(void)
{
	alarm(100);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
