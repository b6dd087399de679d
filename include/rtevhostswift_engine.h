/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_ENGINE_H
#define RTEVHOSTSWIFT_ENGINE_H

/**
 * @file
 * What the asynchronous data path and a DMA engine tell each other. The structures are those of
 * DPDK 21.08's rte_vhost_async.h, which includes this file; later releases gave them up, but the
 * library hands copies over in this shape for every release.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One side of a packet's copy: pieces of memory, addressed as the engine sees them (IOVA). */
struct rte_vhost_iov_iter {
	/** Bytes of the first piece to leave out. */
	size_t offset;
	/** Bytes to copy, over all pieces. */
	size_t count;
	/** The pieces; iov_base is an IOVA. */
	struct iovec *iov;
	/** Elements of iov. */
	unsigned long nr_segs;
};

/** A packet's copy. Both sides have the same number of bytes; their pieces match one to one. */
struct rte_vhost_async_desc {
	/** From where. */
	struct rte_vhost_iov_iter *src;
	/** To where. */
	struct rte_vhost_iov_iter *dst;
};

/** For an engine's own use: per-copy words. The library passes NULL for the structure. */
struct rte_vhost_async_status {
	/** About the source. */
	uintptr_t *src_opaque_data;
	/** About the destination. */
	uintptr_t *dst_opaque_data;
};

/**
 * Callbacks of a DMA engine. They run inside a burst, with the virtqueue's lock held, so they must
 * not call functions of this library for the same virtqueue.
 */
struct rte_vhost_async_channel_ops {
	/**
	 * Start copies.
	 *
	 * @param vid
	 *   Device.
	 * @param queue_id
	 *   Virtqueue index.
	 * @param descs
	 *   count copies; they and all that they point at are valid during the call only.
	 * @param opaque_data
	 *   NULL.
	 * @param count
	 *   Copies.
	 * @return
	 *   Copies accepted, from descs[0] on, or negative for an error, and then none.
	 */
	int32_t (*transfer_data)(int vid, uint16_t queue_id, struct rte_vhost_async_desc *descs,
		struct rte_vhost_async_status *opaque_data, uint16_t count);
	/**
	 * Ask how many copies are done.
	 *
	 * @param vid
	 *   Device.
	 * @param queue_id
	 *   Virtqueue index.
	 * @param opaque_data
	 *   NULL.
	 * @param max_packets
	 *   Most that the library wants to hear of.
	 * @return
	 *   Copies done since the last call, in the order in which they were accepted, at most
	 *   max_packets; or negative for an error.
	 */
	int32_t (*check_completed_copies)(int vid, uint16_t queue_id,
		struct rte_vhost_async_status *opaque_data, uint16_t max_packets);
};

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_ENGINE_H */
