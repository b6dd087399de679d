/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_2211_VHOST_CRYPTO_H
#define RTEVHOSTSWIFT_2211_VHOST_CRYPTO_H

/**
 * @file
 * A virtio crypto device whose requests become operations of DPDK's cryptodev. The interface is
 * that of DPDK 22.11, where rte_vhost_crypto_create() takes one pool.
 */

#include <stdint.h>

#include <rte_compat.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Mbufs that a pool for these requests should have. */
#define VHOST_CRYPTO_MBUF_POOL_SIZE 8192
/** Requests to fetch in one burst at most. */
#define VHOST_CRYPTO_MAX_BURST_SIZE 64
/** Bytes of data of a request at most. */
#define VHOST_CRYPTO_MAX_DATA_SIZE 4096
/** Sessions of a device at most. */
#define VHOST_CRYPTO_SESSION_MAP_ENTRIES 1024
/** Bytes of an initialisation vector at most. */
#define VHOST_CRYPTO_MAX_IV_LEN 32
/** Descriptors of a request at most. */
#define VHOST_CRYPTO_MAX_N_DESC 32

/** Eventfds that rte_vhost_crypto_finalize_requests() may tell at most. */
#define VIRTIO_CRYPTO_MAX_NUM_BURST_VQS 64

struct rte_crypto_op;
struct rte_mempool;

/** Whether requests are copied. */
enum rte_vhost_crypto_zero_copy {
	/** Data is copied to mbufs. */
	RTE_VHOST_CRYPTO_ZERO_COPY_DISABLE = 0,
	/** Mbufs point into guest memory. */
	RTE_VHOST_CRYPTO_ZERO_COPY_ENABLE = 1,
	/** One above the highest value. */
	RTE_VHOST_CRYPTO_MAX_ZERO_COPY_OPTIONS = 2
};

/**
 * Set a registered socket up for crypto devices and start it.
 *
 * @param path
 *   Path of the socket.
 * @return
 *   0, or negative.
 */
__rte_experimental
int rte_vhost_crypto_driver_start(const char *path);

/**
 * Make a device a crypto device; from new_device().
 *
 * @param vid
 *   Device.
 * @param cryptodev_id
 *   DPDK's device that is to do the work.
 * @param sess_pool
 *   Pool of sessions.
 * @param socket_id
 *   NUMA node for its own memory.
 * @return
 *   0, or negative.
 */
int rte_vhost_crypto_create(int vid, uint8_t cryptodev_id, struct rte_mempool *sess_pool,
	int socket_id);

/**
 * Undo rte_vhost_crypto_create(); from destroy_device().
 *
 * @param vid
 *   Device.
 * @return
 *   0, or negative.
 */
int rte_vhost_crypto_free(int vid);

/**
 * Switch copying of requests on or off, while none is being worked on.
 *
 * @param vid
 *   Device.
 * @param option
 *   Copy or not.
 * @return
 *   0, or negative.
 */
int rte_vhost_crypto_set_zero_copy(int vid, enum rte_vhost_crypto_zero_copy option);

/**
 * Turn requests of the guest into operations.
 *
 * @param vid
 *   Device.
 * @param qid
 *   Virtqueue index.
 * @param ops
 *   In: nb_ops operations, allocated, each with an mbuf as source (and one as destination if data
 *   is copied). Out: filled in.
 * @param nb_ops
 *   Operations.
 * @return
 *   Operations filled in, from ops[0] on.
 */
uint16_t rte_vhost_crypto_fetch_requests(int vid, uint32_t qid, struct rte_crypto_op **ops,
	uint16_t nb_ops);

/**
 * Give finished operations' results to their guests. The guests are not interrupted: that is for
 * the caller, with rte_vhost_vring_call() or through callfds.
 *
 * @param ops
 *   nb_ops finished operations of one virtqueue.
 * @param nb_ops
 *   Operations.
 * @param callfds
 *   Out: eventfds that interrupt the guests; room for VIRTIO_CRYPTO_MAX_NUM_BURST_VQS.
 * @param nb_callfds
 *   Out: how many.
 * @return
 *   Operations given back.
 */
uint16_t rte_vhost_crypto_finalize_requests(struct rte_crypto_op **ops, uint16_t nb_ops,
	int *callfds, uint16_t *nb_callfds);

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_2211_VHOST_CRYPTO_H */
