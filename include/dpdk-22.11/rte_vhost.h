/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_2211_VHOST_H
#define RTEVHOSTSWIFT_2211_VHOST_H

/**
 * @file
 * The interface of DPDK 22.11's rte_vhost, that of librte_vhost.so.23: what it shares with 21.08,
 * and what it has besides. To be found before ../rte_vhost.h, which this file includes.
 *
 * Beside the names that were added, three things differ. The callbacks are a struct
 * rte_vhost_device_ops. rte_vhost_get_queue_num() and rte_vhost_gpa_to_vva() are gone. Functions
 * that were experimental in 21.08 are so no longer, but for the two declared again below.
 */

#include <rte_compat.h>

/** @cond */
#pragma push_macro("__rte_experimental")
#undef __rte_experimental
#define __rte_experimental
#pragma push_macro("vhost_device_ops")
#undef vhost_device_ops
#define vhost_device_ops rte_vhost_device_ops
#include "../rte_vhost.h"
#pragma pop_macro("vhost_device_ops")
#pragma pop_macro("__rte_experimental")
/** @endcond */

#ifndef __swift__
#pragma GCC poison rte_vhost_get_queue_num rte_vhost_gpa_to_vva
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Flag of rte_vhost_driver_register(): keep statistics of virtqueues. */
#define RTE_VHOST_USER_NET_STATS_ENABLE (1ULL << 9)

/** Devices that there can be at a time. */
#define RTE_MAX_VHOST_DEVICE 1024

/** @name Kinds of devices that rte_vhost_driver_get_vdpa_dev_type() tells
 * @{ */
/** A network device. */
#define RTE_VHOST_VDPA_DEVICE_TYPE_NET 0
/** A block device. */
#define RTE_VHOST_VDPA_DEVICE_TYPE_BLK 1
/** @} */

/** Bytes of a statistic's name, its terminating zero included. */
#define RTE_VHOST_STATS_NAME_SIZE 64

/** Name of a statistic of a virtqueue. */
struct rte_vhost_stat_name {
	/** Zero-terminated. */
	char name[RTE_VHOST_STATS_NAME_SIZE];
};

/** A statistic of a virtqueue. */
struct rte_vhost_stat {
	/** Index of its name. */
	uint64_t id;
	/** Value. */
	uint64_t value;
};

/** A word of guest memory that changes when there is work to do, for a processor that waits. */
struct rte_vhost_power_monitor_cond {
	/** Where the word lies in this process. */
	volatile void *addr;
	/** What the masked word is compared with. */
	uint64_t val;
	/** Bits of the word that count. */
	uint64_t mask;
	/** Bytes of the word: 2. */
	uint8_t size;
	/** 1: there is work when they are equal; 0: when they are not. */
	uint8_t match;
};

/** As ../rte_vhost.h says; still experimental. */
__rte_experimental
int rte_vhost_get_negotiated_protocol_features(int vid, uint64_t *protocol_features);

/** As ../rte_vhost.h says; still experimental. */
__rte_experimental
int rte_vhost_slave_config_change(int vid, bool need_reply);

/**
 * Tell what kind of device the hardware behind a socket is.
 *
 * @param path
 *   Path of the socket.
 * @param type
 *   Out: one of RTE_VHOST_VDPA_DEVICE_TYPE_...
 * @return
 *   0, or -1; also for a socket without hardware.
 */
__rte_experimental
int rte_vhost_driver_get_vdpa_dev_type(const char *path, uint32_t *type);

/**
 * As rte_vhost_vring_call(), without waiting for another thread that uses the virtqueue.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @return
 *   0; -EAGAIN when the virtqueue is in use; or -1.
 */
__rte_experimental
int rte_vhost_vring_call_nonblock(int vid, uint16_t vring_idx);

/**
 * Tell which word of guest memory changes when the guest makes the next buffer available.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @param pmc
 *   Out: the word, valid until a callback says that the device or the virtqueue stops.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_get_monitor_addr(int vid, uint16_t queue_id,
	struct rte_vhost_power_monitor_cond *pmc);

/**
 * Tell the names of a virtqueue's statistics.
 *
 * @param vid
 *   Device; its socket was registered with RTE_VHOST_USER_NET_STATS_ENABLE.
 * @param queue_id
 *   Virtqueue index.
 * @param name
 *   Out: names; or NULL.
 * @param size
 *   Elements of name.
 * @return
 *   How many there are; they were written unless that is more than size, or name is NULL.
 *   Negative: no such device or virtqueue, or statistics are not kept.
 */
int rte_vhost_vring_stats_get_names(int vid, uint16_t queue_id, struct rte_vhost_stat_name *name,
	unsigned int size);

/**
 * Tell a virtqueue's statistics.
 *
 * @param vid
 *   Device; its socket was registered with RTE_VHOST_USER_NET_STATS_ENABLE.
 * @param queue_id
 *   Virtqueue index.
 * @param stats
 *   Out: statistics, in the order of their names; or NULL.
 * @param n
 *   Elements of stats.
 * @return
 *   How many there are; they were written unless that is more than n, or stats is NULL.
 *   Negative: no such device or virtqueue, or statistics are not kept.
 */
int rte_vhost_vring_stats_get(int vid, uint16_t queue_id, struct rte_vhost_stat *stats,
	unsigned int n);

/**
 * Set a virtqueue's statistics to zero.
 *
 * @param vid
 *   Device; its socket was registered with RTE_VHOST_USER_NET_STATS_ENABLE.
 * @param queue_id
 *   Virtqueue index.
 * @return
 *   0; negative: no such device or virtqueue, or statistics are not kept.
 */
int rte_vhost_vring_stats_reset(int vid, uint16_t queue_id);

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_2211_VHOST_H */
