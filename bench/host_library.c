/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The library under test, the pool, and the device with a guest in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "host_clock.h"

#ifdef BENCH_DPDK
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#endif

/** Mbufs: one less than a power of two suits rte_ring. */
#define POOL_SIZE 8191
/** Mbufs in the cache of an lcore. */
#define POOL_CACHE 256
/** Seconds until a device must be there. */
#define PATIENCE 5.0

/** The device; callbacks have no argument to pass it by. */
static atomic_int live_vid = -1;

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
	    find(bench, "rte_vhost_driver_unregister", &library->driver_unregister) < 0 ||
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

static int on_new_device(int vid)
{
	atomic_store(&live_vid, vid);
	return 0;
}

static void on_destroy_device(int vid)
{
	(void)vid;
	atomic_store(&live_vid, -1);
}

static const struct bench_device_ops callbacks = {
	.new_device = on_new_device,
	.destroy_device = on_destroy_device,
};

static int serve(struct bench *bench)
{
	struct bench_library *library = &bench->library;
	const char *path = bench->options.socket;

	unlink(path);
	if (library->driver_register(path, 0) < 0)
		return bench_fail(bench, "rte_vhost_driver_register failed");
	if (library->driver_callback_register(path, &callbacks) < 0)
		return bench_fail(bench, "rte_vhost_driver_callback_register failed");
	if (library->driver_start(path) < 0)
		return bench_fail(bench, "rte_vhost_driver_start failed");
	return 0;
}

int bench_connect(struct bench *bench)
{
	const struct bench_options *options = &bench->options;
	struct guest_config config;
	int ret;

	if (serve(bench) < 0)
		return -1;
	guest_config_init(&config);
	config.socket_path = options->socket;
	config.ring_size = options->ring_size;
	config.buffer_size = BENCH_BUFFER;
	/* guest_fast.h: a full ring is the end of a prefill, a lack of buffers is not. */
	config.tx_buffers = options->ring_size + BENCH_FRAME / BENCH_BUFFER + 1;
	config.manual_rx = true;
	if (options->packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	if (!options->event_index)
		config.features &= ~GUEST_BIT(VIRTIO_RING_F_EVENT_IDX);
	ret = guest_create(&config, &bench->guest);
	if (ret < 0)
		return bench_fail(bench, "guest: %s", strerror(-ret));
	bench->queue = options->enqueue ? guest_rx_queue(bench->guest, 0) :
					  guest_tx_queue(bench->guest, 0);
	bench->queue_id = (uint16_t)bench->queue->index;
	ret = guest_connect(bench->guest);
	if (ret < 0)
		return bench_fail(bench, "guest_connect: %s", strerror(-ret));
	if (options->packed && !guest_has(bench->guest, VIRTIO_F_RING_PACKED))
		return bench_fail(bench, "packed rings are not offered");
	if (!guest_has(bench->guest, VIRTIO_NET_F_MRG_RXBUF))
		return bench_fail(bench, "mergeable buffers are not offered");
	return 0;
}

int bench_start(struct bench *bench)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	double deadline = bench_now() + PATIENCE;
	int ret = guest_stop(bench->guest);

	if (ret == 0) {
		guest_reset(bench->guest);
		ret = guest_start(bench->guest);
	}
	if (ret < 0)
		return bench_fail(bench, "guest_start: %s", strerror(-ret));
	while ((bench->vid = atomic_load(&live_vid)) < 0) {
		if (bench_now() > deadline)
			return bench_fail(bench, "no new_device");
		nanosleep(&nap, NULL);
	}
	/* A host that polls. */
	for (uint16_t queue = 0; queue < 2; queue++)
		bench->library.enable_guest_notification(bench->vid, queue, 0);
	return 0;
}

int bench_finish(struct bench *bench)
{
	unsigned int left;

	for (uint32_t i = 0; i < bench->packet_count; i++)
		rte_pktmbuf_free(bench->packets[i]);
	left = rte_mempool_avail_count(bench->pool);
	if (left != bench->pool_size)
		return bench_fail(bench, "pool: %u mbufs of %u after", left, bench->pool_size);
	guest_disconnect(bench->guest);
	if (bench->library.driver_unregister(bench->options.socket) < 0)
		return bench_fail(bench, "rte_vhost_driver_unregister failed");
	guest_destroy(bench->guest);
	return 0;
}
