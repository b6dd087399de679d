/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A guest on a processor of its own, while it is migrated. Pages of a burst are marked together,
 * but a packed ring shows the guest 64 used entries of a long call before the rest is written: by
 * then their pages are marked.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "guest_fast.h"
#include "guest_log.h"
#include "guest_packed.h"
#include "threads.h"

/* Small enough for the pages of a whole call to wait together. */
#define FRAME 3000
#define HEADER 12
/* Buffers of a packet: packets of one are a run, which marks its own. */
#define CHAINS 2
#define RING 252
/* Rounds, in some of which the guest comes in between, within so many seconds. */
#define ROUNDS 200
#define PATIENCE 15
/* The guest's thread ends, or looks at nothing. */
#define NOTHING 0
#define END UINT32_MAX

static struct guest_log dirty;

/** The guest's thread. */
struct watcher {
	const struct guest_queue *queue;
	pthread_t thread;
	_Atomic uint32_t round;		/**< Which one to watch. */
	_Atomic uint32_t done;		/**< Which one was. */
	uint32_t early;			/**< Rounds in which the first was shown before the last. */
	uint32_t unmarked;		/**< And its page was not marked. */
};

/** Whether the device has used a slot, as virtio 1.2, 2.8.1 tells it. */
static bool is_used(const struct guest_queue *queue, uint32_t slot, bool wrap)
{
	uint16_t flags = __atomic_load_n(&queue->ring.packed.descriptors[slot].flags,
					 __ATOMIC_ACQUIRE);

	return !!(flags & GUEST_PACKED_AVAIL) == wrap && !!(flags & GUEST_PACKED_USED) == wrap;
}

static void *watch(void *argument)
{
	struct watcher *watcher = argument;
	const struct guest_queue *queue = watcher->queue;
	uint32_t round = NOTHING;

	for (;;) {
		bool wrap, is_marked;

		while (watcher->round == round)
			;
		round = watcher->round;
		if (round == END)
			return NULL;
		wrap = queue->ring.packed.used.place.wrap;
		while (!is_used(queue, 0, wrap))
			;
		is_marked = guest_log_is_dirty(&dirty, queue->ring.packed.shadow[0].addr);
		watcher->early += !is_used(queue, RING - 1, wrap);
		watcher->unmarked += !is_marked;
		watcher->done = round;
	}
}

static uint16_t give(struct bench *bench, struct rte_mbuf *packet)
{
	struct rte_mbuf *pkts[RING / CHAINS];

	for (uint16_t i = 0; i < RING / CHAINS; i++)
		pkts[i] = packet;
	return rte_vhost_enqueue_burst(bench->vid, RX, pkts, RING / CHAINS);
}

/** Whole rings, each watched by a guest. @return packets of the last call. */
static uint16_t give_rounds(struct bench *bench, struct watcher *watcher, struct rte_mbuf *packet)
{
	uint16_t given = RING / CHAINS;
	time_t start = time(NULL);

	for (uint32_t round = 1; given == RING / CHAINS &&
	     (round <= ROUNDS || watcher->early == 0) && time(NULL) - start < PATIENCE; round++) {
		guest_log_take(&dirty);
		watcher->round = round;
		given = give(bench, packet);
		/* It waits for the first packet, which may never come. */
		while (given > 0 && watcher->done != round)
			sched_yield();
		guest_fast_turn(bench->rx);
	}
	return given;
}

static void no_packet_is_shown_before_it_is_marked(void **state)
{
	struct bench_config config;
	struct bench *bench;
	struct watcher watcher = { .round = NOTHING };
	struct rte_mbuf *packet;
	bool are_apart;
	uint16_t given;

	bench_config_init(&config);
	config.synchronous = true;
	config.guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	config.guest.ring_size = RING;
	config.guest.manual_rx = true;
	config.guest.kick = false;
	config.guest.buffer_size = (FRAME + HEADER) / CHAINS;
	config.guest.rx_buffers = RING;
	config.data_room = RTE_PKTMBUF_HEADROOM + FRAME;
	bench = bench_open(state, &config);
	assert_int_equal(guest_fast_prefill_rx(bench->rx, (FRAME + HEADER) / CHAINS,
					       &(struct guest_shape){ 0 }), RING);
	guest_fast_publish(bench->rx, UINT32_MAX);
	assert_int_equal(guest_log_start(bench->guest, &dirty), 0);
	packet = rte_pktmbuf_alloc(bench->app.mp);
	rte_pktmbuf_append(packet, FRAME);
	watcher.queue = bench->rx;
	assert_int_equal(pthread_create(&watcher.thread, NULL, watch, &watcher), 0);
	are_apart = threads_apart(watcher.thread);
	given = give_rounds(bench, &watcher, packet);
	watcher.round = END;
	assert_int_equal(pthread_join(watcher.thread, NULL), 0);
	threads_anywhere();
	rte_pktmbuf_free(packet);
	assert_int_equal(given, RING / CHAINS);
	assert_int_equal(watcher.unmarked, 0);
	/* Nothing is proved where the guest never came in between. */
	assert_true(watcher.early > 0 || !are_apart);
	guest_log_destroy(&dirty);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST_PACKED(no_packet_is_shown_before_it_is_marked),
	};

	return BENCH_RUN(tests);
}
