/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The library under test, the EAL, the pool, and devices as they come. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include "more.h"

/** Mbufs in the cache of an lcore. */
#define POOL_CACHE 256
/** Seconds until a device must be there. */
#define PATIENCE 10.0
/** Devices of a process, at most. */
#define DEVICES 2048

struct more_library more_library;

/** Devices in the order of new_device(); callbacks have no argument to pass it by. */
static int vids[DEVICES];
static atomic_uint begun, running;

void more_die(const char *format, ...)
{
	va_list arguments;

	printf("{\"ok\":false,\"error\":\"");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\"}\n");
	fflush(stdout);
	/* Neither library's threads are asked to end; the process does. */
	_Exit(1);
}

/** Function pointers and object pointers are of one size wherever there is a dlsym(). */
void more_find(const char *name, void *function)
{
	void *found = dlsym(more_library.handle, name);

	if (!found)
		more_die("no %s in the library", name);
	memcpy(function, &found, sizeof(found));
}

void more_load(const char *path)
{
	struct more_library *library = &more_library;

	library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library->handle)
		more_die("dlopen: %s", dlerror());
	more_find("rte_vhost_driver_register", &library->driver_register);
	more_find("rte_vhost_driver_callback_register", &library->driver_callback_register);
	more_find("rte_vhost_driver_start", &library->driver_start);
	more_find("rte_vhost_driver_unregister", &library->driver_unregister);
	more_find("rte_vhost_enable_guest_notification", &library->enable_guest_notification);
	more_find("rte_vhost_get_vhost_vring", &library->get_vhost_vring);
	more_find("rte_vhost_enqueue_burst", &library->enqueue_burst);
	more_find("rte_vhost_dequeue_burst", &library->dequeue_burst);
}

void more_start(int host_cpu, int guest_cpu, const char *extra)
{
	char lcores[64], last[128];
	char *arguments[] = {
		"bench", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "512",
		"--iova-mode=va", "--log-level", "lib.*:error", "--lcores", lcores, last, NULL,
	};
	int count = (int)(sizeof(arguments) / sizeof(*arguments)) - 1;

	/* A thread with an lcore id is what the pool's caches want. */
	snprintf(lcores, sizeof(lcores), "0@%d,1@%d", host_cpu, guest_cpu);
	if (extra)
		snprintf(last, sizeof(last), "%s", extra);
	else
		arguments[--count] = NULL;
	if (rte_eal_init(count, arguments) < 0)
		more_die("rte_eal_init: %s", rte_strerror(rte_errno));
}

struct rte_mempool *more_make_pool(uint32_t count)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"bench", count, POOL_CACHE, 0, MORE_BUFFER + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);

	if (!pool || rte_mempool_avail_count(pool) != count)
		more_die("rte_pktmbuf_pool_create failed");
	return pool;
}

static int on_new_device(int vid)
{
	unsigned int number = atomic_load(&begun);

	if (number >= DEVICES)
		return -1;
	vids[number] = vid;
	atomic_store(&begun, number + 1);
	atomic_fetch_add(&running, 1);
	return 0;
}

static void on_destroy_device(int vid)
{
	(void)vid;
	atomic_fetch_sub(&running, 1);
}

/* DPDK 21.11 renamed the type and kept the layout of what is used here. */
static const struct vhost_device_ops callbacks = {
	.new_device = on_new_device,
	.destroy_device = on_destroy_device,
};

void more_serve(const char *path, uint64_t flags)
{
	struct more_library *library = &more_library;

	unlink(path);
	if (library->driver_register(path, flags) < 0)
		more_die("rte_vhost_driver_register failed");
	if (library->driver_callback_register(path, &callbacks) < 0)
		more_die("rte_vhost_driver_callback_register failed");
	if (library->driver_start(path) < 0)
		more_die("rte_vhost_driver_start failed");
}

int more_device(unsigned int index)
{
	double deadline = bench_now() + PATIENCE;

	while (atomic_load(&begun) <= index) {
		if (bench_now() > deadline)
			more_die("no new_device");
		more_nap(20000);
	}
	return vids[index];
}

unsigned int more_device_count(void)
{
	return atomic_load(&running);
}

void more_await_count(unsigned int count)
{
	double deadline = bench_now() + PATIENCE;

	while (atomic_load(&running) != count) {
		if (bench_now() > deadline)
			more_die("%u devices in place of %u", atomic_load(&running), count);
		more_nap(20000);
	}
}

uint32_t more_number(const char *text, uint64_t low, uint64_t high)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < low || value > high)
		more_die("%s is not a number from %" PRIu64 " to %" PRIu64, text, low, high);
	return (uint32_t)value;
}

void more_print_numbers(const char *name, const uint32_t *values, uint32_t count)
{
	printf("\"%s\":[", name);
	for (uint32_t i = 0; i < count; i++)
		printf("%s%" PRIu32, i > 0 ? "," : "", values[i]);
	printf("]");
}
