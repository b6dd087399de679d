/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_H
#define RTEVHOSTSWIFT_H

/**
 * @file
 * What librtevhostswift offers beyond DPDK 21.08's rte_vhost: per-queue counters, who may connect, and one more
 * ordering mode of the asynchronous dequeue. Every symbol declared here is in the version node RTEVHOSTSWIFT_1.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Bit of rte_vhost_async_config.features: packets whose copies are complete may be returned, and written to the used
 * ring, before earlier packets that the DMA engine is still copying. Without it the order in which the guest sent
 * packets holds. Without effect on a device that negotiated VIRTIO_F_IN_ORDER.
 */
#define RTE_VHOST_ASYNC_RELAXED_ORDER (1u << 1)

/**
 * Counters of one virtqueue since the device's rings were created. All are monotonic but in_flight. New counters are
 * appended; rtevhostswift_vring_stats_get() takes the size that the caller was compiled with.
 */
struct rtevhostswift_vring_stats {
	/** Packets moved to the guest (even queues) or handed to the application (odd queues). */
	uint64_t packets;
	/** Bytes of those packets, without virtio-net headers. */
	uint64_t bytes;
	/** Payload bytes copied by the CPU. */
	uint64_t cpu_bytes;
	/** Payload bytes handed to and accepted by the DMA engine. */
	uint64_t engine_bytes;
	/** Packets taken from the guest, or accepted from the application, and not yet returned. */
	uint64_t in_flight;
	/** Interrupts sent to the guest. */
	uint64_t notifications;
	/** Interrupts that the guest had asked not to get. */
	uint64_t notifications_suppressed;
	/** Bursts cut short because the mbuf pool was empty. */
	uint64_t pool_empty;
	/** Chains dropped: loop, index out of range, malformed or nested indirect table. */
	uint64_t dropped_bad_chain;
	/** Chains dropped: an address outside guest memory. */
	uint64_t dropped_unmapped;
	/** Chains dropped: shorter than the virtio-net header, or without payload. */
	uint64_t dropped_short;
	/** Chains dropped: a device-writable buffer in a transmit chain or a read-only one in a receive chain. */
	uint64_t dropped_direction;
	/** Chains dropped: longer than 65,557 bytes and a header, or than LINEARBUF without EXTBUF allows. */
	uint64_t dropped_too_long;
	/** Packets whose header announced an offload that the packet cannot have; delivered without the offload. */
	uint64_t bad_offload;
	/** Times the guest broke the ring: an available index further ahead than the ring has slots. */
	uint64_t ring_broken;
	/** Packets the engine did not accept; they are offered again. */
	uint64_t engine_refused;
	/** Negative results and over-reports of the engine's callbacks. */
	uint64_t engine_errors;
};

/**
 * Read the counters of a virtqueue. Safe from any thread; a counter may lag a burst that is running.
 *
 * @param vid
 *   Device, as given to new_device().
 * @param queue_id
 *   Virtqueue index.
 * @param stats
 *   Where to write.
 * @param size
 *   sizeof(struct rtevhostswift_vring_stats) of the caller; at most that much is written.
 * @return
 *   0, or -1 when there is no such device or queue, or stats is NULL.
 */
int rtevhostswift_vring_stats_get(int vid, uint16_t queue_id, struct rtevhostswift_vring_stats *stats, size_t size);

/** Most users that rtevhostswift_driver_allow_uids() takes. */
#define RTEVHOSTSWIFT_MAX_UIDS 16

/**
 * Say who may be at the other end of a socket's connections; without it, whoever the mode of the socket's file lets
 * connect. A peer whose user (SO_PEERCRED: of the process that called connect(), or listen() where the library is the
 * client) is not in the list is hung up on before a byte is read, with one log line a second at most. Root is not in
 * the list unless it says so. To be called between rte_vhost_driver_register() and rte_vhost_driver_start(); a second
 * call replaces the list.
 *
 * RTEVHOSTSWIFT_ALLOW_UIDS in the environment, decimal numbers with commas between them, is such a list for every
 * socket that the process registers, whether it knows this library or not. A peer has to be in both where there are
 * two. With a value that is no such list nothing can be registered.
 *
 * @param path
 *   Socket, as given to rte_vhost_driver_register().
 * @param uids
 *   Users, numbers as this process's user namespace has them.
 * @param count
 *   How many, from 1 to RTEVHOSTSWIFT_MAX_UIDS.
 * @return
 *   0, or -1 when the path is not registered or started already, or the list is empty, too long or NULL or contains -1.
 */
int rtevhostswift_driver_allow_uids(const char *path, const uint32_t *uids, unsigned int count);

/** The library's own version, "major.minor.patch"; static storage. */
const char *rtevhostswift_version(void);

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_H */
