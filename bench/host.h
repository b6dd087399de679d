/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * One cell of the benchmark: a host and a guest in one process, one virtqueue, one packet size.
 *
 * The same sources make two programs. host-own is built with this repository's headers and has
 * the library's own mbuf pool; host-dpdk (BENCH_DPDK) is built with DPDK's headers and has an EAL
 * and an rte_mempool. Both find the vhost functions by dlsym(), so that host-dpdk runs any library
 * with DPDK's rte_vhost interface: ours, DPDK's own, or a third one.
 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_vhost.h>

#include "guest.h"

/** Packets of one call, at most. */
#define BENCH_BURST 256
/** Bytes of a packet, at most; one guest buffer and mbuf after the other up to here. */
#define BENCH_FRAME 16384
/** Bytes of data of a guest buffer, its virtio-net header included, and of an mbuf. */
#define BENCH_BUFFER 2048
/** Windows of one kind, at most. */
#define BENCH_WINDOWS 4096

/* DPDK renamed it in 21.11 and kept the layout of what is used here. */
#ifdef BENCH_DPDK
#define bench_device_ops rte_vhost_device_ops
#else
#define bench_device_ops vhost_device_ops
#endif

/** The command line. */
struct bench_options {
	const char *library;	/**< Path for dlopen(), or NULL: whatever is linked. */
	const char *socket;	/**< Path of the socket to make. */
	const char *label;	/**< Copied to the output. */
	unsigned int round;	/**< Copied to the output. */
	bool enqueue;		/**< Towards the guest. */
	bool packed;		/**< Ring format. */
	bool event_index;	/**< Negotiate VIRTIO_RING_F_EVENT_IDX. */
	uint32_t size;		/**< Bytes of a packet. */
	uint32_t burst;		/**< Packets of a call. */
	uint32_t ring_size;	/**< Descriptors. */
	uint32_t lock_windows;	/**< Windows in lock-step... */
	uint32_t free_windows;	/**< ...and free-running ones... */
	double window;		/**< ...their length in seconds. */
	uint64_t count;		/**< Not 0: so many packets in lock-step and no clock. */
	int host_cpu, guest_cpu;
};

/** The functions under test. */
struct bench_library {
	void *handle;
	__typeof__(rte_vhost_driver_register) *driver_register;
	__typeof__(rte_vhost_driver_unregister) *driver_unregister;
	__typeof__(rte_vhost_driver_callback_register) *driver_callback_register;
	__typeof__(rte_vhost_driver_start) *driver_start;
	__typeof__(rte_vhost_enable_guest_notification) *enable_guest_notification;
	__typeof__(rte_vhost_enqueue_burst) *enqueue_burst;
	__typeof__(rte_vhost_dequeue_burst) *dequeue_burst;
};

/** What a stretch of work came to. */
struct bench_counts {
	uint64_t packets;	/**< Moved. */
	uint64_t call_ticks;	/**< In calls that moved some. */
	uint64_t idle_calls;	/**< Calls that moved none. */
};

/** A stretch of a few milliseconds. */
struct bench_window {
	struct bench_counts counts;
	double seconds;		/**< Wall clock. */
	double call_seconds;	/**< In calls that moved packets. */
	double typical;		/**< In lock-step: seconds a packet, without interrupted calls. */
	double ping[2];		/**< Cross-core round trip before and after, in seconds. */
	double lost[2];		/**< Share of its CPU that host and guest thread lost. */
};

/** Everything. */
struct bench {
	struct bench_options options;
	struct bench_library library;
	struct rte_mempool *pool;
	unsigned int pool_size;		/**< Mbufs free when nothing is in use. */
	struct guest *guest;
	struct guest_queue *queue;	/**< The virtqueue under test. */
	uint16_t queue_id;		/**< Its index. */
	int vid;			/**< The device. */
	uint64_t verified;		/**< Packets checked. */
	double ticks_per_second;	/**< Of bench_ticks(). */
	uint64_t tick_cost;		/**< Ticks that two readings of the clock take. */

	/** To the guest: packets that are sent in turn, the first ones repeated at the end. */
	struct rte_mbuf **packets;
	uint32_t packet_count;		/**< Without the repetition. */
	uint32_t next_packet;

	struct bench_window *lock, *free;
};

/** Say what went wrong, in the output's format, and fail. */
int bench_fail(const struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* host_options.c */

/** Read the command line. @return 0 or -1. */
int bench_read_options(struct bench_options *options, int argc, char **argv);

/* host_library.c: the library, the pool and the device. */

/** Load the library. Before bench_make_pool(), lest an EAL plugin brings another one. */
int bench_load(struct bench *bench);

/** Make the pool; with DPDK, an EAL for it. */
int bench_make_pool(struct bench *bench);

/** Register and start the socket, make a guest and connect it. */
int bench_connect(struct bench *bench);

/** (Re)start the guest with empty rings and wait for the device. */
int bench_start(struct bench *bench);

/** Take everything down and check the pool's level. */
int bench_finish(struct bench *bench);

/* host_packets.c: contents. */

/** An mbuf (chain) with packet @p sequence in it, or NULL. */
struct rte_mbuf *bench_make_packet(struct bench *bench, uint64_t sequence);

/** Send and check some rings full of packets: every byte, the order, the pool's level. */
int bench_verify(struct bench *bench);

/** Fill the ring, and for enqueue make packets, for the functions of host_work.c. */
int bench_prefill(struct bench *bench);

/** Whether the timed loop still moves what it should; uses up one burst. */
int bench_verify_again(struct bench *bench);

/* host_work.c: the timed loops. */

/** Learn the clock's speed. */
void bench_calibrate(struct bench *bench);

/** Stay on a CPU, if it can be had. */
void bench_pin(int cpu);

/** Make options.lock_windows windows with guest and host taking turns. */
int bench_lock_step(struct bench *bench);

/** Move options.count packets in lock-step, and nothing else: callgrind counts the calls. */
int bench_count(struct bench *bench);

/* host_free.c */

/** Make options.free_windows windows with the guest on a core of its own. */
int bench_free_running(struct bench *bench);

#endif
