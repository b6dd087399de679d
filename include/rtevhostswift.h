/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_H
#define RTEVHOSTSWIFT_H

/**
 * @file
 * What librtevhostswift offers beyond DPDK 21.08's rte_vhost: per-queue counters, a frontend's last messages, why a
 * connection ended, who may connect, and one more
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
 * packets holds. Without effect on a device that negotiated VIRTIO_F_IN_ORDER. When the connection ends, packets that
 * were overtaken are waited for, as long as a ring that stops waits for its engine, and their chains are used: those
 * from the guest that were not fetched in destroy_device() are lost. A process that is killed meanwhile leaves rings
 * that no other can go on with: it would go on behind as many chains as were used, whichever those are.
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

/** Bytes of a counter's name, with the zero that ends it. */
#define RTEVHOSTSWIFT_COUNTER_NAME_SIZE 64

/** The name of a counter: lower case, digits and underscores. */
struct rtevhostswift_counter_name {
	/** The name, ended by a zero. */
	char name[RTEVHOSTSWIFT_COUNTER_NAME_SIZE];
};

/** The value of a counter. */
struct rtevhostswift_counter {
	/** Index of its name. */
	uint64_t id;
	/** Packets, bytes, messages or times, as the name says; monotonic from zero on, but in_flight. */
	uint64_t value;
};

/**
 * Names of the counters of a virtqueue. They are the same for all queues, and never change their places: a newer library
 * appends to them. Safe from any thread.
 *
 * - packets, bytes: moved to the guest (even queues) or handed to the application (odd ones), without virtio-net headers
 * - cpu_packets, cpu_bytes, engine_packets, engine_bytes: the same by who copied; a packet that both had a part in is
 *   the engine's, each byte is of who copied it
 * - in_flight: packets of asynchronous calls not returned yet, now; inflight_submitted, inflight_completed: taken, returned
 * - notifications, notifications_suppressed, notifications_failed: interrupts sent to the guest, those it did not want,
 *   those that could not be sent
 * - pool_empty: bursts cut short for want of mbufs; pool_raw_objects: those among them where the pool had objects that are
 *   no mbufs
 * - no_guest_buffers: bursts to the guest cut short for want of its buffers
 * - dropped_bad_chain, dropped_unmapped, dropped_short, dropped_direction, dropped_too_long: as in struct
 *   rtevhostswift_vring_stats; dropped_not_copied: packets that a DMA engine failed to copy
 * - bad_offload, ring_broken, engine_refused: as there; engine_errors: negative results and over-reports of the engine;
 *   engine_stuck: times that a ring was to stop and its engine did not finish in time
 * - iotlb_hits, iotlb_misses: addresses that the IOTLB knew, and those it did not; of a chain that is dropped because its
 *   descriptors are wrong some of the former are not counted
 * - rarp_announcements: announcements of a guest that moved, handed to the application; they are no packets of the guest
 * - multicast_packets, broadcast_packets: packets for several receivers, and for all; a packet is one of them at most, and
 *   none when its first mbuf has less than six bytes
 * - undersize_packets, size_64_packets, size_65_127_packets, size_128_255_packets, size_256_511_packets,
 *   size_512_1023_packets, size_1024_1518_packets, size_1519_max_packets: packets by size without virtio-net headers;
 *   undersize is below 64 bytes, and all of them together are packets
 *
 * @param vid
 *   Device, as given to new_connection() or new_device().
 * @param queue_id
 *   Virtqueue index.
 * @param names
 *   Where to write; may be NULL.
 * @param size
 *   Elements of names. When they are too few nothing is written.
 * @return
 *   How many names there are, whether they were written or not; -1 when there is no such device or queue.
 */
int rtevhostswift_vring_counters_get_names(int vid, uint16_t queue_id, struct rtevhostswift_counter_name *names,
					   unsigned int size);

/**
 * Counters of a virtqueue, all at one moment between two bursts, since the connection began or they were reset. Safe from
 * any thread; holds bursts of this queue up for less than a microsecond.
 *
 * @param vid
 *   Device, as given to new_connection() or new_device().
 * @param queue_id
 *   Virtqueue index.
 * @param counters
 *   Where to write, in the order of the names; may be NULL.
 * @param size
 *   Elements of counters. When they are too few nothing is written.
 * @return
 *   How many counters there are, whether they were written or not; -1 when there is no such device or queue.
 */
int rtevhostswift_vring_counters_get(int vid, uint16_t queue_id, struct rtevhostswift_counter *counters,
				     unsigned int size);

/**
 * Have the counters of a virtqueue begin at zero, but in_flight. Safe from any thread while bursts run: no packet is
 * counted twice or lost. What rtevhostswift_vring_stats_get() and rte_vhost_vring_stats_get() tell goes on.
 *
 * @param vid
 *   Device, as given to new_connection() or new_device().
 * @param queue_id
 *   Virtqueue index.
 * @return
 *   0, or -1 when there is no such device or queue.
 */
int rtevhostswift_vring_counters_reset(int vid, uint16_t queue_id);

/**
 * Names of the counters of a device, as rtevhostswift_vring_counters_get_names() gives those of a queue.
 *
 * - messages_handled, messages_refused: messages of the frontend
 * - frontend_faults: times that the frontend broke the protocol, or cut the guest's memory short
 * - reconnects: connections that the socket had before this one
 * - memory_faults: times that the memory of the guest was cut short
 * - refused_...: messages refused, by reason; what was no message at all is refused_malformed
 *
 * @param vid
 *   Device, as given to new_connection() or new_device().
 * @param names
 *   Where to write; may be NULL.
 * @param size
 *   Elements of names. When they are too few nothing is written.
 * @return
 *   How many names there are, whether they were written or not; -1 when there is no such device.
 */
int rtevhostswift_device_counters_get_names(int vid, struct rtevhostswift_counter_name *names, unsigned int size);

/**
 * Counters of a device, all at one moment, since the connection began or they were reset. Safe from any thread; no burst
 * waits for it.
 *
 * @param vid
 *   Device, as given to new_connection() or new_device().
 * @param counters
 *   Where to write, in the order of the names; may be NULL.
 * @param size
 *   Elements of counters. When they are too few nothing is written.
 * @return
 *   How many counters there are, whether they were written or not; -1 when there is no such device.
 */
int rtevhostswift_device_counters_get(int vid, struct rtevhostswift_counter *counters, unsigned int size);

/**
 * Have the counters of a device begin at zero; those of its queues go on. Safe from any thread.
 *
 * @param vid
 *   Device, as given to new_connection() or new_device().
 * @return
 *   0, or -1 when there is no such device.
 */
int rtevhostswift_device_counters_reset(int vid);

/** Most messages that rtevhostswift_device_messages_get() tells. */
#define RTEVHOSTSWIFT_MAX_MESSAGES 16

/** Bytes of the words for an error, with the zero that ends them. */
#define RTEVHOSTSWIFT_ERROR_SIZE 128

/** A message that a frontend sent, and what came of it. */
struct rtevhostswift_message {
	/** When it had been handled: nanoseconds of CLOCK_MONOTONIC. */
	uint64_t time_ns;
	/** The request's number in the vhost-user protocol; 0 for what was no message of it, or no message at all. */
	uint32_t request;
	/** Bytes of its payload. */
	uint32_t byte_count;
	/** The request's name without VHOST_USER_, "SET_MEM_TABLE" for instance; "unknown" where it has none. */
	char name[RTEVHOSTSWIFT_COUNTER_NAME_SIZE];
	/** Why it was refused, in the words of the log; empty where it was handled. */
	char error[RTEVHOSTSWIFT_ERROR_SIZE];
};

/**
 * The last messages of a device's frontend, the oldest of them first, all at one moment. Safe from any thread; no burst
 * waits for it, and the thread that handles messages for less than a microsecond.
 *
 * @param vid
 *   Device, as given to new_connection() or new_device().
 * @param messages
 *   Where to write; may be NULL.
 * @param size
 *   Elements of messages; RTEVHOSTSWIFT_MAX_MESSAGES are always enough. When they are too few nothing is written.
 * @return
 *   How many messages there are, whether they were written or not; -1 when there is no such device.
 */
int rtevhostswift_device_messages_get(int vid, struct rtevhostswift_message *messages, unsigned int size);

/**
 * The last message of a device's frontend that was refused, however many came since, or the last time that the guest's
 * memory was cut short; the latter has request 0. Safe from any thread.
 *
 * @param vid
 *   Device, as given to new_connection() or new_device(); within destroy_device() and destroy_connection() as well, where
 *   it says why the device ends.
 * @param message
 *   Where to write; may be NULL.
 * @return
 *   1, or 0 and nothing is written where none was refused; -1 when there is no such device.
 */
int rtevhostswift_device_last_error_get(int vid, struct rtevhostswift_message *message);

/** How a connection of a socket came to its end, or to nothing. */
struct rtevhostswift_connection_end {
	/** When: nanoseconds of CLOCK_MONOTONIC. */
	uint64_t time_ns;
	/** The device that ended; -1 where there was none yet. */
	int32_t vid;
	/** errno of the system call that failed; 0 where the reason is none of a system call's. */
	int32_t error_number;
	/** Why, in the words of the log; empty where the frontend closed the connection, or the application the socket. */
	char error[RTEVHOSTSWIFT_ERROR_SIZE];
	/** The last message, handled or refused: its request's number, 0 where there was none. */
	uint32_t last_request;
	/** 0. */
	uint32_t reserved;
	/** That request's name, as in rtevhostswift_message; empty where there was no message. */
	char last_name[RTEVHOSTSWIFT_COUNTER_NAME_SIZE];
	/**
	 * The last message of the connection that was refused, however many came since: a frontend may have closed the
	 * connection for it. All 0 where none was.
	 */
	struct rtevhostswift_message refused;
};

/**
 * Why a socket's last connection ended, of those that became a device (new_connection() was called): for whoever finds a
 * port down. It is told until the next one ends, or the socket is unregistered, whatever connects or fails to meanwhile;
 * while a device is there it is about the one before. Safe from any thread, not for the data path: it takes the lock that
 * rte_vhost_driver_register() takes.
 *
 * @param path
 *   Socket, as given to rte_vhost_driver_register().
 * @param end
 *   Where to write; may be NULL.
 * @return
 *   1, or 0 and nothing is written where no connection has ended; -1 when the path is not registered, or in a child process
 *   of the one whose socket it is. In destroy_device() and destroy_connection() it is the end that they are called for.
 */
int rtevhostswift_driver_last_end_get(const char *path, struct rtevhostswift_connection_end *end);

/**
 * Why there was no connection, the last time that one failed before it was a device: a peer was refused, or a client's
 * attempt to connect failed. Where this is later than the last end it is why a port is still down. Safe from any thread, as
 * rtevhostswift_driver_last_end_get() is.
 *
 * @param path
 *   Socket, as given to rte_vhost_driver_register().
 * @param refusal
 *   Where to write; may be NULL. vid is -1, and there are no messages.
 * @return
 *   1, or 0 and nothing is written where none failed; -1 when the path is not registered, or in a child process of the one
 *   whose socket it is.
 */
int rtevhostswift_driver_last_refusal_get(const char *path, struct rtevhostswift_connection_end *refusal);

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
