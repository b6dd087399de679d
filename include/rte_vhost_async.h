/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTE_VHOST_ASYNC_H
#define RTE_VHOST_ASYNC_H

/**
 * @file
 * Packet copies that a DMA engine does while the CPU goes on. The interface is that of DPDK 21.08,
 * with rte_vhost_async_try_dequeue_burst() as it was proposed for that release. All functions are
 * in the version node EXPERIMENTAL.
 *
 * A program registers a socket with RTE_VHOST_USER_ASYNC_COPY and, for each virtqueue, a channel:
 * two callbacks that start copies and report how many are done. Packets to the guest go through
 * rte_vhost_submit_enqueue_burst() and rte_vhost_poll_enqueue_completed(), packets from the guest
 * through rte_vhost_async_try_dequeue_burst(). rtevhostswift_dma.h has an engine made of software.
 *
 * Source: DPDK 21.08's API; the six-argument dequeue of its development cycle.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_compat.h>

#include "rte_vhost.h"
#include "rtevhostswift_engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A virtio-net header beside a packet in flight. Part of the ABI; not read by this library. */
struct async_nethdr {
	/** The header. */
	struct virtio_net_hdr hdr;
	/** Whether hdr has been filled in. */
	bool valid;
};

/** A packet in flight. Part of the ABI; not read by this library. */
struct async_inflight_info {
	/** The packet. */
	struct rte_mbuf *mbuf;
	__extension__ union {
		/** To the guest: descriptors it takes. */
		uint16_t descs;
		/** From the guest: its header. */
		struct async_nethdr nethdr;
	};
	/** Packed ring: buffers it takes. */
	uint16_t nr_buffers;
	/** Up to whole cache lines. */
	uint8_t rtevhostswift_padding[42];
} __rte_cache_aligned;

/** Bits of rte_vhost_async_config.features. rtevhostswift.h has one more. */
enum {
	/** The engine finishes copies in the order in which it accepted them. Required. */
	RTE_VHOST_ASYNC_INORDER = (1U << 0)
};

/** How a virtqueue uses its channel. */
struct rte_vhost_async_config {
	/**
	 * A piece of at least so many bytes goes to the engine; the CPU copies smaller ones. 1024 is a
	 * good value: with an engine that costs its caller nothing a call is as fast with it as without
	 * at about 500 bytes to the guest, and between 1024 and 1518 from it, where the cores are near each
	 * other (docs/performance-async-epyc.md).
	 */
	uint32_t async_threshold;
	/** RTE_VHOST_ASYNC_INORDER, and other bits. */
	uint32_t features;
	/** Zero. */
	uint32_t rsvd[2];
};

/**
 * Give a virtqueue a channel. Not from callbacks.
 *
 * @param vid
 *   Device; its socket was registered with RTE_VHOST_USER_ASYNC_COPY.
 * @param queue_id
 *   Virtqueue index, even or odd.
 * @param config
 *   Features must contain RTE_VHOST_ASYNC_INORDER.
 * @param ops
 *   Both callbacks; copied.
 * @return
 *   0, or -1: no such device or queue, callback or feature missing, or a channel registered
 *   already.
 */
__rte_experimental
int rte_vhost_async_channel_register(int vid, uint16_t queue_id,
	struct rte_vhost_async_config config, struct rte_vhost_async_channel_ops *ops);

/**
 * Take a virtqueue's channel away. Not from callbacks.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @return
 *   0, also when there was none; -1: no such device or queue, packets in flight, or queue in use.
 */
__rte_experimental
int rte_vhost_async_channel_unregister(int vid, uint16_t queue_id);

/**
 * As rte_vhost_async_channel_register(), for the callbacks of struct vhost_device_ops, while no
 * other thread uses the queue.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @param config
 *   Features must contain RTE_VHOST_ASYNC_INORDER.
 * @param ops
 *   Both callbacks; copied.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_async_channel_register_thread_unsafe(int vid, uint16_t queue_id,
	struct rte_vhost_async_config config, struct rte_vhost_async_channel_ops *ops);

/**
 * As rte_vhost_async_channel_unregister(), for the callbacks of struct vhost_device_ops, while no
 * other thread uses the queue.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_async_channel_unregister_thread_unsafe(int vid, uint16_t queue_id);

/**
 * Start to send packets to the guest. A packet that was taken belongs to the library until it
 * comes back, here in comp_pkts or later from rte_vhost_poll_enqueue_completed().
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index; even.
 * @param pkts
 *   count packets.
 * @param count
 *   Packets.
 * @param comp_pkts
 *   Out: packets that needed no engine and are done; count elements.
 * @param comp_count
 *   Out: how many.
 * @return
 *   Packets taken, from pkts[0] on, those in comp_pkts included.
 */
__rte_experimental
uint16_t rte_vhost_submit_enqueue_burst(int vid, uint16_t queue_id, struct rte_mbuf **pkts,
	uint16_t count, struct rte_mbuf **comp_pkts, uint32_t *comp_count);

/**
 * Collect packets whose copies to the guest are done, tell the guest, and give them back.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index; even.
 * @param pkts
 *   Out: packets; the caller's again.
 * @param count
 *   Elements of pkts.
 * @return
 *   Packets in pkts.
 */
__rte_experimental
uint16_t rte_vhost_poll_enqueue_completed(int vid, uint16_t queue_id, struct rte_mbuf **pkts,
	uint16_t count);

/**
 * Receive packets from the guest whose large pieces the engine copies. The call takes new packets
 * and starts their copies, then returns packets that are complete, which may have been taken
 * earlier, in the order in which the guest sent them. To be called also when the guest sends
 * nothing, until nr_inflight is 0.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index; odd.
 * @param mbuf_pool
 *   Where mbufs are taken from.
 * @param pkts
 *   Out: complete packets; the caller frees them.
 * @param count
 *   Elements of pkts.
 * @param nr_inflight
 *   Out: packets taken and not yet returned, after this call; -1 on an error: no such device or
 *   queue, no channel, or a queue that is in use, or disabled with nothing in flight.
 * @return
 *   Packets in pkts; 0 on an error and when a pointer is NULL.
 */
__rte_experimental
uint16_t rte_vhost_async_try_dequeue_burst(int vid, uint16_t queue_id,
	struct rte_mempool *mbuf_pool, struct rte_mbuf **pkts, uint16_t count, int *nr_inflight);

/**
 * Count a virtqueue's packets in flight.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index, even or odd.
 * @return
 *   Packets, or -1: no such device or queue, no channel, or queue in use.
 */
__rte_experimental
int rte_vhost_async_get_inflight(int vid, uint16_t queue_id);

/**
 * Collect complete packets without a look at the virtqueue's rings, for instance from
 * vring_state_changed(), while no other thread uses the queue.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index, even or odd.
 * @param pkts
 *   Out: packets; the caller's.
 * @param count
 *   Elements of pkts.
 * @return
 *   Packets in pkts.
 */
__rte_experimental
uint16_t rte_vhost_clear_queue_thread_unsafe(int vid, uint16_t queue_id, struct rte_mbuf **pkts,
	uint16_t count);

#ifdef __cplusplus
}
#endif

#endif /* RTE_VHOST_ASYNC_H */
