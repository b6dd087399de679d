/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A socket, a guest behind it, its device, pools and engines: what a test of the data path needs.
 *
 * Everything runs in lock-step in the test's thread; only messages of the guest are handled in
 * the library's event thread, while the test waits for the reply. Each step ends with
 * bench_check(), the invariants that hold whatever guest and engine do.
 *
 *     struct bench_config config;
 *     struct bench *bench;
 *
 *     bench_config_init(&config);
 *     bench = bench_open(state, &config);
 *     bench_send(bench, 1500, NULL);           // the guest sends a packet
 *     assert_int_equal(bench_dequeue(bench, 32), 0);
 *     engine_finish(&bench->engines[1], 1);
 *     assert_int_equal(bench_dequeue(bench, 32), 1);  // and it arrives unchanged
 *     bench_close(bench);                      // nothing is left over
 */
#ifndef HARNESS_BENCH_H
#define HARNESS_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <rte_vhost_async.h>
#include <rtevhostswift.h>

#include "engine.h"
#include "guest.h"
#include "guest_iotlb.h"
#include "guest_packet.h"
#include "pool.h"

/** Most packets of one call. */
#define BENCH_BURST 1024

/** Packets of one direction that may be on their way. */
#define BENCH_PENDING 4096

/** Devices at the same time. */
#define BENCH_MAX 2

/** The queues of the first pair. */
#define RX 0
#define TX 1

/** Features that let a guest ask for checksums and segmentation. */
#define BENCH_OFFLOADS \
	(GUEST_BIT(VIRTIO_NET_F_CSUM) | GUEST_BIT(VIRTIO_NET_F_HOST_TSO4) | \
	 GUEST_BIT(VIRTIO_NET_F_HOST_TSO6) | GUEST_BIT(VIRTIO_NET_F_HOST_UFO))

/** What a bench is made of. */
struct bench_config {
	struct guest_config guest;
	uint64_t driver_flags;		/**< RTE_VHOST_USER_* for the socket. */
	struct rte_vhost_async_config async; /**< Of both channels. */
	bool bare;			/**< Register no channels... */
	bool callback;			/**< ...or in vring_state_changed(), thread_unsafe. */
	bool synchronous;		/**< The processor copies: the calls without a channel. */
	bool iommu;			/**< Behind an IOMMU... */
	uint64_t iommu_seed;		/**< ...as guest_iotlb_create() takes it. */
	uint64_t protocol;		/**< Protocol features offered besides the usual. */
	uint32_t pool_size;		/**< Mbufs for packets from the guest. */
	uint16_t data_room;		/**< Of an mbuf of either pool. */
};

/** One direction's packets. */
struct bench_flow {
	uint64_t sent;			/**< Packets put in, by sequence number. */
	uint64_t returned;		/**< Packets that came out; in order: the next number. */
	uint64_t delivered;		/**< To the guest: packets it received. */
	uint32_t sizes[BENCH_PENDING];
	struct rte_mbuf *mbufs[BENCH_PENDING]; /**< To the guest: what the library has. */
	bool seen[BENCH_PENDING];	/**< Relaxed order: which ones came out. */
	int inflight;			/**< As the last call said. */
};

/** What a process has open. */
struct bench_baseline {
	int fds, maps, threads;
};

/** Everything. */
struct bench {
	struct bench_config config;
	char directory[32];
	char path[64];
	struct guest *guest;
	struct guest_iotlb iotlb;	/**< Used where the configuration says iommu. */
	struct guest_queue *tx, *rx;	/**< The guest's: tx is the device's queue 1. */
	_Atomic int vid;		/**< -1: none is running. The event thread's. */
	/** In destroy_device(): event thread. */
	void (*_Atomic ending)(struct bench *bench, int vid);
	void (*checked)(struct bench *bench); /**< At the end of bench_check(): more to check. */
	_Atomic int changes;		/**< Calls of vring_state_changed(): the event thread's. */
	struct pool pool;		/**< For packets from the guest. */
	struct pool app;		/**< The application's, to the guest. */
	struct engine engines[2];	/**< By queue. */
	struct bench_flow from, to;	/**< From and to the guest. */
	struct bench_baseline baseline;
	uint32_t held;			/**< Mbufs of the pool that the test itself holds. */
	uint64_t faults;		/**< Unknown ids in used rings that the test expects. */
	uint64_t unused;		/**< Receive chains that come back empty, the same. */
	bool relaxed;			/**< Packets may overtake. */
	bool loose;			/**< Pool levels are not predictable now. */
	bool by_hand;			/**< bench_receive() posts no buffers: the test does. */
	bool registered, started, open;
	uint8_t frame[GUEST_MAX_FRAME + 64];
};

/* bench.c: life. */

/**
 * Defaults: threshold 256, in order, 512 mbufs of 2 KiB, a guest as guest_config_init() says with
 * rings of the test's format.
 */
void bench_config_init(struct bench_config *config);

/** A bench with a running device; asserts that all went well. */
struct bench *bench_open(void **state, const struct bench_config *config);

/** The first half of it: the socket, and a guest that has connected and not started. */
struct bench *bench_connect(void **state, const struct bench_config *config);

/** The second half: start the guest, wait for the device, register channels. */
void bench_start(struct bench *bench);

/** Register a channel for one queue with the bench's configuration. @return what the call did. */
int bench_register(struct bench *bench, uint16_t queue);

/** Let engines finish, take everything back, end; asserts that nothing is left over. */
void bench_close(struct bench *bench);

/** Hang up and assert that what the device had is given back, packets in flight included. */
void bench_hang_up(struct bench *bench);

/** cmocka's setup, by the ring format that bench_config_init() is to ask for. */
int bench_setup_split(void **state);
int bench_setup_packed(void **state);

/** cmocka's teardown: whatever a failed test left is cleared away. */
int bench_teardown(void **state);

/** A test of one ring format: it is about something that the other one does not have. */
#define BENCH_TEST_SPLIT(function) \
	{ #function "_split", function, bench_setup_split, bench_teardown, NULL }
#define BENCH_TEST_PACKED(function) \
	{ #function "_packed", function, bench_setup_packed, bench_teardown, NULL }

/** A test of both. */
#define BENCH_TEST(function) BENCH_TEST_SPLIT(function), BENCH_TEST_PACKED(function)

/** A test that asks for ring formats itself, or for none. */
#define BENCH_TEST_ONCE(function) \
	{ #function, function, bench_setup_split, bench_teardown, NULL }

/** End the process if a test hangs, and run a group of tests. */
#define BENCH_RUN(tests) (alarm(120), cmocka_run_group_tests(tests, NULL, NULL))

/** What the process has open now. */
void bench_measure(struct bench_baseline *baseline);
/** The same once threads that still close what was there before have ended. */
void bench_measure_idle(struct bench_baseline *baseline);

/** Wait up to ten seconds until @p condition holds. @return whether it does. */
bool bench_wait(bool (*condition)(void *data), void *data);

/** What GET_VRING_BASE says of a queue that began at 0 and has used that many descriptors. */
uint32_t bench_base(const struct guest_queue *queue, uint32_t descriptors);

/** A queue's ring begins anew: GET_VRING_BASE, then all that sets it up. */
void bench_restart_ring(struct bench *bench, struct guest_queue *queue, uint32_t descriptors);

/* bench_anew.c: rings and connections that begin anew. */

/** For bench_wait(), with a bench: whether its device runs. */
bool bench_has_device(void *bench);

/** A driver forgets what was in its ring, which stopped, and takes one of @p size slots. */
void bench_renew_ring(struct guest_queue *queue, uint32_t size);

/** After bench_hang_up(): connect and start again; channels are registered anew. */
void bench_come_back(struct bench *bench);

/* bench_iommu.c: translations. */

/** Put an IOMMU before the guest, which is not connected. */
void bench_iommu_create(struct bench *bench);

/** Serve the library's requests, misses among them. @return how many. */
int bench_serve(struct bench *bench);

/** Have the library forget all but the rings; waits for the engines, which must go on. */
void bench_forget_buffers(struct bench *bench);

/* bench_check.c: invariants. */

/** The invariants; called by every step, and by tests after steps of their own. */
void bench_check(struct bench *bench);

/** Counters of a queue. */
struct rtevhostswift_vring_stats bench_stats(struct bench *bench, uint16_t queue);

/** Sum of the dropped_* counters. */
uint64_t bench_dropped(const struct rtevhostswift_vring_stats *stats);

/** Mbufs that a packet of @p size bytes takes. */
uint32_t bench_segments(const struct bench *bench, uint32_t size);

/* bench_flow.c: packets. */

/** The guest sends a stamped packet; shape NULL is direct. Asserts that it fits. */
void bench_send(struct bench *bench, uint32_t size, const struct guest_shape *shape);

/** Write the next stamped packet into bench->frame and count on it to be dequeued. */
void bench_stamp(struct bench *bench, uint32_t size);

/** The same, several times. */
void bench_send_many(struct bench *bench, uint32_t count, uint32_t size);

/** Call try_dequeue_burst, check and free what came. @return how many. */
uint16_t bench_dequeue(struct bench *bench, uint16_t count);

/** The same without looking at the packets: the caller's. Invariants are not checked. */
uint16_t bench_dequeue_raw(struct bench *bench, struct rte_mbuf **pkts, uint16_t count);

/** Check one packet from the guest and free it. */
void bench_accept(struct bench *bench, struct rte_mbuf *mbuf);

/** Call clear_queue for queue 1, check and free what came. @return how many. */
uint16_t bench_clear(struct bench *bench, uint16_t count);

/** Dequeue with engines that behave until nothing is in flight. */
void bench_drain(struct bench *bench);

/** A packet of these bytes in mbufs of the application, as many as it takes. */
struct rte_mbuf *bench_packet(struct bench *bench, const uint8_t *bytes, uint32_t size);

/** Submit packets to the guest. @return how many were taken; bench->to.inflight follows. */
uint16_t bench_enqueue(struct bench *bench, uint16_t count, uint32_t size);

/** A bench as usual, with three packets of @p size bytes in flight in each direction. */
struct bench *bench_open_busy(void **state, uint32_t size);

/** Poll completed ones of them. @return how many. */
uint16_t bench_collect(struct bench *bench, uint16_t count);

/** Check and free packets to the guest that the library gave back. */
void bench_take_back(struct bench *bench, struct rte_mbuf **pkts, uint32_t count);

/** The guest receives; checks every packet, posts its buffers again. @return how many. */
uint32_t bench_receive(struct bench *bench);

#endif
