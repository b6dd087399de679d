/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTE_VDPA_H
#define RTE_VDPA_H

/**
 * @file
 * vDPA devices, as applications see them: hardware that moves packets between guest memory and
 * itself. The interface is that of DPDK 21.08; all functions are in the version node DPDK_21.
 *
 * Functions with an int result return a negative value when the device is NULL or its driver lacks
 * the operation.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a statistic's name, its terminating zero included. */
#define RTE_VDPA_STATS_NAME_SIZE 64

struct rte_device;
struct rte_vdpa_device;

/** Name of a statistic of a virtqueue. */
struct rte_vdpa_stat_name {
	/** Zero-terminated. */
	char name[RTE_VDPA_STATS_NAME_SIZE];
};

/** A statistic of a virtqueue. */
struct rte_vdpa_stat {
	/** Index of its name. */
	uint64_t id;
	/** Value. */
	uint64_t value;
};

/**
 * Find a vDPA device.
 *
 * @param name
 *   Name of the device that it was registered for.
 * @return
 *   vDPA device, or NULL.
 */
struct rte_vdpa_device *rte_vdpa_find_device_by_name(const char *name);

/**
 * The device that a vDPA device was registered for.
 *
 * @param vdpa_dev
 *   vDPA device.
 * @return
 *   Device, or NULL when vdpa_dev is NULL.
 */
struct rte_device *rte_vdpa_get_rte_device(struct rte_vdpa_device *vdpa_dev);

/**
 * Pairs of queues that a vDPA device supports.
 *
 * @param dev
 *   vDPA device.
 * @param queue_num
 *   Out: pairs.
 * @return
 *   0, or negative.
 */
int rte_vdpa_get_queue_num(struct rte_vdpa_device *dev, uint32_t *queue_num);

/**
 * Virtio features that a vDPA device supports.
 *
 * @param dev
 *   vDPA device.
 * @param features
 *   Out: one bit for each feature.
 * @return
 *   0, or negative.
 */
int rte_vdpa_get_features(struct rte_vdpa_device *dev, uint64_t *features);

/**
 * Protocol features that a vDPA device supports.
 *
 * @param dev
 *   vDPA device.
 * @param features
 *   Out: one bit for each VHOST_USER_PROTOCOL_F_*.
 * @return
 *   0, or negative.
 */
int rte_vdpa_get_protocol_features(struct rte_vdpa_device *dev, uint64_t *features);

/**
 * Names of a vDPA device's statistics.
 *
 * @param dev
 *   vDPA device.
 * @param stats_names
 *   Out: names; NULL to ask for their number.
 * @param size
 *   Elements of stats_names.
 * @return
 *   Names there are; if more than size, nothing was written. Or negative.
 */
int rte_vdpa_get_stats_names(struct rte_vdpa_device *dev, struct rte_vdpa_stat_name *stats_names,
	unsigned int size);

/**
 * Statistics of a virtqueue of a vDPA device.
 *
 * @param dev
 *   vDPA device.
 * @param qid
 *   Virtqueue index.
 * @param stats
 *   Out: statistics.
 * @param n
 *   Elements of stats.
 * @return
 *   Statistics written, or negative.
 */
int rte_vdpa_get_stats(struct rte_vdpa_device *dev, uint16_t qid, struct rte_vdpa_stat *stats,
	unsigned int n);

/**
 * Set the statistics of a virtqueue of a vDPA device to zero.
 *
 * @param dev
 *   vDPA device.
 * @param qid
 *   Virtqueue index.
 * @return
 *   0, or negative.
 */
int rte_vdpa_reset_stats(struct rte_vdpa_device *dev, uint16_t qid);

#ifdef __cplusplus
}
#endif

#endif /* RTE_VDPA_H */
