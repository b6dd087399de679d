/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * One burst of each queue in turn: the library's call, which is timed, then the guest's. All
 * packets of the first pass are compared.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "guest_fast.h"
#include "guest_packet.h"
#include "scale_host.h"

#define POOL_SIZE 8191
/** Many queues need much memory: buffers are as large as the packets want. */
#define SMALL_BUFFER 512
#define SAMPLES 65536u
/** Polls of empty queues between two looks at the clock. */
#define EMPTY_CALLS 128u
/** Of a tick: what samples are counted in. */
#define FRACTION 64
#define FRAME_MAX 1518

static const struct guest_shape plain_shape;

/** A queue that packets go through. */
struct lane {
	struct guest_queue *queue;
	int vid;
	uint16_t index;
};

static struct {
	const struct scale_options *options;
	struct rte_mempool *pool;
	struct guest *guests[SCALE_HOST_QUEUES / SCALE_HOST_PAIRS];
	uint32_t guest_count, lane_count;
	struct lane lanes[SCALE_HOST_QUEUES];
	struct rte_mbuf *packets[MORE_BURST];	/**< To the guest: every queue's. */
	uint64_t verified;
} rig;

/** What a queue's packets have in them. */
static void fill(uint8_t *frame, uint32_t lane)
{
	struct guest_stamp stamp = { .sender = 1, .queue = (uint16_t)lane };

	guest_packet_fill(frame, rig.options->size, &stamp);
}

static struct guest *make_guest(uint32_t pairs)
{
	const struct scale_options *options = rig.options;
	struct guest_config config;
	struct guest *guest = NULL;
	int ret;

	guest_config_init(&config);
	config.socket_path = options->socket;
	config.queue_pairs = pairs;
	config.ring_size = options->ring_size;
	config.region_count = options->regions;
	config.buffer_size = options->size + 64 < SMALL_BUFFER ? SMALL_BUFFER : MORE_BUFFER;
	config.tx_buffers = options->enqueue ? 1 : config.ring_size;
	config.rx_buffers = options->enqueue ? config.ring_size : 1;
	config.table_entries = 0;
	/* Host and guest poll; a thousand queues would have four thousand descriptors. */
	config.kick = config.call = false;
	config.manual_rx = true;
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS);
	if (options->packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	ret = guest_create(&config, &guest);
	if (ret == 0)
		ret = guest_connect(guest);
	if (ret == 0 && guest->max_pairs < pairs)
		more_die("the library has %u queue pairs", (unsigned int)guest->max_pairs);
	if (ret == 0)
		ret = guest_start(guest);
	if (ret < 0)
		more_die("guest: %s", strerror(-ret));
	if (options->packed && !guest_has(guest, VIRTIO_F_RING_PACKED))
		more_die("packed rings are not offered");
	return guest;
}

static void prefill(struct lane *lane, uint32_t number)
{
	static uint8_t frame[FRAME_MAX];
	int ret;

	fill(frame, number);
	if (rig.options->enqueue)
		ret = guest_fast_prefill_rx(lane->queue, lane->queue->slots.buffer_size,
					    &plain_shape);
	else
		ret = guest_fast_prefill_tx(lane->queue, frame, rig.options->size, &plain_shape);
	if (ret <= 0)
		more_die("prefill: %s", strerror(-ret));
	if (!rig.options->empty)
		guest_fast_publish(lane->queue, UINT32_MAX);
}

static void make_lanes(uint32_t pairs)
{
	struct guest *guest = make_guest(pairs);
	int vid = more_device(rig.guest_count);

	rig.guests[rig.guest_count++] = guest;
	for (uint32_t pair = 0; pair < pairs; pair++) {
		struct lane *lane = &rig.lanes[rig.lane_count];

		lane->queue = rig.options->enqueue ? guest_rx_queue(guest, pair) :
						     guest_tx_queue(guest, pair);
		lane->vid = vid;
		lane->index = (uint16_t)lane->queue->index;
		prefill(lane, rig.lane_count++);
	}
}

static void make_packets(void)
{
	static uint8_t frame[FRAME_MAX];

	fill(frame, 0);
	for (uint32_t i = 0; i < rig.options->burst && rig.options->enqueue; i++) {
		rig.packets[i] = rte_pktmbuf_alloc(rig.pool);
		if (!rig.packets[i])
			more_die("out of mbufs");
		memcpy(rte_pktmbuf_append(rig.packets[i], (uint16_t)rig.options->size), frame,
		       rig.options->size);
	}
}

/** One burst. @return packets. */
static uint32_t move(struct lane *lane, struct rte_mbuf **packets, uint64_t *ticks)
{
	uint16_t burst = (uint16_t)rig.options->burst;
	uint64_t start = bench_ticks();
	uint32_t count;

	if (rig.options->enqueue)
		count = more_library.enqueue_burst(lane->vid, lane->index, rig.packets, burst);
	else
		count = more_library.dequeue_burst(lane->vid, lane->index, rig.pool, packets,
						   burst);
	*ticks = bench_ticks() - start - more_tick_cost;
	return count;
}

static void release(struct rte_mbuf **packets, uint32_t count)
{
	for (uint32_t i = 0; i < count && !rig.options->enqueue; i++)
		rte_pktmbuf_free(packets[i]);
}

/** A pass in which everything is compared. */
static void verify(void)
{
	static uint8_t frame[FRAME_MAX];
	struct rte_mbuf *packets[MORE_BURST];
	uint32_t size = rig.options->size, room;
	uint64_t ticks;

	for (uint32_t i = 0; i < rig.lane_count; i++) {
		struct lane *lane = &rig.lanes[i];
		uint32_t count = move(lane, packets, &ticks);

		fill(frame, rig.options->enqueue ? 0 : i);
		if (count != rig.options->burst)
			more_die("queue %u moves %u packets", i, count);
		for (uint32_t j = 0; j < count && !rig.options->enqueue; j++)
			if (packets[j]->pkt_len != size ||
			    memcmp(rte_pktmbuf_mtod(packets[j], void *), frame, size) != 0)
				more_die("queue %u: a packet changed", i);
		if (guest_fast_turn(lane->queue) != count)
			more_die("queue %u does not give back what it used", i);
		for (uint32_t j = 0; j < count && rig.options->enqueue; j++) {
			const uint8_t *buffer = guest_fast_buffer(lane->queue, j, &room);

			if (!buffer || memcmp(buffer + lane->queue->header_size, frame, size) != 0)
				more_die("queue %u: a packet changed", i);
		}
		release(packets, count);
		rig.verified += count;
	}
}

static void run_window(uint32_t number)
{
	static uint32_t samples[SAMPLES];
	uint64_t length = (uint64_t)(rig.options->window * more_tick_rate), first = bench_ticks();
	uint64_t moved = 0, sum = 0;
	double start = bench_now(), cpu = bench_cpu_time(), lost;
	uint32_t kept = 0;

	do {
		for (uint32_t i = 0; i < rig.lane_count; i++) {
			struct rte_mbuf *packets[MORE_BURST];
			uint64_t ticks;
			uint32_t count = move(&rig.lanes[i], packets, &ticks);

			if (count == 0)
				more_die("queue %u moves nothing", i);
			moved += count;
			sum += ticks;
			if (kept < SAMPLES)
				samples[kept++] = (uint32_t)(ticks * FRACTION / count);
			release(packets, count);
			guest_fast_turn(rig.lanes[i].queue);
		}
	} while (bench_ticks() - first < length);
	lost = more_lost(start, cpu);
	printf("%s[%" PRIu64 ",%.6g,%.5g,%.3g]", number > 0 ? "," : "", moved,
	       (double)sum / more_tick_rate, more_typical(samples, kept) / FRACTION, lost);
}

/** Polls in vain, by the dozen: one takes little longer than the clock. */
static void run_empty_window(uint32_t number)
{
	uint64_t length = (uint64_t)(rig.options->window * more_tick_rate), calls = 0, first, sum;
	double start = bench_now(), cpu = bench_cpu_time(), lost;
	struct rte_mbuf *packets[MORE_BURST];

	first = bench_ticks();
	do {
		for (uint32_t i = 0; i < EMPTY_CALLS; i++, calls++) {
			struct lane *lane = &rig.lanes[calls % rig.lane_count];

			if (more_library.dequeue_burst(lane->vid, lane->index, rig.pool, packets,
						       (uint16_t)rig.options->burst) != 0)
				more_die("a packet from an empty queue");
		}
		sum = bench_ticks() - first;
	} while (sum < length);
	lost = more_lost(start, cpu);
	printf("%s[%" PRIu64 ",%.6g,%.5g,%.3g]", number > 0 ? "," : "", calls,
	       (double)sum / more_tick_rate, (double)sum / more_tick_rate / (double)calls, lost);
}

static void finish(void)
{
	for (uint32_t i = 0; i < rig.options->burst && rig.options->enqueue; i++)
		rte_pktmbuf_free(rig.packets[i]);
	if (rte_mempool_avail_count(rig.pool) != POOL_SIZE)
		more_die("mbufs are missing");
	for (uint32_t i = 0; i < rig.guest_count; i++) {
		if (guest_complaints(rig.guests[i]) > 0)
			more_die("guest %u complains", i);
		guest_disconnect(rig.guests[i]);
	}
	more_await_count(0);
	if (more_library.driver_unregister(rig.options->socket) < 0)
		more_die("rte_vhost_driver_unregister failed");
}

void scale_rate(const struct scale_options *options)
{
	rig.options = options;
	rig.pool = more_make_pool(POOL_SIZE);
	more_serve(options->socket, 0);
	for (uint32_t left = options->queues; left > 0;) {
		uint32_t pairs = RTE_MIN(left, SCALE_HOST_PAIRS);

		make_lanes(pairs);
		left -= pairs;
	}
	for (uint32_t i = 0; i < rig.lane_count; i++)
		more_library.enable_guest_notification(rig.lanes[i].vid, rig.lanes[i].index, 0);
	make_packets();
	if (!options->empty)
		verify();
	printf("{\"ok\":true,\"windows\":[");
	for (uint32_t i = 0; i < options->windows; i++)
		if (options->empty)
			run_empty_window(i);
		else
			run_window(i);
	if (!options->empty)
		verify();
	finish();
	printf("],\"devices\":%" PRIu32 ",\"verified\":%" PRIu64 "}\n", rig.guest_count,
	       rig.verified);
}
