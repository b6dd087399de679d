/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTE_VHOST_H
#define RTE_VHOST_H

/**
 * @file
 * A vhost-user backend: the host's side of a virtio device. The interface is that of DPDK 21.08's
 * rte_vhost; the functions marked __rte_experimental are in the version node EXPERIMENTAL, all
 * others in DPDK_21.
 *
 * A program registers a socket with rte_vhost_driver_register(), sets features and callbacks for
 * it and calls rte_vhost_driver_start(). Each connection becomes a device with a small number of
 * its own, the vid, which the callbacks report. Packets then move with rte_vhost_dequeue_burst()
 * (from the guest) and rte_vhost_enqueue_burst() (to the guest).
 *
 * The words: *frontend* is the process that runs the guest, *guest* the driver inside it. A
 * *virtqueue* is named by vid and index; even indexes carry packets to the guest, odd ones from
 * it. Unless a function says otherwise it returns 0 for success and -1 for failure, a vid or queue
 * that does not exist is a failure, and it may be called from any thread and from the callbacks.
 *
 * Source: DPDK 21.08's API; vhost-user protocol of QEMU's documentation; virtio 1.2.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include <rte_common.h>
#include <rte_compat.h>
#include <rte_memory.h>
#include <rte_mempool.h>

#ifdef __cplusplus
/* The kernel's headers name a member "class", and have a function that is not C++. */
#define class class_
#ifndef VIRTIO_RING_NO_LEGACY
#define VIRTIO_RING_NO_LEGACY
#define RTEVHOSTSWIFT_VIRTIO_RING_NO_LEGACY
#endif
#endif
#include <linux/vhost.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#ifdef __cplusplus
#undef class
#endif
#ifdef RTEVHOSTSWIFT_VIRTIO_RING_NO_LEGACY
#undef RTEVHOSTSWIFT_VIRTIO_RING_NO_LEGACY
#undef VIRTIO_RING_NO_LEGACY
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** @name Flags of rte_vhost_driver_register()
 * @{ */
/** Connect to the socket, which the frontend listens on; without it, listen. */
#define RTE_VHOST_USER_CLIENT (1ULL << 0)
/** Do not connect again after a lost connection; only with RTE_VHOST_USER_CLIENT. */
#define RTE_VHOST_USER_NO_RECONNECT (1ULL << 1)
/** Without a meaning since zero copy was removed. */
#define RTE_VHOST_USER_RESERVED_1 (1ULL << 2)
/** Offer VIRTIO_F_ACCESS_PLATFORM: guest addresses go through the frontend's IOMMU. */
#define RTE_VHOST_USER_IOMMU_SUPPORT (1ULL << 3)
/** Offer live migration in post-copy mode (userfaultfd). */
#define RTE_VHOST_USER_POSTCOPY_SUPPORT (1ULL << 4)
/** The application copes with mbufs that have an external buffer; long packets may use one. */
#define RTE_VHOST_USER_EXTBUF_SUPPORT (1ULL << 5)
/** The application copes with single-segment packets only; never return a chain of mbufs. */
#define RTE_VHOST_USER_LINEARBUF_SUPPORT (1ULL << 6)
/** Allow the functions of rte_vhost_async.h. */
#define RTE_VHOST_USER_ASYNC_COPY (1ULL << 7)
/**
 * Report a packet's offloads from the guest as a receiving device does, with PKT_RX_* flags.
 * Without it they are PKT_TX_* flags and header lengths, as DPDK did before 21.05.
 */
#define RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS (1ULL << 8)
/** @} */

/** @name Bit numbers of vhost-user protocol features, where the system's headers have none
 * @{ */
#ifndef VHOST_USER_PROTOCOL_F_MQ
/** More than one pair of queues. */
#define VHOST_USER_PROTOCOL_F_MQ 0
#endif
#ifndef VHOST_USER_PROTOCOL_F_LOG_SHMFD
/** The log of written pages is memory that a file descriptor names. */
#define VHOST_USER_PROTOCOL_F_LOG_SHMFD 1
#endif
#ifndef VHOST_USER_PROTOCOL_F_RARP
/** The backend announces a guest that has moved. */
#define VHOST_USER_PROTOCOL_F_RARP 2
#endif
#ifndef VHOST_USER_PROTOCOL_F_REPLY_ACK
/** A request can ask for an acknowledgement. */
#define VHOST_USER_PROTOCOL_F_REPLY_ACK 3
#endif
#ifndef VHOST_USER_PROTOCOL_F_NET_MTU
/** The frontend tells the MTU. */
#define VHOST_USER_PROTOCOL_F_NET_MTU 4
#endif
#ifndef VHOST_USER_PROTOCOL_F_SLAVE_REQ
/** The backend has a channel for requests of its own. */
#define VHOST_USER_PROTOCOL_F_SLAVE_REQ 5
#endif
#ifndef VHOST_USER_PROTOCOL_F_CRYPTO_SESSION
/** Sessions of a crypto device. */
#define VHOST_USER_PROTOCOL_F_CRYPTO_SESSION 7
#endif
#ifndef VHOST_USER_PROTOCOL_F_PAGEFAULT
/** Page faults of post-copy migration. */
#define VHOST_USER_PROTOCOL_F_PAGEFAULT 8
#endif
#ifndef VHOST_USER_PROTOCOL_F_CONFIG
/** Access to the device's configuration space. */
#define VHOST_USER_PROTOCOL_F_CONFIG 9
#endif
#ifndef VHOST_USER_PROTOCOL_F_SLAVE_SEND_FD
/** The backend's requests can carry file descriptors. */
#define VHOST_USER_PROTOCOL_F_SLAVE_SEND_FD 10
#endif
#ifndef VHOST_USER_PROTOCOL_F_HOST_NOTIFIER
/** The guest can ring a device's doorbell directly. */
#define VHOST_USER_PROTOCOL_F_HOST_NOTIFIER 11
#endif
#ifndef VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD
/** Requests in flight are recorded in memory that outlives the backend. */
#define VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD 12
#endif
#ifndef VHOST_USER_PROTOCOL_F_STATUS
/** The frontend tells and asks the virtio device status. */
#define VHOST_USER_PROTOCOL_F_STATUS 16
#endif
#ifndef VHOST_USER_F_PROTOCOL_FEATURES
/** Bit number of the virtio feature by which protocol features are negotiated. */
#define VHOST_USER_F_PROTOCOL_FEATURES 30
#endif
/** @} */

/** True if the negotiated features ask for a log of the pages that are written. */
#define RTE_VHOST_NEED_LOG(features) ((features) & (1ULL << VHOST_F_LOG_ALL))

struct rte_mbuf;
struct rte_vdpa_device;

/** A piece of guest memory, mapped into this process. */
struct rte_vhost_mem_region {
	/** First guest-physical address. */
	uint64_t guest_phys_addr;
	/** First address in the frontend's process. */
	uint64_t guest_user_addr;
	/** First address in this process. */
	uint64_t host_user_addr;
	/** Bytes. */
	uint64_t size;
	/** What mmap() returned; lies at or below host_user_addr. */
	void *mmap_addr;
	/** Bytes mapped there. */
	uint64_t mmap_size;
	/** File that the memory belongs to. */
	int fd;
};

/** All of a guest's memory. */
struct rte_vhost_memory {
	/** Elements of regions. */
	uint32_t nregions;
	/** The pieces, in no order; they do not overlap in guest-physical addresses. */
	__extension__ struct rte_vhost_mem_region regions[];
};

/** State of a descriptor chain of a split ring, in memory shared with the frontend. */
struct rte_vhost_inflight_desc_split {
	/** 1: taken by the backend and not yet returned; 0 otherwise. */
	uint8_t inflight;
	/** Zero. */
	uint8_t padding[5];
	/** Link of a batch that is being returned together. */
	uint16_t next;
	/** Order in which chains were taken; higher is later. */
	uint64_t counter;
};

/** Record of a split ring's chains in flight; vhost-user's "queue region" for split rings. */
struct rte_vhost_inflight_info_split {
	/** Zero. */
	uint64_t features;
	/** Version of this layout; 1, or 0 while it is blank. */
	uint16_t version;
	/** Elements of desc; the ring's size. */
	uint16_t desc_num;
	/** Head of the batch that was returned last. */
	uint16_t last_inflight_io;
	/** The used ring's index that goes with it. */
	uint16_t used_idx;
	/** One for each descriptor. */
	__extension__ struct rte_vhost_inflight_desc_split desc[];
};

/** State of a descriptor of a packed ring, in memory shared with the frontend. */
struct rte_vhost_inflight_desc_packed {
	/** 1: taken by the backend and not yet returned; 0 otherwise. */
	uint8_t inflight;
	/** Zero. */
	uint8_t padding;
	/** Next element of the same chain, or of the free list. */
	uint16_t next;
	/** Last element of the chain; valid in its first. */
	uint16_t last;
	/** Descriptors of the chain; valid in its first. */
	uint16_t num;
	/** Order in which chains were taken; valid in the first; higher is later. */
	uint64_t counter;
	/** The descriptor's buffer id. */
	uint16_t id;
	/** Its flags. */
	uint16_t flags;
	/** Its length in bytes. */
	uint32_t len;
	/** Its address in the guest. */
	uint64_t addr;
};

/** Record of a packed ring's chains in flight; vhost-user's "queue region" for packed rings. */
struct rte_vhost_inflight_info_packed {
	/** Zero. */
	uint64_t features;
	/** Version of this layout; 1, or 0 while it is blank. */
	uint16_t version;
	/** Elements of desc; the ring's size. */
	uint16_t desc_num;
	/** First free element. */
	uint16_t free_head;
	/** free_head before the return that is going on. */
	uint16_t old_free_head;
	/** Position at which the next used descriptor is written. */
	uint16_t used_idx;
	/** used_idx before the return that is going on. */
	uint16_t old_used_idx;
	/** Wrap counter, 0 or 1, that goes with used_idx. */
	uint8_t used_wrap_counter;
	/** Wrap counter, 0 or 1, that goes with old_used_idx. */
	uint8_t old_used_wrap_counter;
	/** Zero. */
	uint8_t padding[7];
	/** One for each descriptor. */
	__extension__ struct rte_vhost_inflight_desc_packed desc[];
};

/** A chain that an earlier backend took and never returned. */
struct rte_vhost_resubmit_desc {
	/** Its head. */
	uint16_t index;
	/** Order in which chains were taken; higher is later. */
	uint64_t counter;
};

/** All such chains of a virtqueue; the application does them again, last element first. */
struct rte_vhost_resubmit_info {
	/** The chains, by falling counter... */
	struct rte_vhost_resubmit_desc *resubmit_list;
	/** ...and how many are left. */
	uint16_t resubmit_num;
};

/** What rte_vhost_get_vhost_ring_inflight() tells. */
struct rte_vhost_ring_inflight {
	__extension__ union {
		/** Record of a split ring. */
		struct rte_vhost_inflight_info_split *inflight_split;
		/** Record of a packed ring. */
		struct rte_vhost_inflight_info_packed *inflight_packed;
	};
	/** Chains to be done again, or NULL. */
	struct rte_vhost_resubmit_info *resubmit_inflight;
};

/** A virtqueue's rings as this process sees them; what rte_vhost_get_vhost_vring() tells. */
struct rte_vhost_vring {
	__extension__ union {
		/** Split: descriptor table. */
		struct vring_desc *desc;
		/** Packed: descriptor ring. */
		struct vring_packed_desc *desc_packed;
	};
	__extension__ union {
		/** Split: available ring. */
		struct vring_avail *avail;
		/** Packed: when the driver wants interrupts. */
		struct vring_packed_desc_event *driver_event;
	};
	__extension__ union {
		/** Split: used ring. */
		struct vring_used *used;
		/** Packed: when the device wants notifications. */
		struct vring_packed_desc_event *device_event;
	};
	/** Guest-physical address of the used ring, for rte_vhost_log_write(). */
	uint64_t log_guest_addr;
	/** Eventfd that interrupts the guest, or negative; prefer rte_vhost_vring_call(). */
	int callfd;
	/** Eventfd by which the guest notifies the host, or negative. */
	int kickfd;
	/** Descriptors. */
	uint16_t size;
};

/** What a message handler of an application did. */
enum rte_vhost_msg_result {
	/** The message was bad. */
	RTE_VHOST_MSG_RESULT_ERR = -1,
	/** Done; no reply but an acknowledgement that was asked for. */
	RTE_VHOST_MSG_RESULT_OK = 0,
	/** Done; the message now is the reply. */
	RTE_VHOST_MSG_RESULT_REPLY = 1,
	/** Not a message for this handler. */
	RTE_VHOST_MSG_RESULT_NOT_HANDLED = 2
};

/**
 * A message handler of an application. It runs on the thread that reads the sockets, without any
 * lock held. It is not asked about messages whose size or descriptors cannot be those of their
 * request, nor about requests whose protocol feature was not negotiated.
 *
 * The message is packed: request, flags and size (32 bits each), 632 bytes of payload, eight file
 * descriptors, and how many of them count. A handler keeps a descriptor that was received by
 * putting -1 in its place; the others are closed after the message was handled. Those in a reply
 * stay the handler's.
 *
 * @param vid
 *   Device.
 * @param msg
 *   The message as received, header first; it may be overwritten by a reply.
 * @return
 *   One of enum rte_vhost_msg_result.
 */
typedef enum rte_vhost_msg_result (*rte_vhost_msg_handle)(int vid, void *msg);

/** Handlers for messages that the library does not know, or that an application does otherwise. */
struct rte_vhost_user_extern_ops {
	/** Asked first; NOT_HANDLED leaves the message to the library. May be NULL. */
	rte_vhost_msg_handle pre_msg_handle;
	/** Asked afterwards, also for messages that the library does not know. May be NULL. */
	rte_vhost_msg_handle post_msg_handle;
};

/**
 * Callbacks about devices. Any may be NULL. They run on the library's threads, without a lock of a
 * virtqueue held, and must not block long: no message is read in the meantime.
 */
struct vhost_device_ops {
	/** The device is ready: packets can move. 0, or not 0 to refuse it. */
	int (*new_device)(int vid);
	/** The device is about to stop: after the return, no thread may use it. */
	void (*destroy_device)(int vid);
	/** A virtqueue was enabled (1) or disabled (0). The result is ignored. */
	int (*vring_state_changed)(int vid, uint16_t queue_id, int enable);
	/**
	 * Features changed while the device is running: VHOST_F_LOG_ALL came or went. The result
	 * is ignored.
	 */
	int (*features_changed)(int vid, uint64_t features);
	/** A frontend connected; nothing is negotiated yet. Not 0 closes the connection. */
	int (*new_connection)(int vid);
	/** The connection is gone; the vid is free for another one after the return. */
	void (*destroy_connection)(int vid);
	/** The guest was interrupted; once for each interrupt. */
	void (*guest_notified)(int vid);
	/** NULL. */
	void *reserved[1];
};

/**
 * Translate a guest-physical address to one of this process. It does not say how many bytes from
 * there on are mapped: rte_vhost_va_from_guest_pa() does, and is to be used.
 *
 * @param mem
 *   From rte_vhost_get_mem_table().
 * @param gpa
 *   Guest-physical address.
 * @return
 *   Address in this process, or 0 where no region has it.
 */
__rte_deprecated
static inline uint64_t rte_vhost_gpa_to_vva(struct rte_vhost_memory *mem, uint64_t gpa)
{
	uint32_t i;

	for (i = 0; i < mem->nregions; i++) {
		const struct rte_vhost_mem_region *region = &mem->regions[i];

		if (gpa - region->guest_phys_addr < region->size)
			return gpa - region->guest_phys_addr + region->host_user_addr;
	}
	return 0;
}

/**
 * Translate a range of guest-physical addresses to this process, up to the end of the region that
 * its start lies in.
 *
 * @param mem
 *   From rte_vhost_get_mem_table().
 * @param gpa
 *   First guest-physical address.
 * @param len
 *   In: bytes wanted. Out: bytes that are contiguous here, at most those wanted; 0 if none.
 * @return
 *   First address in this process, or 0 where no region has it.
 */
static inline uint64_t rte_vhost_va_from_guest_pa(struct rte_vhost_memory *mem, uint64_t gpa,
	uint64_t *len)
{
	uint32_t i;

	for (i = 0; i < mem->nregions; i++) {
		const struct rte_vhost_mem_region *region = &mem->regions[i];
		uint64_t offset = gpa - region->guest_phys_addr;

		if (offset < region->size) {
			if (*len > region->size - offset)
				*len = region->size - offset;
			return offset + region->host_user_addr;
		}
	}
	*len = 0;
	return 0;
}

/**
 * Record that guest memory was written, for live migration. Without effect while no log is asked
 * for.
 *
 * @param vid
 *   Device.
 * @param addr
 *   First guest-physical address.
 * @param len
 *   Bytes.
 */
void rte_vhost_log_write(int vid, uint64_t addr, uint64_t len);

/**
 * Record that a used ring was written, for live migration. Without effect while no log is asked
 * for.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param offset
 *   First byte, counted from the start of the used ring.
 * @param len
 *   Bytes.
 */
void rte_vhost_log_used_vring(int vid, uint16_t vring_idx, uint64_t offset, uint64_t len);

/**
 * Ask the guest to notify the host of new buffers, or not to.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @param enable
 *   0: do not notify; other: notify.
 * @return
 *   0 or -1.
 */
int rte_vhost_enable_guest_notification(int vid, uint16_t queue_id, int enable);

/**
 * Make a socket known. Nothing happens on it before rte_vhost_driver_start().
 *
 * @param path
 *   Path of the Unix socket; copied.
 * @param flags
 *   RTE_VHOST_USER_*.
 * @return
 *   0, or -1 when the path is known already, flags contradict each other or resources are short.
 */
int rte_vhost_driver_register(const char *path, uint64_t flags);

/**
 * Forget a socket: closes it and its connections, whose devices are destroyed first. Not from
 * callbacks.
 *
 * @param path
 *   Path of the socket.
 * @return
 *   0, or -1 when the path is not known.
 */
int rte_vhost_driver_unregister(const char *path);

/**
 * Give the socket's devices to a vDPA device. Before rte_vhost_driver_start().
 *
 * @param path
 *   Path of the socket.
 * @param dev
 *   vDPA device.
 * @return
 *   0 or -1.
 */
int rte_vhost_driver_attach_vdpa_device(const char *path, struct rte_vdpa_device *dev);

/**
 * Undo rte_vhost_driver_attach_vdpa_device() for devices to come.
 *
 * @param path
 *   Path of the socket.
 * @return
 *   0 or -1.
 */
int rte_vhost_driver_detach_vdpa_device(const char *path);

/**
 * The vDPA device that a socket was given to.
 *
 * @param path
 *   Path of the socket.
 * @return
 *   vDPA device, or NULL.
 */
struct rte_vdpa_device *rte_vhost_driver_get_vdpa_device(const char *path);

/**
 * Set the virtio features that a socket offers. Before rte_vhost_driver_start(). The application
 * serves the socket's devices by itself then, of whatever kind they are: the functions that move
 * packets do nothing for them. rte_vhost_driver_enable_features() and
 * rte_vhost_driver_disable_features() leave them network devices of this library.
 *
 * @param path
 *   Path of the socket.
 * @param features
 *   One bit for each feature.
 * @return
 *   0, or -1 when the path is not known.
 */
int rte_vhost_driver_set_features(const char *path, uint64_t features);

/**
 * Add features to those that a socket offers; only those that the library supports can be offered.
 *
 * @param path
 *   Path of the socket.
 * @param features
 *   One bit for each feature to add.
 * @return
 *   0, or -1 when the path is not known.
 */
int rte_vhost_driver_enable_features(const char *path, uint64_t features);

/**
 * Take features from those that a socket offers.
 *
 * @param path
 *   Path of the socket.
 * @param features
 *   One bit for each feature to take away.
 * @return
 *   0, or -1 when the path is not known.
 */
int rte_vhost_driver_disable_features(const char *path, uint64_t features);

/**
 * The virtio features that a socket offers; with a vDPA device, those that it supports too.
 *
 * @param path
 *   Path of the socket.
 * @param features
 *   Out: one bit for each feature.
 * @return
 *   0 or -1.
 */
int rte_vhost_driver_get_features(const char *path, uint64_t *features);

/**
 * Set the protocol features that a socket offers. Before rte_vhost_driver_start().
 *
 * @param path
 *   Path of the socket.
 * @param protocol_features
 *   One bit for each VHOST_USER_PROTOCOL_F_*.
 * @return
 *   0, or -1 when the path is not known.
 */
__rte_experimental
int rte_vhost_driver_set_protocol_features(const char *path, uint64_t protocol_features);

/**
 * The protocol features that a socket offers; with a vDPA device, those that it supports too.
 *
 * @param path
 *   Path of the socket.
 * @param protocol_features
 *   Out: one bit for each VHOST_USER_PROTOCOL_F_*.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_driver_get_protocol_features(const char *path, uint64_t *protocol_features);

/**
 * Pairs of queues that a socket's devices can have; with a vDPA device, those that it supports
 * too.
 *
 * @param path
 *   Path of the socket.
 * @param queue_num
 *   Out: pairs.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_driver_get_queue_num(const char *path, uint32_t *queue_num);

/**
 * The virtio features that a device and its guest agreed on.
 *
 * @param vid
 *   Device.
 * @param features
 *   Out: one bit for each feature.
 * @return
 *   0 or -1.
 */
int rte_vhost_get_negotiated_features(int vid, uint64_t *features);

/**
 * The protocol features that a device and its frontend agreed on.
 *
 * @param vid
 *   Device.
 * @param protocol_features
 *   Out: one bit for each VHOST_USER_PROTOCOL_F_*.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_get_negotiated_protocol_features(int vid, uint64_t *protocol_features);

/**
 * Set the callbacks of a socket's devices. Before rte_vhost_driver_start().
 *
 * @param path
 *   Path of the socket.
 * @param ops
 *   Callbacks; not copied, must stay valid while the socket is registered.
 * @return
 *   0, or -1 when the path is not known.
 */
int rte_vhost_driver_callback_register(const char *path, const struct vhost_device_ops *const ops);

/**
 * Start to listen on a socket or to connect to it.
 *
 * @param path
 *   Path of the socket.
 * @return
 *   0 or -1. With RTE_VHOST_USER_CLIENT and without RTE_VHOST_USER_NO_RECONNECT a frontend that is
 *   not there yet is no failure.
 */
int rte_vhost_driver_start(const char *path);

/**
 * The MTU that the frontend told.
 *
 * @param vid
 *   Device.
 * @param mtu
 *   Out: bytes.
 * @return
 *   0, or a negative errno: -ENODEV, -EAGAIN before the device is ready, -ENOTSUP without
 *   VIRTIO_NET_F_MTU.
 */
int rte_vhost_get_mtu(int vid, uint16_t *mtu);

/**
 * NUMA node that a device's state lies on.
 *
 * @param vid
 *   Device.
 * @return
 *   Node, or -1.
 */
int rte_vhost_get_numa_node(int vid);

/**
 * Virtqueues of a device, in pairs; rte_vhost_get_vring_num() counts them one by one.
 *
 * @param vid
 *   Device.
 * @return
 *   Pairs; 0 if there is no such device.
 */
__rte_deprecated
uint32_t rte_vhost_get_queue_num(int vid);

/**
 * Virtqueues of a device.
 *
 * @param vid
 *   Device.
 * @return
 *   Virtqueues; 0 if there is no such device.
 */
uint16_t rte_vhost_get_vring_num(int vid);

/**
 * Path of the socket that a device came from.
 *
 * @param vid
 *   Device.
 * @param buf
 *   Out: path, zero-terminated, cut if it is too long.
 * @param len
 *   Bytes of buf.
 * @return
 *   0 or -1.
 */
int rte_vhost_get_ifname(int vid, char *buf, size_t len);

/**
 * Buffers that the guest has made available and nobody has taken yet, in a queue to the guest.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @return
 *   Buffers; 0 if there are none, for a disabled queue and for what does not exist.
 */
uint16_t rte_vhost_avail_entries(int vid, uint16_t queue_id);

/**
 * Send packets to the guest. They are copied; the caller keeps its mbufs.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index; even.
 * @param pkts
 *   count packets.
 * @param count
 *   Packets.
 * @return
 *   Packets sent, from pkts[0] on; fewer than count when the guest has too few buffers.
 */
uint16_t rte_vhost_enqueue_burst(int vid, uint16_t queue_id, struct rte_mbuf **pkts,
	uint16_t count);

/**
 * Receive packets from the guest.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index; odd.
 * @param mbuf_pool
 *   Where mbufs are taken from.
 * @param pkts
 *   Out: packets; the caller frees them.
 * @param count
 *   Elements of pkts.
 * @return
 *   Packets received, from pkts[0] on.
 */
uint16_t rte_vhost_dequeue_burst(int vid, uint16_t queue_id, struct rte_mempool *mbuf_pool,
	struct rte_mbuf **pkts, uint16_t count);

/**
 * A copy of the table of guest memory. It is valid until the device stops.
 *
 * @param vid
 *   Device.
 * @param mem
 *   Out: the table; the caller releases it with free().
 * @return
 *   0 or -1.
 */
int rte_vhost_get_mem_table(int vid, struct rte_vhost_memory **mem);

/**
 * A virtqueue's rings. They are valid until the device stops.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param vring
 *   Out: the rings.
 * @return
 *   0 or -1.
 */
int rte_vhost_get_vhost_vring(int vid, uint16_t vring_idx, struct rte_vhost_vring *vring);

/**
 * A virtqueue's record of chains in flight, for applications that keep it (VHOST_USER_PROTOCOL_F_
 * INFLIGHT_SHMFD).
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param vring
 *   Out: the record.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_get_vhost_ring_inflight(int vid, uint16_t vring_idx,
	struct rte_vhost_ring_inflight *vring);

/**
 * Record that a chain of a split ring was taken.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param idx
 *   The chain's head.
 * @return
 *   0, also when there is no record to keep; or -1.
 */
__rte_experimental
int rte_vhost_set_inflight_desc_split(int vid, uint16_t vring_idx, uint16_t idx);

/**
 * Record that a chain of a packed ring was taken.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param head
 *   Position of the chain's first descriptor.
 * @param last
 *   Position of its last one.
 * @param inflight_entry
 *   Out: first element of the record that the chain has now, for
 *   rte_vhost_clr_inflight_desc_packed().
 * @return
 *   0, also when there is no record to keep; or -1.
 */
__rte_experimental
int rte_vhost_set_inflight_desc_packed(int vid, uint16_t vring_idx, uint16_t head, uint16_t last,
	uint16_t *inflight_entry);

/**
 * Record that a chain of a split ring was returned. After rte_vhost_set_last_inflight_io_split()
 * and the write of the used ring.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param last_used_idx
 *   The used ring's index now.
 * @param idx
 *   The chain's head.
 * @return
 *   0, also when there is no record to keep; or -1.
 */
__rte_experimental
int rte_vhost_clr_inflight_desc_split(int vid, uint16_t vring_idx, uint16_t last_used_idx,
	uint16_t idx);

/**
 * Record that a chain of a packed ring was returned. After rte_vhost_set_last_inflight_io_packed()
 * and the write of the ring.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param head
 *   First element of the record that the chain has.
 * @return
 *   0, also when there is no record to keep; or -1.
 */
__rte_experimental
int rte_vhost_clr_inflight_desc_packed(int vid, uint16_t vring_idx, uint16_t head);

/**
 * Record which chain of a split ring is about to be returned.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param idx
 *   The chain's head.
 * @return
 *   0, also when there is no record to keep; or -1.
 */
__rte_experimental
int rte_vhost_set_last_inflight_io_split(int vid, uint16_t vring_idx, uint16_t idx);

/**
 * Record which chain of a packed ring is about to be returned.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @param head
 *   First element of the record that the chain has.
 * @return
 *   0, also when there is no record to keep; or -1.
 */
__rte_experimental
int rte_vhost_set_last_inflight_io_packed(int vid, uint16_t vring_idx, uint16_t head);

/**
 * Interrupt the guest, unless it asked not to be.
 *
 * @param vid
 *   Device.
 * @param vring_idx
 *   Virtqueue index.
 * @return
 *   0 or -1.
 */
int rte_vhost_vring_call(int vid, uint16_t vring_idx);

/**
 * Packets that wait in a queue from the guest.
 *
 * @param vid
 *   Device.
 * @param qid
 *   Virtqueue index; odd.
 * @return
 *   Packets (descriptor chains); 0 for what does not exist.
 */
uint32_t rte_vhost_rx_queue_count(int vid, uint16_t qid);

/**
 * Where the log of written guest pages lies; one bit for each page of 4,096 bytes.
 *
 * @param vid
 *   Device.
 * @param log_base
 *   Out: first address in this process.
 * @param log_size
 *   Out: bytes.
 * @return
 *   0 or -1.
 */
int rte_vhost_get_log_base(int vid, uint64_t *log_base, uint64_t *log_size);

/**
 * How far a virtqueue has got. In a packed ring bit 15 of each is the wrap counter.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @param last_avail_idx
 *   Out: next available entry to take.
 * @param last_used_idx
 *   Out: next used entry to write.
 * @return
 *   0 or -1.
 */
int rte_vhost_get_vring_base(int vid, uint16_t queue_id, uint16_t *last_avail_idx,
	uint16_t *last_used_idx);

/**
 * Set how far a virtqueue has got. In a packed ring bit 15 of each is the wrap counter. Not while
 * another thread uses the queue.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @param last_avail_idx
 *   Next available entry to take.
 * @param last_used_idx
 *   Next used entry to write.
 * @return
 *   0 or -1.
 */
int rte_vhost_set_vring_base(int vid, uint16_t queue_id, uint16_t last_avail_idx,
	uint16_t last_used_idx);

/**
 * How far a packed ring has got by its record of chains in flight, after a reconnection.
 *
 * @param vid
 *   Device.
 * @param queue_id
 *   Virtqueue index.
 * @param last_avail_idx
 *   Out: next available entry to take; bit 15 is the wrap counter.
 * @param last_used_idx
 *   Out: next used entry to write; bit 15 is the wrap counter.
 * @return
 *   0, or -1 also when there is no record.
 */
__rte_experimental
int rte_vhost_get_vring_base_from_inflight(int vid, uint16_t queue_id, uint16_t *last_avail_idx,
	uint16_t *last_used_idx);

/**
 * Set an application's own message handlers. From new_connection() on.
 *
 * @param vid
 *   Device.
 * @param ops
 *   Handlers; copied.
 * @param ctx
 *   For the application; kept with the device.
 * @return
 *   0 or -1.
 */
__rte_experimental
int rte_vhost_extern_callback_register(int vid, const struct rte_vhost_user_extern_ops *const ops,
	void *ctx);

/**
 * The vDPA device that a device was given to.
 *
 * @param vid
 *   Device.
 * @return
 *   vDPA device, or NULL.
 */
struct rte_vdpa_device *rte_vhost_get_vdpa_device(int vid);

/**
 * Tell the frontend that the device's configuration space has changed.
 *
 * @param vid
 *   Device.
 * @param need_reply
 *   Wait for its acknowledgement.
 * @return
 *   0, or negative.
 */
__rte_experimental
int rte_vhost_slave_config_change(int vid, bool need_reply);

#ifdef __cplusplus
}
#endif

#endif /* RTE_VHOST_H */
