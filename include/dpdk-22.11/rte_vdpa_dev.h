/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_2211_VDPA_DEV_H
#define RTEVHOSTSWIFT_2211_VDPA_DEV_H

/**
 * @file
 * vDPA devices, as their drivers see them. The interface is that of DPDK 22.11, whose name for this
 * file is vdpa_driver.h; all functions are in the version node INTERNAL.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_vdpa.h>
#include "rte_vhost.h"

#ifdef __cplusplus
extern "C" {
#endif

/** All virtqueues of a device; for rte_vhost_host_notifier_ctrl(). */
#define RTE_VHOST_QUEUE_ALL 65535

/** Operations of a driver. An int result is 0, or negative for a failure. */
struct rte_vdpa_dev_ops {
	/** Tells the pairs of queues that the device supports. Required. */
	int (*get_queue_num)(struct rte_vdpa_device *dev, uint32_t *queue_num);
	/** Tells the virtio features that the device supports. Required. */
	int (*get_features)(struct rte_vdpa_device *dev, uint64_t *features);
	/** Tells the protocol features that the device supports. Required. */
	int (*get_protocol_features)(struct rte_vdpa_device *dev, uint64_t *protocol_features);
	/** Sets the device up with what was negotiated, and starts it. Required. */
	int (*dev_conf)(int vid);
	/** Stops the device. Required. */
	int (*dev_close)(int vid);
	/** Told that the connection is gone and the vid with it. May be NULL. */
	int (*dev_cleanup)(int vid);
	/** Enables (1) or disables (0) a virtqueue. Required. */
	int (*set_vring_state)(int vid, int vring, int state);
	/** Applies features that changed while the device is running. Required. */
	int (*set_features)(int vid);
	/** Told that live migration is over. May be NULL. */
	int (*migration_done)(int vid);
	/** File descriptor of the VFIO group, or negative. May be NULL. */
	int (*get_vfio_group_fd)(int vid);
	/** File descriptor of the VFIO device, or negative. May be NULL. */
	int (*get_vfio_device_fd)(int vid);
	/** Tells where in the VFIO device a virtqueue's doorbell lies, in bytes. May be NULL. */
	int (*get_notify_area)(int vid, int qid, uint64_t *offset, uint64_t *size);
	/** See rte_vdpa_get_stats_names(). May be NULL. */
	int (*get_stats_names)(struct rte_vdpa_device *dev, struct rte_vdpa_stat_name *stats_names,
		unsigned int size);
	/** See rte_vdpa_get_stats(). May be NULL. */
	int (*get_stats)(struct rte_vdpa_device *dev, int qid, struct rte_vdpa_stat *stats,
		unsigned int n);
	/** See rte_vdpa_reset_stats(). May be NULL. */
	int (*reset_stats)(struct rte_vdpa_device *dev, int qid);
	/** Reads the device's configuration space from its start. May be NULL. */
	int (*get_config)(int vid, uint8_t *config, uint32_t size);
	/** Writes size bytes of it at offset. May be NULL. */
	int (*set_config)(int vid, uint8_t *config, uint32_t offset, uint32_t size, uint32_t flags);
	/** Tells the kind of device, RTE_VHOST_VDPA_DEVICE_TYPE_... NULL: a network device. */
	int (*get_dev_type)(struct rte_vdpa_device *dev, uint32_t *type);
};

/** A vDPA device. */
struct rte_vdpa_device {
	/** The library's list of them. */
	struct {
		/** Next one, or NULL. */
		struct rte_vdpa_device *tqe_next;
		/** What points at this one. */
		struct rte_vdpa_device **tqe_prev;
	} next;
	/** Device that it was registered for. */
	struct rte_device *device;
	/** Driver's operations. */
	struct rte_vdpa_dev_ops *ops;
	/** RTE_VHOST_VDPA_DEVICE_TYPE_..., as the driver told when it registered the device. */
	uint32_t type;
};

/**
 * Register a vDPA device.
 *
 * @param rte_dev
 *   Device of DPDK's; its name is the vDPA device's name.
 * @param ops
 *   Driver's operations; not copied, must stay valid.
 * @return
 *   vDPA device; or NULL: it was registered before, an operation is missing, or memory is short.
 */
struct rte_vdpa_device *rte_vdpa_register_device(struct rte_device *rte_dev,
	struct rte_vdpa_dev_ops *ops);

/**
 * Forget a vDPA device, and free it.
 *
 * @param dev
 *   vDPA device.
 * @return
 *   0, or -1 when it is not registered.
 */
int rte_vdpa_unregister_device(struct rte_vdpa_device *dev);

/**
 * Let the frontend map a device's doorbells into the guest, or no longer.
 *
 * @param vid
 *   Device.
 * @param qid
 *   Virtqueue index, or RTE_VHOST_QUEUE_ALL.
 * @param enable
 *   true: map; false: unmap.
 * @return
 *   0, or negative.
 */
int rte_vhost_host_notifier_ctrl(int vid, uint16_t qid, bool enable);

/**
 * Copy new used entries from a ring that the driver gave its device to the guest's ring, and log
 * what the device wrote into guest memory. For live migration.
 *
 * @param vid
 *   Device.
 * @param qid
 *   Virtqueue index; the ring is split.
 * @param vring_m
 *   The driver's ring, a struct vring of the same size.
 * @return
 *   Entries copied, 0 or more; or -1.
 */
int rte_vdpa_relay_vring_used(int vid, uint16_t qid, void *vring_m);

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_2211_VDPA_DEV_H */
