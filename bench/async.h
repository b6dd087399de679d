/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * What a packet costs the data-plane core: synchronous calls, asynchronous ones with several
 * engines, and plain memcpy() of the same bytes between the same buffers, window by window in turns
 * in one process.
 *
 * There are two cores and three roles. Guest and data plane alternate: the guest's thread, on its
 * own core, writes (or reads) every cache line of a burst and publishes it, and sleeps; then the
 * data plane makes its calls, which are timed and nothing else is; then the engine's thread, on the
 * guest's core, copies until nothing is left, and only then the guest has its next turn. So each
 * asynchronous call finds a burst of new packets and a burst of finished ones.
 */
#ifndef BENCH_ASYNC_H
#define BENCH_ASYNC_H

#include <stdatomic.h>

#include "more.h"

#include <rte_vhost_async.h>
#include <rtevhostswift.h>
#include <rtevhostswift_dma.h>

/** Windows of one way, and ways, at most. */
#define ASYNC_WINDOWS 512
#define ASYNC_WAYS 16
/** Calls of a window whose durations are kept. */
#define ASYNC_SAMPLES 65536u

/** How packets are moved. */
enum async_kind {
	ASYNC_SYNC,	/**< rte_vhost_dequeue_burst(), rte_vhost_enqueue_burst() */
	ASYNC_COPY,	/**< memcpy(), no library */
	ASYNC_SOFTWARE,	/**< The engine of the library, its worker awake... */
	ASYNC_ASLEEP,	/**< ...or asleep, so that each burst has to wake it. */
	ASYNC_OWN,	/**< An engine of this program: async_engine.c. */
	ASYNC_DMADEV,	/**< DPDK 22.11's functions with dma_skeleton. */
};

/** One way to move packets. */
struct async_way {
	enum async_kind kind;
	uint32_t threshold;	/**< Of the channel. */
	char name[32];		/**< As the command line has it. */
};

/** A stretch of a few milliseconds. */
struct async_window {
	uint64_t packets;	/**< Moved. */
	uint64_t ticks;		/**< In calls. */
	double typical;		/**< Seconds a packet, without interrupted turns. */
	double ping[2];		/**< Cross-core round trip before and after, in seconds. */
	double lost;		/**< Share of its CPU that the data plane lost. */
};

/** DPDK 22.11's functions (include/dpdk-22.11/rte_vhost_async.h). */
struct async_2211 {
	int (*dma_configure)(int16_t dma, uint16_t channel);
	int (*channel_register)(int vid, uint16_t queue);
	int (*channel_unregister)(int vid, uint16_t queue);
	uint16_t (*submit_enqueue_burst)(int vid, uint16_t queue, struct rte_mbuf **packets,
					 uint16_t count, int16_t dma, uint16_t channel);
	uint16_t (*poll_enqueue_completed)(int vid, uint16_t queue, struct rte_mbuf **packets,
					   uint16_t count, int16_t dma, uint16_t channel);
	uint16_t (*try_dequeue_burst)(int vid, uint16_t queue, struct rte_mempool *pool,
				      struct rte_mbuf **packets, uint16_t count, int *inflight,
				      int16_t dma, uint16_t channel);
};

/** DPDK 21.08's functions, and ours. */
struct async_2108 {
	__typeof__(rte_vhost_async_channel_register) *channel_register;
	__typeof__(rte_vhost_async_channel_unregister) *channel_unregister;
	__typeof__(rte_vhost_submit_enqueue_burst) *submit_enqueue_burst;
	__typeof__(rte_vhost_poll_enqueue_completed) *poll_enqueue_completed;
	__typeof__(rte_vhost_async_try_dequeue_burst) *try_dequeue_burst;
	__typeof__(rtevhostswift_vring_stats_get) *vring_stats_get;
	__typeof__(rtevhostswift_dma_create) *dma_create;
	__typeof__(rtevhostswift_dma_attach) *dma_attach;
	__typeof__(rtevhostswift_dma_detach) *dma_detach;
	__typeof__(rtevhostswift_dma_ops) *dma_ops;
	__typeof__(rtevhostswift_dma_stats_get) *dma_stats_get;
	__typeof__(rtevhostswift_dma_inject) *dma_inject;
};

/** Everything. */
struct async_bench {
	const char *library, *socket;
	bool release2211, packed, enqueue;
	uint32_t size, burst, windows, counted_turns;
	double window;
	int host_cpu, guest_cpu;
	struct async_way ways[ASYNC_WAYS];
	uint32_t way_count;
	struct async_window results[ASYNC_WAYS][ASYNC_WINDOWS];

	struct async_2108 r2108;
	struct async_2211 r2211;
	struct rtevhostswift_dma *engine;
	int16_t dma;
	struct rte_mempool *pool;
	uint32_t pool_size;
	struct guest *guest;
	struct guest_queue *queue;
	uint16_t queue_id;
	int vid;

	/* Chains go round in one order, as every library uses them in order. */
	uint16_t *heads;
	uint32_t chain_count;
	uint32_t chains_per_packet;
	uint64_t published;	/**< Chains published. */
	uint64_t recycled;	/**< Chains taken back. */
	uint64_t received;	/**< From the guest: packets that came. */
	uint64_t copied;	/**< Chains that memcpy() had. */
	uint64_t turn;		/**< What the guest writes into its packets. */

	struct rte_mbuf **packets;	/**< To the guest: sent in turn. */
	uint32_t packet_count;
	uint64_t sent, returned;

	uint64_t engine_bytes;	/**< Of a packet: what the library's engine has to copy. */
	bool verify;		/**< Compare what comes. */
	bool drains;		/**< The guest publishes no more. */
	uint64_t verified;	/**< Packets compared. */
	int inflight;		/**< As the last call said. */
	uint64_t moved, ticks;	/**< In counted turns. */
};

/* async_options.c */

/** Read the command line. */
void async_read_options(struct async_bench *bench, int argc, char **argv);

/* async_setup.c */

/** Library, EAL, engine, pool, device with a guest, ring filled. */
void async_begin(struct async_bench *bench);

/** Take it down and check what is left. */
void async_end(struct async_bench *bench);

/** Give the queue its channel, or take it away. */
void async_attach(struct async_bench *bench, const struct async_way *way);
void async_detach(struct async_bench *bench, const struct async_way *way);

/* async_guest.c: jobs of the guest's thread; their argument is struct async_bench. */

/** Wait for the engine, take chains back, write or read them, publish the next burst. */
void async_guest_turn(void *opaque);

/**
 * The next piece of a chain without its header; @p slot is GUEST_NO_SLOT before the first and
 * after the last. @return its bytes.
 */
uint32_t async_piece(const struct async_bench *bench, uint64_t chain, uint32_t *slot,
		     uint8_t **bytes);

/** From the guest: compare packets that came with the chains that they are from. */
void async_check_received(struct async_bench *bench, struct rte_mbuf **packets, uint32_t count,
			  uint64_t chain);

/** Remember the way at work, for the guest's wait. */
extern const struct async_way *async_way;

/* async_calls.c */

/** One turn of the data plane. @return ticks in calls; *moved is what came of it. */
uint64_t async_host_turn(struct async_bench *bench, uint32_t *moved);

/* async_engine.c: an engine of the program's own. */

/** Start the thread, which sleeps until async_engine_run(true). */
void async_engine_start(int cpu);

/** Whether the thread looks for copies. */
void async_engine_run(bool run);

/** Whether all copies are done. */
bool async_engine_idle(void);

/** The callbacks. */
struct rte_vhost_async_channel_ops *async_engine_ops(void);

#endif
