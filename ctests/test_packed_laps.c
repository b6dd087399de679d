/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A guest on a processor of its own, which offers the slots of a packed ring again as soon as it is
 * shown that they were used. A call with more packets than the ring has slots could go on for as
 * long as such a guest does; it takes what was free when it began, and no slot twice.
 *
 * Used entries are shown when 64 of them wait, and at the end of the call. So it is rings of 64
 * slots and more that a call could pass more than once; smaller ones have to come out even too.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "guest_fast.h"
#include "guest_packed.h"
#include "threads.h"

/* Long enough for the guest to come between two packets of a call. */
#define FRAME 9000
#define HEADER 12
/* As many chains of one, two or three slots as fit: then a call believes that there are more. */
#define LARGEST 252
/* Used entries that are shown together. */
#define SHOWN 64
/* Calls on each ring, into which so many chains must have come in between... */
#define CALLS 50
#define BESIDE 100
/* ...within so many seconds. */
#define PATIENCE 15

/** The guest's thread, the only one that touches the queue while it runs. */
struct fast_guest {
	struct guest_queue *queue;
	pthread_t thread;
	struct guest_packed_place next;	/**< The slot that is used next: the test's own. */
	_Atomic bool ends;
	_Atomic uint64_t looks;		/**< Times it found nothing new. */
	_Atomic uint64_t used;		/**< Slots seen used, and offered again since. */
	_Atomic uint64_t until;		/**< What that is when a call took all; 0: none runs. */
	_Atomic uint64_t beside;	/**< Chains offered to a call at work. */
};

/** How packets lie in the ring. */
struct layout {
	struct guest_shape shape;
	uint32_t slots;			/**< Of a chain. */
	uint32_t chains;		/**< Of a packet. */
};

/** One call. */
struct outcome {
	uint32_t count;			/**< What it returned. */
	uint64_t slots;			/**< What it used. */
	bool is_due, is_told;		/**< The guest was to be interrupted; it was. */
};

/** One direction. */
struct direction {
	uint16_t queue;
	void (*fill)(struct bench *bench, const struct layout *layout);
	uint16_t (*call)(struct bench *bench, uint16_t count);
};

static void *run_guest(void *argument)
{
	struct fast_guest *guest = argument;
	const struct guest_packed_place *place = &guest->queue->ring.packed.used.place;

	while (!guest->ends) {
		struct guest_packed_place from = *place;
		uint32_t slots;

		if (guest_fast_recycle(guest->queue, 1) == 0) {
			guest->looks++;
			continue;
		}
		guest_fast_publish(guest->queue, 1);
		slots = place->slot + (place->wrap != from.wrap ? guest->queue->size : 0);
		guest->used += slots - from.slot;
		if (guest->used < guest->until)
			guest->beside++;
	}
	return NULL;
}

/** Wait until the guest has seen all that was used so far. */
static void settle(const struct fast_guest *guest)
{
	uint64_t looks = guest->looks;

	while (guest->looks < looks + 2)
		sched_yield();
}

/** The guest waits for slot number @p wanted from here. */
static struct outcome one_call(struct bench *bench, struct fast_guest *guest,
			       const struct direction *direction, uint32_t lap, uint16_t count,
			       uint32_t wanted)
{
	struct guest_queue *queue = guest->queue;
	struct outcome outcome;
	uint64_t before;

	settle(guest);
	guest_packed_want_call_at(queue, guest_packed_after(queue, guest->next, wanted));
	guest_wait_call(queue, 0);
	before = guest->used;
	guest->until = before + lap;
	outcome.count = direction->call(bench, count);
	guest->until = 0;
	settle(guest);
	outcome.slots = guest->used - before;
	guest->next = guest_packed_after(queue, guest->next, (uint32_t)outcome.slots);
	outcome.is_due = outcome.slots > wanted;
	outcome.is_told = guest_wait_call(queue, 0) == 1;
	return outcome;
}

static bool is_late(time_t start)
{
	return time(NULL) - start > PATIENCE;
}

/** Calls for @p count packets each, on a ring that is full whenever one begins. */
static void many_calls(struct bench *bench, const struct direction *direction,
		       const struct layout *layout, uint16_t count)
{
	struct guest_queue *queue = &bench->guest->queues[direction->queue];
	struct fast_guest guest = { .queue = queue, .next = queue->ring.packed.used.place };
	uint32_t packets = queue->in_flight / layout->chains;
	uint32_t lap = packets * layout->chains * layout->slots;
	/* Nothing is proved where the guest never came in between. */
	uint64_t beside = packets * layout->chains > SHOWN ? BESIDE : 0;
	struct outcome outcome = { 0 };
	time_t start = time(NULL);

	assert_true(packets > 0 && lap <= queue->size);
	assert_int_equal(pthread_create(&guest.thread, NULL, run_guest, &guest), 0);
	if (!threads_apart(guest.thread))
		beside = 0;
	/* The guest's thread has to end before anything is asserted. */
	for (uint32_t i = 0; (i < CALLS || guest.beside < beside) && !is_late(start); i++) {
		outcome = one_call(bench, &guest, direction, lap, count,
				   i % 2 ? queue->size - 1 : i % queue->size);
		if (outcome.count != packets || outcome.slots != lap ||
		    outcome.is_due > outcome.is_told)
			break;
	}
	guest.ends = true;
	assert_int_equal(pthread_join(guest.thread, NULL), 0);
	threads_anywhere();
	assert_int_equal(outcome.count, packets);
	assert_int_equal(outcome.slots, lap);
	assert_true(outcome.is_told || !outcome.is_due);
	assert_true(guest.beside >= beside);
	bench_check(bench);
}

static void fill_rx(struct bench *bench, const struct layout *layout)
{
	uint32_t capacity = (FRAME + HEADER + layout->chains - 1) / layout->chains;

	assert_true(guest_fast_prefill_rx(bench->rx, capacity, &layout->shape) > 0);
	guest_fast_publish(bench->rx, UINT32_MAX);
}

static void fill_tx(struct bench *bench, const struct layout *layout)
{
	assert_true(guest_fast_prefill_tx(bench->tx, bench->frame, FRAME, &layout->shape) > 0);
	guest_fast_publish(bench->tx, UINT32_MAX);
}

static uint16_t give(struct bench *bench, uint16_t count)
{
	struct rte_mbuf *packet = rte_pktmbuf_alloc(bench->app.mp), *pkts[BENCH_BURST];
	uint16_t given;

	rte_pktmbuf_append(packet, FRAME);
	for (uint16_t i = 0; i < count; i++)
		pkts[i] = packet;
	given = rte_vhost_enqueue_burst(bench->vid, RX, pkts, count);
	rte_pktmbuf_free(packet);
	return given;
}

static uint16_t take(struct bench *bench, uint16_t count)
{
	struct rte_mbuf *pkts[BENCH_BURST];
	uint16_t got = rte_vhost_dequeue_burst(bench->vid, TX, bench->pool.mp, pkts, count);
	uint16_t whole = 0;

	for (uint16_t i = 0; i < got; i++)
		whole += pkts[i]->pkt_len == FRAME;
	rte_pktmbuf_free_bulk(pkts, got);
	return whole;
}

static const struct direction to_guest = { RX, fill_rx, give }, from_guest = { TX, fill_tx, take };

/** One direction on rings of many sizes; calls for so many packets behind @p laps laps. */
static void rings(void **state, const struct direction *direction, const struct layout *layout,
		  uint16_t laps, uint16_t more)
{
	static const uint16_t sizes[] = { 4, 8, 16, LARGEST };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bench_config config;
		struct bench *bench;

		bench_config_init(&config);
		config.synchronous = true;
		config.guest.ring_size = sizes[i];
		config.guest.manual_rx = true;
		config.guest.kick = false;
		config.guest.buffer_size = FRAME + HEADER;
		config.guest.tx_buffers = config.guest.rx_buffers = 3 * LARGEST;
		config.pool_size = 3 * LARGEST;
		config.data_room = RTE_PKTMBUF_HEADROOM + FRAME;
		bench = bench_open(state, &config);
		direction->fill(bench, layout);
		many_calls(bench, direction, layout, (uint16_t)(laps * sizes[i] + more));
		bench_close(bench);
	}
}

/** All layouts that both directions have. */
static void layouts(void **state, const struct direction *direction, uint16_t laps, uint16_t more)
{
	static const struct layout all[] = {
		{ { 0 }, 1, 1 },
		{ { .data_pieces = 2 }, 2, 1 },
		{ { .data_pieces = 3 }, 3, 1 },
		{ { .indirect = true, .data_pieces = 2 }, 1, 1 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		rings(state, direction, &all[i], laps, more);
}

static void a_call_gives_no_slot_twice(void **state)
{
	static const struct layout two_chains = { { 0 }, 1, 2 };

	layouts(state, &to_guest, 2, 3);
	rings(state, &to_guest, &two_chains, 2, 3);
}

static void a_call_takes_no_slot_twice(void **state)
{
	layouts(state, &from_guest, 2, 3);
	/* Fewer chains than slots, and a packet for each slot is asked for. */
	layouts(state, &from_guest, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST_PACKED(a_call_gives_no_slot_twice),
		BENCH_TEST_PACKED(a_call_takes_no_slot_twice),
	};

	return BENCH_RUN(tests);
}
