/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * One virtqueue as the driver sees it, and what a network driver does with it.
 *
 * Three layers, each usable alone:
 *  - guest_tx(), guest_rx() and friends move whole packets and know nothing of ring formats;
 *  - struct guest_ring_ops is the ring format: guest_split.c or guest_packed.c;
 *  - guest_split.h and guest_packed.h reach into a ring field by field, for tests that break
 *    the rules.
 *
 * Nothing here blocks or starts a thread: the caller polls. The driver trusts nothing that it
 * reads from a ring; what is wrong is counted in struct guest_stats and stepped over.
 */
#ifndef GUEST_QUEUE_H
#define GUEST_QUEUE_H

#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest_memory.h"

/** The largest ring (virtio 1.2, 2.7: a power of two; 2.8: any number from 1). */
#define GUEST_MAX_RING 32768

/** Most pieces that guest_tx() and guest_rx_post() make of one chain. */
#define GUEST_MAX_PIECES 1024

/** Not a head. */
#define GUEST_NO_HEAD 0xffff

/** The largest packet: 65535 bytes of IP behind an Ethernet header with two VLAN tags. */
#define GUEST_MAX_FRAME 65557

struct guest;
struct guest_queue;

/** One element of a chain. */
struct guest_piece {
	uint64_t addr;		/**< Guest-physical. */
	uint32_t length;	/**< Bytes. */
	bool write;		/**< Device-writable. */
};

/** How a packet, or an empty receive buffer, is cut into descriptors. */
struct guest_shape {
	bool indirect;		/**< One descriptor in the ring, the chain in a table of its own. */
	uint16_t header_pieces;	/**< 0: shares a descriptor with data; n: cut over n of its own. */
	uint16_t data_pieces;	/**< 0: as few as possible; n: cut evenly into n. */
};

/** What the driver remembers of a chain that the device has. */
struct guest_chain {
	uint32_t first_slot;	/**< Its buffers, in order. */
	uint32_t capacity;	/**< Bytes the device may write. */
	uint32_t used_length;	/**< Bytes the device says it wrote, once used. */
	uint32_t serial;	/**< Position in the order of guest_ring_ops.add calls. */
	uint16_t descriptors;	/**< Ring descriptors it occupies. */
	uint16_t next;		/**< Next used chain of the same received packet. */
	uint16_t home;		/**< Packed: slot of its first descriptor when it was added. */
	bool in_flight;		/**< The device has it. */
};

/** A chain that came back. */
struct guest_used {
	uint16_t head;		/**< Its head (split) or buffer id (packed). */
	uint32_t length;	/**< Bytes written, as the device says. */
};

/** Counts of one queue; the second half stays 0 with an honest backend. */
struct guest_stats {
	uint64_t added;		/**< Chains made available. */
	uint64_t used;		/**< Chains used. */
	uint64_t kicks;		/**< Times the backend was notified. */
	uint64_t quiet;		/**< Times the backend did not want to be. */
	uint64_t reordered;	/**< Chains used in another order than made available. */
	uint64_t bad_id;	/**< Used ids that the device did not have. */
	uint64_t bad_index;	/**< Used index ahead of what was made available. */
	uint64_t bad_length;	/**< Used lengths beyond the chain's capacity. */
	uint64_t bad_header;	/**< num_buffers of 0, or packets shorter than their header. */
	uint64_t torn;		/**< Packets whose buffers were not all used at once. */
};

/** A ring format. The areas are as large as a split ring's, which suffices for packed. */
struct guest_ring_ops {
	const char *name;

	/** Zero the areas and the driver's private state. */
	void (*reset)(struct guest_queue *queue);

	/**
	 * Write a chain, not yet visible to the device.
	 * @return its head, -ENOSPC when the ring is full, -EINVAL when it can never fit.
	 */
	int (*add)(struct guest_queue *queue, const struct guest_piece *pieces, uint32_t count,
		   bool indirect);

	/** Show the device what was added. */
	void (*publish)(struct guest_queue *queue);

	/** Whether the device asked to be notified of the last publish. */
	bool (*wants_kick)(struct guest_queue *queue);

	/** Take the next used chain. */
	bool (*next_used)(struct guest_queue *queue, struct guest_used *used);

	/** Give a used chain's descriptors back to the driver. */
	void (*release)(struct guest_queue *queue, uint16_t head);

	/** Ask the device for notifications, or for silence. */
	void (*want_calls)(struct guest_queue *queue, bool want);

	/** Used chains that wait to be taken, whether their ids are good or not. */
	uint32_t (*waiting)(const struct guest_queue *queue);

	/** Look at one of them, the oldest has number 0. @return whether there are so many. */
	bool (*peek)(const struct guest_queue *queue, uint32_t number, struct guest_used *used);

	/** SET_VRING_BASE for a device that forgot its own: go on after the last used chain. */
	uint32_t (*base)(const struct guest_queue *queue);

	/* The next three serve guest_fast.h. */

	/** Take up to @p limit used chains and add them again as they are. @return how many. */
	uint32_t (*recycle)(struct guest_queue *queue, uint32_t limit);

	/** Publish up to @p limit of the chains added. @return how many. */
	uint32_t (*expose)(struct guest_queue *queue, uint32_t limit);

	/** Head of the chain recycled @p ago chains before the last one. */
	uint16_t (*used_head)(const struct guest_queue *queue, uint32_t ago);
};

/** The split ring format (virtio 1.2, 2.7). */
extern const struct guest_ring_ops guest_split_ops;

/** The packed ring format (virtio 1.2, 2.8). */
extern const struct guest_ring_ops guest_packed_ops;

/** A split ring's parts in guest memory. */
struct guest_split {
	struct vring_desc *descriptors;
	struct vring_avail *available;
	struct vring_used *used;
	uint16_t *used_event;	/**< Behind the available ring: when the driver wants a call. */
	uint16_t *avail_event;	/**< Behind the used ring: when the device wants a kick. */
};

/** A place in a packed ring, and the lap: the wrap counter starts with 1. */
struct guest_packed_place {
	uint16_t slot;
	bool wrap;
};

/** Where used descriptors are looked for. */
struct guest_packed_cursor {
	struct guest_packed_place place;
	uint32_t turn;			/**< Position in guest_queue.order of the next chain. */
	uint16_t batch_last;		/**< IN_ORDER: last id of the batch being taken. */
	uint32_t batch_length;		/**< IN_ORDER: its used length. */
};

/** A packed ring's parts in guest memory, and the driver's own. */
struct guest_packed {
	struct vring_packed_desc *descriptors;
	struct vring_packed_desc_event *driver;	/**< When the driver wants a call. */
	struct vring_packed_desc_event *device;	/**< When the device wants a kick. */
	struct vring_packed_desc *shadow;	/**< What was written last, by slot. */
	uint16_t *held;				/**< Flags of heads that are not published. */
	uint16_t *span;				/**< Descriptors of the chain, by its first slot. */
	struct guest_packed_place avail;	/**< Where the next chain goes. */
	struct guest_packed_place publish;	/**< The first one that is not published. */
	struct guest_packed_cursor used;
	uint32_t unkicked;	/**< Descriptors published since the last decision to kick. */
	uint32_t free_ids;	/**< Of the free list, which has ids here. */
	uint32_t turn;		/**< Position in guest_queue.order of the next chain added. */
};

/** One virtqueue. */
struct guest_queue {
	struct guest *guest;
	const struct guest_ring_ops *ops;
	uint32_t index;			/**< The vring's index: even receives, odd transmits. */
	uint32_t size;			/**< Entries. */
	uint32_t base;			/**< What SET_VRING_BASE says at the next start. */
	struct guest_area areas[3];	/**< Descriptor, driver (available), device (used) area. */
	struct guest_area tables;	/**< One indirect table per head. */
	uint32_t table_entries;		/**< Entries of each table. */
	struct {
		struct guest_split split;
		struct guest_packed packed;
	} ring;				/**< The one in use is reset. */

	uint16_t *link;			/**< Next descriptor (packed: id): of a chain, or free. */
	uint16_t free_head, free_tail;	/**< Free list: taken at the head, returned at the tail. */
	uint32_t free_count;		/**< Free ring descriptors. */
	struct guest_chain *chains;	/**< By head. */
	uint16_t *order;		/**< Heads in the order of adding, ring size of them. */
	uint32_t next_serial;		/**< Serial of the next chain added. */
	uint32_t used_serial;		/**< Serial expected next from the device. */
	uint32_t in_flight;		/**< Chains that the device has. */
	uint32_t ghosts;		/**< Made available without a chain (tests). */
	uint16_t next_avail;		/**< Available index, chains not yet published included. */
	uint16_t published;		/**< Available index as published. */
	uint16_t kicked;		/**< Available index at the last decision about a kick. */
	uint16_t next_used;		/**< Used entries consumed. */
	uint16_t batch_last;		/**< IN_ORDER: last head of the batch being taken. */
	uint32_t batch_length;		/**< IN_ORDER: its used length. */

	struct guest_slots slots;	/**< Buffers. */
	uint32_t header_size;		/**< 10 or 12 (virtio 1.2, 5.1.6). */
	bool mergeable, event_index, in_order;	/**< As negotiated. */
	uint32_t rx_capacity;		/**< Bytes of each receive chain, header included. */
	struct guest_shape rx_shape;	/**< Its shape. */
	uint16_t rx_first, rx_last;	/**< Packet being put together, or GUEST_NO_HEAD. */
	uint32_t rx_have, rx_need;	/**< Its buffers so far, and in all. */
	bool rx_torn;			/**< It was seen incomplete. */
	int kick_fd, call_fd, err_fd;	/**< eventfds, or -1. */
	struct guest_stats stats;
};

/** What came with a received packet. */
struct guest_received {
	struct virtio_net_hdr_v1 header;	/**< num_buffers is 0 with a 10-byte header. */
	uint32_t length;			/**< Frame bytes. */
	uint32_t buffers;			/**< Chains it was spread over. */
};

/**
 * Allocate a queue's rings, tables and bookkeeping; guest, index, size and table_entries are set.
 * @return 0 or a negative errno.
 */
int guest_queue_create(struct guest_queue *queue, uint32_t buffers, uint32_t buffer_size);
void guest_queue_destroy(struct guest_queue *queue);

/** Forget everything that is in flight and zero the ring. */
void guest_queue_reset(struct guest_queue *queue);

/** Guest memory that a queue will take. */
uint64_t guest_queue_memory(uint32_t size, uint32_t table_entries, uint32_t buffers,
			    uint32_t buffer_size);

/** Whether the ring is packed. */
static inline bool guest_is_packed(const struct guest_queue *queue)
{
	return queue->ops == &guest_packed_ops;
}

/** Used chains that the driver has not taken yet. */
static inline uint32_t guest_used_waiting(const struct guest_queue *queue)
{
	return queue->ops->waiting(queue);
}

/** Used length of one of them, the oldest has number 0; UINT32_MAX when there are fewer. */
static inline uint32_t guest_used_length(const struct guest_queue *queue, uint32_t number)
{
	struct guest_used used;

	return queue->ops->peek(queue, number, &used) ? used.length : UINT32_MAX;
}

/** Whether the device has used every chain that was published. */
static inline bool guest_all_used(const struct guest_queue *queue)
{
	return guest_used_waiting(queue) + (uint16_t)(queue->next_avail - queue->published) ==
	       queue->in_flight + queue->ghosts;
}

/** Change the ring format: everything in flight is forgotten. @return 0 or a negative errno. */
int guest_queue_set_format(struct guest_queue *queue, bool packed);

/** Publish what was added, and notify the backend if it wants that. @return 0 or an errno. */
int guest_submit(struct guest_queue *queue);

/** Notify the backend, wanted or not. */
int guest_kick(struct guest_queue *queue);

/** Ask the backend for notifications on call_fd, or for silence (the default). */
void guest_want_calls(struct guest_queue *queue, bool want);

/** Wait for a notification. @return 1, 0 when the time is up, or a negative errno. */
int guest_wait_call(struct guest_queue *queue, int timeout_ms);

/**
 * Lengths of the pieces into which @p shape cuts a header and a frame.
 * @return their number, or -EINVAL when more than GUEST_MAX_PIECES or a piece has no room.
 */
int guest_shape_cut(const struct guest_shape *shape, uint32_t header_size, uint32_t frame_size,
		    uint32_t buffer_size, uint32_t lengths[GUEST_MAX_PIECES]);

/**
 * Add a packet with a header that asks for nothing; guest_submit() makes it visible.
 * @return 0, -ENOSPC when the ring is full (reap first), -ENOBUFS when no buffer is free,
 *         -EINVAL when it can never fit.
 */
int guest_tx(struct guest_queue *queue, const void *frame, uint32_t size,
	     const struct guest_shape *shape);

/** As guest_tx(), with a header of the caller's choice (cut to the negotiated size). */
int guest_tx_header(struct guest_queue *queue, const struct virtio_net_hdr_v1 *header,
		    const void *frame, uint32_t size, const struct guest_shape *shape);

/**
 * Add any bytes (header included, or not) cut at will; lengths may be 0, and may add up to less
 * than @p size. A piece larger than a buffer is refused with -EINVAL.
 * @return the chain's head, or a negative errno as for guest_tx().
 */
int guest_tx_cut(struct guest_queue *queue, const void *bytes, uint32_t size,
		 const uint32_t *lengths, uint32_t count, bool indirect);

/** Take back packets that the device has used. @return how many. */
uint32_t guest_tx_reap(struct guest_queue *queue);

/** Add one empty receive chain of @p capacity bytes. @return 0 or as for guest_tx(). */
int guest_rx_post(struct guest_queue *queue, uint32_t capacity, const struct guest_shape *shape);

/** Add receive chains of the configured kind until ring or buffers run out. @return how many. */
uint32_t guest_rx_fill(struct guest_queue *queue);

/**
 * Take the next received packet out of its buffers.
 * @return its length (cut to @p room), or -EAGAIN when there is none.
 */
int guest_rx(struct guest_queue *queue, void *frame, uint32_t room,
	     struct guest_received *received);

#endif
