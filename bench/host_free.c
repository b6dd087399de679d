/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Free-running: the guest polls on one core, the host on another. The cores' distance changes
 * with the hypervisor's mind, hence the round trips between them around every window.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "guest_fast.h"
#include "host.h"
#include "host_work.h"

/** Round trips of one ping, and how many are timed together. */
#define ROUND_TRIPS 200
#define BATCH 25
/** Seconds after which a ping has taken long enough. */
#define PATIENCE 1e-3
/** For members of struct partner that different threads write. */
#define OWN_LINE __attribute__((aligned(128)))

/** The guest's thread. Odd orders start a window, even ones end it. */
struct partner {
	struct bench *bench;
	pthread_t thread;
	/* Written by the host... */
	OWN_LINE atomic_uint order;
	atomic_bool quit;
	OWN_LINE atomic_uint ping;
	/* ...and by the guest. */
	OWN_LINE atomic_uint done;	/**< Last order carried out. */
	double lost;			/**< Share of its CPU that it lost in the last window. */
	OWN_LINE atomic_uint pong;
};

/** The guest in a window. */
static void run_guest(struct partner *partner, unsigned int order)
{
	const struct bench *bench = partner->bench;
	double start = bench_now(), cpu = bench_cpu_time(), wall;

	atomic_store_explicit(&partner->done, order, memory_order_release);
	while (atomic_load_explicit(&partner->order, memory_order_acquire) == order)
		for (uint32_t i = 0; i < bench->cell.queues; i++)
			guest_fast_turn(bench->lanes[i].queue);
	wall = bench_now() - start;
	cpu = bench_cpu_time() - cpu;
	partner->lost = wall > cpu ? 1 - cpu / wall : 0;
	atomic_store_explicit(&partner->done, order + 1, memory_order_release);
}

static void *guest_thread(void *opaque)
{
	struct partner *partner = opaque;
	unsigned int pong = 0;

	bench_pin(partner->bench->options.guest_cpu);
	while (!atomic_load_explicit(&partner->quit, memory_order_relaxed)) {
		unsigned int order = atomic_load_explicit(&partner->order, memory_order_acquire);
		unsigned int ping = atomic_load_explicit(&partner->ping, memory_order_acquire);

		if (ping != pong)
			atomic_store_explicit(&partner->pong, pong = ping, memory_order_release);
		else if (order & 1)
			run_guest(partner, order);
	}
	return NULL;
}

/** Give an order and wait until it is carried out. */
static void give_order(struct partner *partner)
{
	unsigned int order = atomic_load_explicit(&partner->order, memory_order_relaxed) + 1;

	atomic_store_explicit(&partner->order, order, memory_order_release);
	while (atomic_load_explicit(&partner->done, memory_order_acquire) != order)
		bench_pause();
}

/** A round trip between the cores, in seconds: the best of a few means, as threads lose CPUs. */
static double ping(struct partner *partner)
{
	unsigned int value = atomic_load_explicit(&partner->ping, memory_order_relaxed);
	double start = bench_now(), before = start, best = 1;

	for (unsigned int i = 0; i < ROUND_TRIPS / BATCH && before - start < PATIENCE; i++) {
		double after;

		for (unsigned int trip = 0; trip < BATCH; trip++) {
			atomic_store_explicit(&partner->ping, ++value, memory_order_release);
			while (atomic_load_explicit(&partner->pong, memory_order_acquire) != value)
				;
		}
		after = bench_now();
		if (after - before < best * BATCH)
			best = (after - before) / BATCH;
		before = after;
	}
	return best;
}

static void free_window(struct bench *bench, struct partner *partner, struct bench_window *window)
{
	uint64_t length = (uint64_t)(bench->cell.window * bench->ticks_per_second);
	double start, cpu;
	uint64_t first;

	window->ping[0] = ping(partner);
	give_order(partner);
	cpu = bench_cpu_time();
	start = bench_now();
	first = bench_ticks();
	while (bench_ticks() - first < length)
		bench_call(bench, bench_next_lane(bench), &window->counts);
	window->seconds = bench_now() - start;
	cpu = bench_cpu_time() - cpu;
	give_order(partner);
	window->ping[1] = ping(partner);
	window->lost[0] = cpu < window->seconds ? 1 - cpu / window->seconds : 0;
	window->lost[1] = partner->lost;
	window->call_seconds = (double)window->counts.call_ticks / bench->ticks_per_second;
}

int bench_free_running(struct bench *bench)
{
	static struct partner partner;
	uint64_t packets = 0;
	int ret;

	if (bench->cell.free_windows == 0)
		return 0;
	memset(&partner, 0, sizeof(partner));
	partner.bench = bench;
	ret = pthread_create(&partner.thread, NULL, guest_thread, &partner);
	if (ret != 0)
		return bench_fail(bench, "pthread_create: %s", strerror(ret));
	for (uint32_t i = 0; i < bench->cell.free_windows; i++) {
		free_window(bench, &partner, &bench->free[i]);
		packets += bench->free[i].counts.packets;
	}
	atomic_store(&partner.quit, true);
	pthread_join(partner.thread, NULL);
	return packets > 0 ? 0 : bench_fail(bench, "no packet moves free-running");
}
