/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The library under test and the pool. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "host.h"

#ifdef BENCH_DPDK
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#endif

/** Mbufs: one less than a power of two suits rte_ring. */
#define POOL_SIZE 8191
/** Mbufs in the cache of an lcore. */
#define POOL_CACHE 256

/** Function pointers and object pointers are of one size wherever there is a dlsym(). */
static int find(struct bench *bench, const char *name, void *function)
{
	void *found = dlsym(bench->library.handle, name);

	if (!found)
		return bench_fail(bench, "no %s in the library", name);
	memcpy(function, &found, sizeof(found));
	return 0;
}

/**
 * Bound at once, and before EAL loads DPDK's drivers: one of them brings DPDK's own librte_vhost,
 * and with it functions of the same names, into the process.
 */
int bench_load(struct bench *bench)
{
	struct bench_library *library = &bench->library;
	const char *path = bench->options.library;

	library->handle = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : RTLD_DEFAULT;
	if (path && !library->handle)
		return bench_fail(bench, "dlopen: %s", dlerror());
	if (find(bench, "rte_vhost_driver_register", &library->driver_register) < 0 ||
	    find(bench, "rte_vhost_driver_callback_register",
		 &library->driver_callback_register) < 0 ||
	    find(bench, "rte_vhost_driver_start", &library->driver_start) < 0 ||
	    find(bench, "rte_vhost_enable_guest_notification",
		 &library->enable_guest_notification) < 0 ||
	    find(bench, "rte_vhost_enqueue_burst", &library->enqueue_burst) < 0 ||
	    find(bench, "rte_vhost_dequeue_burst", &library->dequeue_burst) < 0)
		return -1;
	return 0;
}

#ifdef BENCH_DPDK
/** An EAL without root, huge pages, devices or traces in the file system. */
static int start_eal(struct bench *bench)
{
	char lcore[32];
	char *arguments[] = {
		"bench", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256",
		"--log-level", "lib.*:error", "--lcores", lcore, NULL,
	};
	int count = (int)(sizeof(arguments) / sizeof(*arguments)) - 1;

	/* A thread with an lcore id is what the pool's caches want. */
	snprintf(lcore, sizeof(lcore), "0@%d", bench->options.host_cpu);
	if (rte_eal_init(count, arguments) < 0)
		return bench_fail(bench, "rte_eal_init: %s", rte_strerror(rte_errno));
	return 0;
}
#else
static int start_eal(struct bench *bench)
{
	(void)bench;
	return 0;
}
#endif

int bench_make_pool(struct bench *bench)
{
	if (start_eal(bench) < 0)
		return -1;
	bench->pool = rte_pktmbuf_pool_create("bench", POOL_SIZE, POOL_CACHE, 0,
					      BENCH_BUFFER + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	if (!bench->pool)
		return bench_fail(bench, "rte_pktmbuf_pool_create failed");
	bench->pool_size = rte_mempool_avail_count(bench->pool);
	return 0;
}
