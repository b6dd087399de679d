/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_2211_VHOST_ASYNC_H
#define RTEVHOSTSWIFT_2211_VHOST_ASYNC_H

/**
 * @file
 * Packet copies that a DMA engine does while the CPU goes on, as DPDK 22.11 has them: the engine is
 * a virtual channel of a DMA device of DPDK's (rte_dmadev), named by two numbers in each call. All
 * functions are in the version node EXPERIMENTAL.
 *
 * A program registers a socket with RTE_VHOST_USER_ASYNC_COPY, sets DMA devices up and tells the
 * library of them with rte_vhost_async_dma_configure(), and registers each virtqueue that may use
 * them.
 *
 * A channel may serve any number of virtqueues, devices and threads at the same time, and a
 * virtqueue another channel with each call. Where this library differs from DPDK's:
 *
 *  - Pieces of less than 256 bytes, and what a full channel has no room for, are copied by the CPU;
 *    such a packet keeps its place in the order.
 *  - A packet whose copy the DMA device reports as failed reaches nobody: its buffers go back to the
 *    guest with length 0, and it is counted. To the guest, its mbuf comes back as any other.
 *  - Copies that a DMA device forgets, because it was stopped and started again or went away, have
 *    failed in that sense as soon as it is noticed: at the next copy, or after half a second of
 *    polls. A device that is stopped, and not started again, may still write: the guest's memory and
 *    the mbufs are kept.
 *  - Stopping or disabling a virtqueue, a new memory table and a disconnection wait for copies under
 *    way, up to a second; what nobody fetches is freed when they have ended.
 *  - A channel that is configured here before rte_dma_configure() knows it copies nothing until then.
 */

#include <stdint.h>

#include <rte_compat.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rte_mbuf;
struct rte_mempool;

/**
 * Let a virtqueue use DMA devices. Not from callbacks.
 *
 * @param vid
 *   Device; its socket was registered with RTE_VHOST_USER_ASYNC_COPY.
 * @param queue_id
 *   Virtqueue index, even or odd.
 * @return
 *   0, or -1.
 */
__rte_experimental
int rte_vhost_async_channel_register(int vid, uint16_t queue_id);

/**
 * Let a virtqueue use them no longer. Not from callbacks.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @return
 *   0, also when it did not; -1: no such device or queue, packets in flight, or queue in use.
 */
__rte_experimental
int rte_vhost_async_channel_unregister(int vid, uint16_t queue_id);

/**
 * As rte_vhost_async_channel_register(), for callbacks, while no other thread uses the queue.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_async_channel_register_thread_unsafe(int vid, uint16_t queue_id);

/**
 * As rte_vhost_async_channel_unregister(), for callbacks, while no other thread uses the queue.
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
 * Tell the library of a virtual channel, which is started already.
 *
 * @param dma_id
 *   DMA device.
 * @param vchan_id
 *   Its virtual channel.
 * @return
 *   0, or -1.
 */
__rte_experimental
int rte_vhost_async_dma_configure(int16_t dma_id, uint16_t vchan_id);

/**
 * Have the library forget a virtual channel, when no packet is in flight in it.
 *
 * @param dma_id
 *   DMA device.
 * @param vchan_id
 *   Its virtual channel.
 * @return
 *   0, or -1.
 */
__rte_experimental
int rte_vhost_async_dma_unconfigure(int16_t dma_id, uint16_t vchan_id);

/**
 * Start to send packets to the guest. A packet that was taken belongs to the library until
 * rte_vhost_poll_enqueue_completed() gives it back.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index; even.
 * @param pkts
 *   count packets.
 * @param count
 *   Packets.
 * @param dma_id
 *   DMA device.
 * @param vchan_id
 *   Its virtual channel.
 * @return
 *   Packets taken, from pkts[0] on.
 */
__rte_experimental
uint16_t rte_vhost_submit_enqueue_burst(int vid, uint16_t queue_id, struct rte_mbuf **pkts,
	uint16_t count, int16_t dma_id, uint16_t vchan_id);

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
 * @param dma_id
 *   DMA device.
 * @param vchan_id
 *   Its virtual channel.
 * @return
 *   Packets in pkts.
 */
__rte_experimental
uint16_t rte_vhost_poll_enqueue_completed(int vid, uint16_t queue_id, struct rte_mbuf **pkts,
	uint16_t count, int16_t dma_id, uint16_t vchan_id);

/**
 * Receive packets from the guest. The call takes new packets and starts their copies, then returns
 * packets that are complete, which may have been taken earlier, in the order in which the guest
 * sent them.
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
 *   Out: packets taken and not yet returned, after this call; -1 on an error.
 * @param dma_id
 *   DMA device.
 * @param vchan_id
 *   Its virtual channel.
 * @return
 *   Packets in pkts.
 */
__rte_experimental
uint16_t rte_vhost_async_try_dequeue_burst(int vid, uint16_t queue_id,
	struct rte_mempool *mbuf_pool, struct rte_mbuf **pkts, uint16_t count, int *nr_inflight,
	int16_t dma_id, uint16_t vchan_id);

/**
 * Count a virtqueue's packets in flight.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index, even or odd.
 * @return
 *   Packets, or -1: no such device or queue, not registered, or queue in use.
 */
__rte_experimental
int rte_vhost_async_get_inflight(int vid, uint16_t queue_id);

/**
 * The same for callbacks, while no other thread uses the queue.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index, even or odd.
 * @return
 *   Packets, or -1: no such device or queue, or not registered.
 */
__rte_experimental
int rte_vhost_async_get_inflight_thread_unsafe(int vid, uint16_t queue_id);

/**
 * Collect complete packets without a look at the virtqueue's rings.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index, even or odd.
 * @param pkts
 *   Out: packets; the caller's.
 * @param count
 *   Elements of pkts.
 * @param dma_id
 *   DMA device.
 * @param vchan_id
 *   Its virtual channel.
 * @return
 *   Packets in pkts.
 */
__rte_experimental
uint16_t rte_vhost_clear_queue(int vid, uint16_t queue_id, struct rte_mbuf **pkts, uint16_t count,
	int16_t dma_id, uint16_t vchan_id);

/**
 * The same for callbacks, while no other thread uses the queue.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index, even or odd.
 * @param pkts
 *   Out: packets; the caller's.
 * @param count
 *   Elements of pkts.
 * @param dma_id
 *   DMA device.
 * @param vchan_id
 *   Its virtual channel.
 * @return
 *   Packets in pkts.
 */
__rte_experimental
uint16_t rte_vhost_clear_queue_thread_unsafe(int vid, uint16_t queue_id, struct rte_mbuf **pkts,
	uint16_t count, int16_t dma_id, uint16_t vchan_id);

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_2211_VHOST_ASYNC_H */
