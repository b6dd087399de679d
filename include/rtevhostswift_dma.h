/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_DMA_H
#define RTEVHOSTSWIFT_DMA_H

/**
 * @file
 * A software DMA engine: worker threads that copy for rte_vhost's asynchronous data path in a process that has no DMA
 * hardware. Copies of one channel finish in the order in which they were submitted. No call blocks.
 *
 * An engine is one worker thread. A channel belongs to one virtqueue of one device, named by (vid, queue_id), because
 * that is all that DPDK 21.08's callbacks are told. Typical use, from the new_device() or vring_state_changed() callback:
 * @code
 *   rtevhostswift_dma_attach(engine, vid, queue_id);
 *   rte_vhost_async_channel_register_thread_unsafe(vid, queue_id, config, rtevhostswift_dma_ops());
 * @endcode
 */

#include <stdint.h>

#include <rte_vhost_async.h>
#include <rtevhostswift_engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An engine: one worker thread and its channels. */
struct rtevhostswift_dma;

/** How an engine is made. Zero in every field is a good default. */
struct rtevhostswift_dma_config {
	/** Slots of each channel, in copies of one contiguous piece; 0 means 4096; rounded up to a power of two. */
	uint32_t ring_size;
	/** CPU to pin the worker to, plus one; 0 leaves it to the scheduler. */
	uint32_t cpu_plus_one;
	/** Zero. */
	uint32_t reserved[6];
};

/** Counters of a channel. */
struct rtevhostswift_dma_stats {
	/** Descriptors (packets) accepted. */
	uint64_t submitted;
	/** Descriptors (packets) reported complete. */
	uint64_t completed;
	/** Bytes copied. */
	uint64_t bytes;
	/** Times transfer_data() accepted fewer than offered. */
	uint64_t refused;
};

/**
 * Faults that a test asks of a channel. All zero: none. They replace the result of the callbacks, or hold the worker
 * back; they never make the engine report a copy complete that is not, but for over_report.
 */
struct rtevhostswift_dma_faults {
	/** Result of the next transfer_errors calls of transfer_data(), which accept nothing; negative. */
	int32_t transfer_result;
	/** How many calls. */
	uint32_t transfer_errors;
	/** Accept at most accept_limit - 1 descriptors a call; 0 is no limit. */
	uint32_t accept_limit_plus_one;
	/** Result of the next check_errors calls of check_completed_copies(); negative. */
	int32_t check_result;
	/** How many calls. */
	uint32_t check_errors;
	/** Added to the result of every check_completed_copies(). */
	uint32_t over_report;
	/** 1: accept copies, but neither do nor complete them until set to 0 again. */
	uint32_t hold;
	/** Report at most this many completions a call; 0 is no limit. */
	uint32_t complete_limit;
};

/**
 * Start an engine.
 *
 * @param config
 *   NULL for the defaults.
 * @return
 *   The engine, or NULL with errno set: EINVAL, ENOMEM, EAGAIN (no thread).
 */
struct rtevhostswift_dma *rtevhostswift_dma_create(const struct rtevhostswift_dma_config *config);

/**
 * Finish what the engine was given, stop its worker and free it. The channels must have been detached.
 *
 * @return
 *   0, or -1 with errno EBUSY while channels are attached, EINVAL for NULL.
 */
int rtevhostswift_dma_destroy(struct rtevhostswift_dma *engine);

/**
 * Make a channel for a virtqueue.
 *
 * @return
 *   0, or -1 with errno: EINVAL (NULL, vid or queue_id out of range), EEXIST, ENOMEM.
 */
int rtevhostswift_dma_attach(struct rtevhostswift_dma *engine, int vid, uint16_t queue_id);

/**
 * Remove the channel of a virtqueue, after the copies that it was given are done.
 *
 * @return
 *   0, or -1 with errno: ENOENT, EBUSY (copies held back by a fault).
 */
int rtevhostswift_dma_detach(int vid, uint16_t queue_id);

/** The callbacks to register; they find the channel by (vid, queue_id). Static storage. */
struct rte_vhost_async_channel_ops *rtevhostswift_dma_ops(void);

/** Read a channel's counters; 0, or -1 with errno ENOENT or EINVAL. */
int rtevhostswift_dma_stats_get(int vid, uint16_t queue_id, struct rtevhostswift_dma_stats *stats);

/** Set a channel's faults; NULL clears them; 0, or -1 with errno ENOENT. */
int rtevhostswift_dma_inject(int vid, uint16_t queue_id, const struct rtevhostswift_dma_faults *faults);

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_DMA_H */
