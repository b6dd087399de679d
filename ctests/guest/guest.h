/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A guest in one process: vhost-user frontend and virtio-net driver.
 *
 * Build the program guest-traffic, from the root of the repository:
 *
 *     gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -pedantic -pthread \
 *             ctests/guest/[gt]*.c -o guest-traffic
 *
 * The library part is ctests/guest/guest_*.c without guest_traffic.c; programs that use it add
 * -I ctests/guest. It needs libc and Linux' headers, nothing else.
 *
 * The life of a guest:
 *
 *     struct guest_config config;
 *     struct guest *guest;
 *
 *     guest_config_init(&config);
 *     config.socket_path = "/tmp/vhost.sock";
 *     guest_create(&config, &guest);       // memory and rings
 *     guest_connect(guest);                // socket, features
 *     guest_start(guest);                  // memory table, rings, enable, receive buffers
 *     guest_tx(guest_tx_queue(guest, 0), ...); guest_submit(...); guest_rx(...);
 *     guest_stop(guest);                   // GET_VRING_BASE; guest_start() goes on from there
 *     guest_disconnect(guest);             // guest_connect() may follow
 *     guest_destroy(guest);
 *
 * Everything returns a negative errno on failure and leaves the guest in a state in which
 * guest_disconnect() and guest_destroy() are safe. One thread per guest at a time; different
 * queues may be polled by different threads while nobody starts or stops the guest.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_frontend.h"
#include "guest_memory.h"
#include "guest_queue.h"

/** Features a guest asks for when told nothing else: split rings; add RING_PACKED for packed. */
#define GUEST_DEFAULT_FEATURES \
	(GUEST_BIT(VIRTIO_F_VERSION_1) | GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF) | \
	 GUEST_BIT(VIRTIO_RING_F_EVENT_IDX) | GUEST_BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
	 GUEST_BIT(VIRTIO_NET_F_MQ) | GUEST_BIT(VIRTIO_NET_F_CTRL_VQ) | \
	 GUEST_BIT(GUEST_F_PROTOCOL_FEATURES))

/** Protocol features a guest asks for when told nothing else. */
#define GUEST_DEFAULT_PROTOCOL_FEATURES \
	(GUEST_BIT(GUEST_PROTOCOL_MQ) | GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | \
	 GUEST_BIT(GUEST_PROTOCOL_STATUS))

/** What a guest is made of; see guest_config_init() for the defaults. */
struct guest_config {
	const char *socket_path;	/**< Kept, not copied. */
	bool listen;			/**< Be the server of the socket. */
	int timeout_ms;			/**< For a connection and for every reply. */
	uint64_t features;		/**< Asked for, as far as offered. */
	uint64_t protocol_features;	/**< Asked for, as far as offered. */
	uint32_t queue_pairs;
	uint32_t ring_size;		/**< Up to GUEST_MAX_RING; split: a power of two. */
	bool kick, call;		/**< Make eventfds, or tell the backend there are none. */

	uint32_t region_count;		/**< Regions of the standard layout... */
	uint64_t region_size;		/**< ...their size, 0 for as much as is needed... */
	uint64_t gpa_start;		/**< ...the first one's address... */
	uint64_t region_gap;		/**< ...and what lies between two of them. */
	const struct guest_region_layout *layout; /**< A custom layout (region_count entries). */
	bool huge_pages;		/**< 2 MiB pages, where the system has them reserved. */
	uint64_t extra_memory;		/**< Bytes in all for the caller's own allocations. */

	uint32_t buffer_size;		/**< Of every buffer. */
	uint32_t tx_buffers;		/**< Per transmit queue; 0: enough for direct packets. */
	uint32_t rx_buffers;		/**< Per receive queue; 0: enough to fill the ring. */
	uint32_t table_entries;		/**< Longest indirect chain; 0 for none. */
	uint32_t rx_capacity;		/**< Of a receive chain; 0: one buffer. */
	struct guest_shape rx_shape;
	bool manual_rx;			/**< guest_start() posts no receive buffers. */
	uint64_t shuffle_seed;		/**< Not 0: chains do not run through the ring in order. */
};

struct guest_iotlb;

/** One guest. */
struct guest {
	struct guest_config config;
	struct guest_memory memory;
	struct guest_frontend frontend;
	uint64_t offered;		/**< Features the backend offers. */
	uint64_t features;		/**< Features negotiated. */
	uint64_t offered_protocol;	/**< Protocol features the backend offers. */
	uint64_t protocol_features;	/**< Protocol features negotiated. */
	uint64_t max_pairs;		/**< GET_QUEUE_NUM, or 1. */
	struct guest_queue *queues;	/**< By vring index. */
	uint32_t queue_count;		/**< Two per pair. */
	struct guest_inflight_area inflight; /**< INFLIGHT_SHMFD, when negotiated. */
	int inflight_fd;		/**< Its file, or -1; survives guest_disconnect(). */
	bool started;
	bool abandoned;			/**< Hung up without guest_stop(). */
	struct guest_iotlb *iotlb;	/**< Its IOMMU, or NULL: addresses are what they are. */
};

/**
 * Defaults: client, 5 s, GUEST_DEFAULT_*, one pair of 256 entries, eventfds, one region as large
 * as needed at 1 GiB, 2048-byte buffers, tables of 32 entries.
 */
void guest_config_init(struct guest_config *config);

/** Make a guest's memory and rings. @return 0 or a negative errno. */
int guest_create(const struct guest_config *config, struct guest **guest);

/** Disconnect and free everything; NULL is fine. */
void guest_destroy(struct guest *guest);

/**
 * Connect (or wait for the backend to), and agree on features and owner. Afterwards
 * guest->offered says what the backend can do and guest->features what will be asked for.
 */
int guest_connect(struct guest *guest);

/**
 * SET_FEATURES, memory table, rings, enable, status; then fills the receive rings. Rings go on
 * where guest_stop() left them; after a disconnect without guest_stop(), behind the last used
 * chain.
 */
int guest_start(struct guest *guest);

/** Disable and stop every ring (GET_VRING_BASE), reset the status. */
int guest_stop(struct guest *guest);

/** Hang up, with or without guest_stop(). What the device had stays in the rings. */
void guest_disconnect(struct guest *guest);

/** Forget what is in the rings: as after a reset of the device (virtio 1.2, 2.4). */
void guest_reset(struct guest *guest);

/**
 * SET_MEM_TABLE again, as a guest with hot-plugged memory does. More than 8 regions go by
 * ADD_MEM_REG, once a connection, and need CONFIGURE_MEM_SLOTS.
 */
int guest_send_memory(struct guest *guest);

/**
 * SET_VRING_NUM, _BASE (to queue->base), _ADDR, _CALL, _ERR if there is one, and _KICK for one
 * ring. Stop the ring first (GET_VRING_BASE), or the device goes back to an old base.
 */
int guest_send_ring(struct guest *guest, uint32_t index);

/** SET_VRING_ENABLE for one pair; -EOPNOTSUPP without PROTOCOL_FEATURES. */
int guest_enable_pair(struct guest *guest, uint32_t pair, bool enable);

/** What SET_VRING_ADDR would say for a queue, for tests that change it. */
void guest_ring_addr(const struct guest_queue *queue, struct guest_vring_addr *addr);

/** What SET_MEM_TABLE would say of the first 8 regions, and the file descriptors for it. */
void guest_describe_memory(const struct guest *guest, struct guest_mem_table *table,
			   int fds[GUEST_WIRE_FDS]);

/**
 * Serve the backend's requests, if any wait: IOTLB misses get what guest_iotlb.h says, or an
 * identity mapping, all others an acknowledgement. @return requests served or a negative errno.
 */
int guest_service(struct guest *guest);

/** Ask a backend what it offers, without becoming its guest. */
int guest_probe(const char *socket_path, int timeout_ms, uint64_t *features,
		uint64_t *protocol_features, uint64_t *queue_pairs);

/** The queue that receives for @p pair. */
static inline struct guest_queue *guest_rx_queue(struct guest *guest, uint32_t pair)
{
	return &guest->queues[2 * pair];
}

/** The queue that transmits for @p pair. */
static inline struct guest_queue *guest_tx_queue(struct guest *guest, uint32_t pair)
{
	return &guest->queues[2 * pair + 1];
}

/** Whether a feature bit was negotiated. */
static inline bool guest_has(const struct guest *guest, unsigned int bit)
{
	return (guest->features & GUEST_BIT(bit)) != 0;
}

/** File descriptors that this guest holds. */
int guest_open_fds(const struct guest *guest);

/** File descriptors that the whole process holds, a backend in it included. */
int guest_process_fds(void);

/** Sum of all counts that an honest backend leaves at 0, damaged buffer gaps included. */
uint64_t guest_complaints(const struct guest *guest);

#endif
