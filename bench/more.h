/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * What the programs of bench-async, bench-latency and bench-scale share: a DPDK process (Debian's
 * EAL and mempools) with one vhost library loaded by its path, and a thread on the guest's core.
 *
 * The functions under test are found by dlsym(), so that one program runs both flavours of ours and
 * DPDK's own library. Whatever goes wrong ends the process with a line of JSON that says so.
 */
#ifndef BENCH_MORE_H
#define BENCH_MORE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_vhost.h>

#include "guest.h"
#include "host_clock.h"

/** Bytes of data of a guest buffer, its virtio-net header included, and of an mbuf. */
#define MORE_BUFFER 2048
/** Packets of one call, at most. */
#define MORE_BURST 64

/** The functions of every vhost library. */
struct more_library {
	void *handle;
	__typeof__(rte_vhost_driver_register) *driver_register;
	__typeof__(rte_vhost_driver_callback_register) *driver_callback_register;
	__typeof__(rte_vhost_driver_start) *driver_start;
	__typeof__(rte_vhost_driver_unregister) *driver_unregister;
	__typeof__(rte_vhost_enable_guest_notification) *enable_guest_notification;
	__typeof__(rte_vhost_get_vhost_vring) *get_vhost_vring;
	__typeof__(rte_vhost_enqueue_burst) *enqueue_burst;
	__typeof__(rte_vhost_dequeue_burst) *dequeue_burst;
};

/** The library under test. */
extern struct more_library more_library;

/** Of bench_ticks(), and ticks that two readings of it take. */
extern double more_tick_rate;
extern uint64_t more_tick_cost;

/* more_library.c */

/** Print {"ok":false,…} and end the process. */
_Noreturn void more_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A function of the library under test; @p function is the pointer's address. */
void more_find(const char *name, void *function);

/** Load the library. Before more_start(), lest an EAL plugin brings another one. */
void more_load(const char *path);

/** An EAL without root, huge pages, devices or traces in the file system; @p extra may be NULL. */
void more_start(int host_cpu, int guest_cpu, const char *extra);

/** A pool of @p count mbufs of MORE_BUFFER bytes; checks that they are there. */
struct rte_mempool *more_make_pool(uint32_t count);

/** Register and start a socket; the devices of all sockets are counted by more_device(). */
void more_serve(const char *path, uint64_t flags);

/** vid of the device that began as number @p index of the process; waits for it. */
int more_device(unsigned int index);

/** Devices that there are. */
unsigned int more_device_count(void);

/** Wait until so many devices are left. */
void more_await_count(unsigned int count);

/** A number from a range, of the command line. */
uint32_t more_number(const char *text, uint64_t low, uint64_t high);

/** Print @p count times, in nanoseconds, as a JSON array; to be freed of outliers by the reader. */
void more_print_numbers(const char *name, const uint32_t *values, uint32_t count);

/* more_thread.c */

/** Stay on a CPU, if it can be had. */
void more_pin(int cpu);

/** Learn the clock's speed. */
void more_calibrate(void);

/** Start the guest's thread. It sleeps when it has nothing to do. */
void more_begin_guest(int cpu);

/** Have the guest's thread do something, and wait for the end of it. */
void more_on_guest(void (*job)(void *argument), void *argument);

/** The same in two steps. */
void more_give_guest(void (*job)(void *argument), void *argument);
void more_await_guest(void);

/** A mean round trip between the cores, in seconds. */
double more_ping(void);

/** Nanoseconds of sleep, without the kernel's slack. */
void more_nap(long nanoseconds);

/**
 * Seconds a call that took @p ticks, leaving out those in which another thread or the hypervisor
 * had the CPU: they take many times as long as most. Sorts the array.
 */
double more_typical(uint32_t *ticks, uint32_t count);

/** Share of the CPU that the calling thread lost since its clocks stood at these. */
double more_lost(double wall, double cpu);

#endif
