/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A DPDK process with DMA devices (dma_skeleton), vhost ports with asynchronous channels, and the
 * guests behind them: what a test of DPDK 22.11's asynchronous data path needs.
 *
 * Written against Debian's headers; which librte_vhost.so.23 it runs on is the dynamic linker's
 * business, and rig_start() makes sure that it is the one that the environment names.
 */
#ifndef DPDK_RIG_H
#define DPDK_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_dmadev.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <rte_vhost_async.h>

#include "guest.h"
#include "guest_packet.h"

/** Queues of a port. */
#define TO_GUEST 0
#define FROM_GUEST 1

/** Packets of one call. */
#define RIG_BURST 32

/** Frames that the tests send. */
#define RIG_MIN 64
#define RIG_MAX 9000

/** Mbufs of the pool. */
#define RIG_MBUFS 4095

/** DMA devices. */
#define RIG_DMAS 2

/** One direction's packets. */
struct rig_flow {
	uint64_t sent;		/**< Packets that were taken; the next one's sequence number. */
	uint64_t received;	/**< Packets that arrived unchanged and in order. */
	uint64_t next;		/**< Least sequence number that may arrive next. */
	uint64_t returned;	/**< To the guest: mbufs that came back. */
	uint64_t empty;		/**< To the guest: chains that came back without a packet. */
};

/** A vhost port and the guest behind it. */
struct rig_port {
	char path[96];
	struct guest *guest;
	int vid;			/**< -1 while there is no device. */
	uint16_t number;
	struct rig_flow to, from;
	int inflight;			/**< What the last dequeue said. */
	bool lossy;			/**< Packets may be missing, never changed. */
	bool ended;			/**< destroy_device() is done. */
	bool clears;			/**< destroy_device() fetches what is in flight. */
	uint64_t cleared;		/**< What it fetched. */
	void (*ending)(struct rig_port *port);	/**< In destroy_device(), first. */
	struct guest_random random;
	uint8_t frame[GUEST_MAX_FRAME + 64];
};

/** The DMA devices' numbers. */
extern int16_t rig_dma[RIG_DMAS];

/** The pool of all packets. */
extern struct rte_mempool *rig_pool;

/** Whether the library under test is DPDK's own. */
extern bool rig_is_reference;

/** EAL, pool and DMA devices, once a process. */
void rig_start(const char *program);
void rig_end(void);

/** (Re)configure and start a DMA device with room for @p copies. */
void rig_dma_setup(int16_t dma, uint16_t copies);

/** A port with a running device; channels are registered for both queues. */
struct rig_port *rig_open(bool packed, uint32_t ring_size);

/** Everything arrives; then the port ends, and nothing is left. */
void rig_close(struct rig_port *port);

/** The guest hangs up; waits until the device is gone. */
void rig_hang_up(struct rig_port *port);

/** Wait for new_device(), or for the end of destroy_device(). */
void rig_wait(struct rig_port *port, bool running);

/** Frees a port whose guest hung up. */
void rig_free(struct rig_port *port);

/** cmocka's teardown: ports that a failed test left. */
int rig_teardown(void **state);

/** Send @p count packets of random sizes to the guest. @return how many were taken. */
uint32_t rig_send(struct rig_port *port, int16_t dma, uint32_t count, uint32_t low, uint32_t high);

/** The guest sends up to @p count packets. @return how many its ring took. */
uint32_t rig_offer(struct rig_port *port, uint32_t count, uint32_t low, uint32_t high);

/** Fetch and check what arrived on both sides. @return how many packets, mbufs and chains did. */
uint32_t rig_take(struct rig_port *port, int16_t dma);

/** Take until nothing is under way in either direction; fails after @p seconds. */
void rig_settle(struct rig_port *port, int16_t dma, double seconds);

/** Mbufs that somebody has, caches counted as free. */
uint32_t rig_in_use(void);

/** Wait up to @p seconds for all mbufs to be back. */
void rig_assert_full(double seconds);

/** Copies that a DMA device was given since it was started. */
uint64_t rig_copies(int16_t dma);

/** Seconds of a clock. */
double rig_now(void);

/** The argument of a test: whether rings are packed. */
extern const bool rig_formats[2];

/** A test of both ring formats. */
#define RIG_BOTH(function) \
	{ #function "_split", function, NULL, rig_teardown, (void *)(uintptr_t)&rig_formats[0] }, \
	{ #function "_packed", function, NULL, rig_teardown, (void *)(uintptr_t)&rig_formats[1] }

/** What a program does first: the EAL, all channels configured, the filter that argv[1] may be. */
void rig_prepare(int argc, char **argv);

/** Main of every test program. */
#define RIG_MAIN(tests) \
	int main(int argc, char **argv) \
	{ \
		int failed; \
		rig_prepare(argc, argv); \
		failed = cmocka_run_group_tests(tests, NULL, NULL); \
		rig_end(); \
		return failed; \
	}

#endif
