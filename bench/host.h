/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * The benchmark's host: serves cells, one after the other, to whoever writes them to its standard
 * input. A cell is a kind of guest, of packets and of calls; for each one a device and a guest in
 * the same process are made, checked, measured and taken down.
 *
 * The same sources make two programs. host-own is built with this repository's headers and has
 * the library's own mbuf pool; host-dpdk (BENCH_DPDK) is built with DPDK's headers and has an EAL
 * and an rte_mempool. Both find the vhost functions by dlsym(), so that host-dpdk runs any library
 * with DPDK's rte_vhost interface: ours, DPDK's own, or a third one.
 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_vhost.h>

#include "guest.h"
#include "guest_iotlb.h"
#include "guest_log.h"

/** Packets of one call, at most. */
#define BENCH_BURST 256
/** Bytes of a packet, at most. */
#define BENCH_FRAME 65535
/** Bytes of data of an mbuf and of a small guest buffer, its virtio-net header included. */
#define BENCH_BUFFER 2048
/** Bytes of the pieces of which guests make large packets. */
#define BENCH_PAGE 4096
/** Queue pairs of a guest, at most. */
#define BENCH_PAIRS 128
/** Windows of one kind, at most. */
#define BENCH_WINDOWS 4096
/** Bytes of a segment in packets with offloads: Ethernet's 1,500 without IPv4 and TCP headers. */
#define BENCH_SEGMENT 1460

/* DPDK renamed it in 21.11 and kept the layout of what is used here. */
#ifdef BENCH_DPDK
#define bench_device_ops rte_vhost_device_ops
#else
#define bench_device_ops vhost_device_ops
#endif

/** The command line. */
struct bench_options {
	const char *library;	/**< Path for dlopen(), or NULL: whatever is linked. */
	const char *socket;	/**< Path of the socket to make. */
	int host_cpu, guest_cpu;
};

/** How the guest describes a packet, or room for one. */
enum bench_layout {
	BENCH_DIRECT,		/**< One descriptor for header and data. */
	BENCH_CHAINED,		/**< One for the header, others for data of up to a page. */
	BENCH_INDIRECT,		/**< The same in an indirect table. */
};

/** What an IOTLB entry covers. */
enum bench_iommu {
	BENCH_IOMMU_OFF,
	BENCH_IOMMU_REGION,	/**< A whole memory region. */
	BENCH_IOMMU_PAGE,	/**< A page. */
};

/** What is to be measured. */
struct bench_cell {
	bool enqueue;		/**< Towards the guest. */
	bool packed;		/**< Ring format. */
	bool mergeable;		/**< Negotiate VIRTIO_NET_F_MRG_RXBUF. */
	bool event_index;	/**< Negotiate VIRTIO_RING_F_EVENT_IDX. */
	bool offloads;		/**< TCP packets to be segmented, with all that belongs to it. */
	bool log;		/**< Under a dirty log. */
	bool verify;		/**< Check contents before measuring. */
	unsigned int layout;	/**< enum bench_layout. */
	unsigned int iommu;	/**< enum bench_iommu. */
	uint32_t size;		/**< Bytes of a packet. */
	uint32_t burst;		/**< Packets of a call. */
	uint32_t queues;	/**< Queue pairs, served in turn. */
	uint32_t regions;	/**< Memory regions. */
	uint32_t ring_size;	/**< Descriptors; 0: 256, or what the largest burst needs. */
	uint32_t lock_windows;	/**< Windows in lock-step... */
	uint32_t free_windows;	/**< ...and free-running ones... */
	double window;		/**< ...their length in seconds. */
	uint64_t count;		/**< Not 0: so many packets in lock-step and no clock. */
};

/** What follows from it for the guest's rings and buffers. */
struct bench_plan {
	struct guest_shape shape;
	uint32_t buffer_size;	/**< Of every piece. */
	uint32_t capacity;	/**< Of a receive chain, header included. */
	uint32_t pieces;	/**< Descriptors of a chain, be they in the ring or in a table. */
	uint32_t chains;	/**< Of a packet. */
	uint32_t ring_size;	/**< Descriptors. */
	uint32_t slots;		/**< Buffers that fill the ring. */
};

/** The functions under test. */
struct bench_library {
	void *handle;
	__typeof__(rte_vhost_driver_register) *driver_register;
	__typeof__(rte_vhost_driver_callback_register) *driver_callback_register;
	__typeof__(rte_vhost_driver_start) *driver_start;
	__typeof__(rte_vhost_enable_guest_notification) *enable_guest_notification;
	__typeof__(rte_vhost_enqueue_burst) *enqueue_burst;
	__typeof__(rte_vhost_dequeue_burst) *dequeue_burst;
};

/** What a stretch of work came to. */
struct bench_counts {
	uint64_t packets;	/**< Moved. */
	uint64_t call_ticks;	/**< In calls that moved some. */
	uint64_t idle_calls;	/**< Calls that moved none. */
};

/** A stretch of a few milliseconds. */
struct bench_window {
	struct bench_counts counts;
	double seconds;		/**< Wall clock. */
	double call_seconds;	/**< In calls that moved packets. */
	double typical;		/**< In lock-step: seconds a packet, without interrupted calls. */
	double ping[2];		/**< Cross-core round trip before and after, in seconds. */
	double lost[2];		/**< Share of its CPU that host and guest thread lost. */
};

/** A virtqueue under test. */
struct bench_lane {
	struct guest_queue *queue;
	uint16_t queue_id;	/**< Its index. */
};

/** Everything. */
struct bench {
	struct bench_options options;
	struct bench_library library;
	struct rte_mempool *pool;
	unsigned int pool_size;		/**< Mbufs free when nothing is in use. */
	double ticks_per_second;	/**< Of bench_ticks(). */
	uint64_t tick_cost;		/**< Ticks that two readings of the clock take. */

	/* The cell. */
	struct bench_cell cell;
	struct bench_plan plan;
	struct guest *guest;
	struct guest_iotlb iotlb;
	struct guest_log log;
	struct bench_lane lanes[BENCH_PAIRS];	/**< cell.queues of them. */
	uint32_t next_lane;		/**< Whose turn it is. */
	int vid;			/**< The device. */
	uint64_t verified;		/**< Packets checked. */
	double setup_seconds;		/**< Until the measurement could begin. */

	/** To the guest: packets that are sent in turn, the first ones repeated at the end. */
	struct rte_mbuf **packets;
	uint32_t packet_count;		/**< Without the repetition. */
	uint32_t next_packet;

	struct bench_window *lock, *free;
};

/** Say what went wrong, in the output's format, and fail. */
int bench_fail(const struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* host_options.c */

/** Read the command line. @return 0 or -1. */
int bench_read_options(struct bench_options *options, int argc, char **argv);

/** Read a cell: words of the form name=value. @return 0 or -1 with a message printed. */
int bench_read_cell(struct bench *bench, char *line);

/** Lay out rings and buffers for the cell. */
void bench_make_plan(const struct bench_cell *cell, struct bench_plan *plan);

/* host_library.c: what lasts as long as the process. */

/** Load the library. Before bench_make_pool(), lest an EAL plugin brings another one. */
int bench_load(struct bench *bench);

/** Make the pool; with DPDK, an EAL for it. */
int bench_make_pool(struct bench *bench);

/* host_device.c: what lasts as long as the cell. */

/** Register and start the socket, make a guest and connect it. */
int bench_connect(struct bench *bench);

/** (Re)start the guest with empty rings and wait for the device. */
int bench_start(struct bench *bench);

/** Answer what the backend asks its IOMMU. */
int bench_serve(struct bench *bench);

/** Take the device and its guest down and check the pool's level. */
int bench_close(struct bench *bench);

/* host_packets.c: contents. */

/** Packet @p sequence of lane @p lane as bytes. */
void bench_fill(const struct bench *bench, uint8_t *frame, uint32_t lane, uint64_t sequence);

/** The virtio-net header that goes with packets of this cell. */
struct virtio_net_hdr_v1 bench_header(const struct bench *bench);

/** Whether these bytes are packet @p sequence of lane @p lane. */
int bench_check(struct bench *bench, const uint8_t *frame, uint32_t size, uint32_t lane,
		uint64_t sequence);

/** An mbuf (chain) with a packet in it, or NULL. */
struct rte_mbuf *bench_make_packet(struct bench *bench, uint32_t lane, uint64_t sequence);

/** Check a received packet and give it back. */
int bench_take_packet(struct bench *bench, struct rte_mbuf *packet, uint32_t lane,
		      uint64_t sequence);

/** Fill the rings, and for enqueue make packets, for the functions of host_work.c. */
int bench_prefill(struct bench *bench);

/* host_verify.c */

/** Send and check some rings full of packets: every byte, the order, the pool's level. */
int bench_verify(struct bench *bench);

/** Whether the timed loop still moves what it should; uses up one burst of each lane. */
int bench_verify_again(struct bench *bench);

/* host_work.c: the timed loops. */

/** Learn the clock's speed. */
void bench_calibrate(struct bench *bench);

/** Stay on a CPU, if it can be had. */
void bench_pin(int cpu);

/** Go round each ring a few times, so that nothing is met for the first time later. */
int bench_warm(struct bench *bench);

/** Make cell.lock_windows windows with guest and host taking turns. */
int bench_lock_step(struct bench *bench);

/** Move cell.count packets in lock-step, and nothing else: callgrind counts the calls. */
int bench_count(struct bench *bench);

/* host_free.c */

/** Make cell.free_windows windows with the guest on a core of its own. */
int bench_free_running(struct bench *bench);

#endif
