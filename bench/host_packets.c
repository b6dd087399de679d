/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What packets contain, and that they arrive as they were sent, in order, once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest_fast.h"
#include "guest_packet.h"
#include "host.h"
#include "host_work.h"

/** Rings full of packets that bench_verify() sends. */
#define VERIFY_RINGS 4
/** Calls in a row without a packet after which something is stuck. */
#define IDLE_LIMIT 100000000u

static const struct guest_shape plain_shape;

static uint64_t fill(uint8_t *frame, uint32_t size, uint64_t sequence)
{
	struct guest_stamp stamp = { .sender = 1, .queue = 0, .sequence = sequence };

	return guest_packet_fill(frame, size, &stamp);
}

/** Whether these bytes are packet @p sequence. */
static int check(struct bench *bench, const uint8_t *frame, uint32_t size, uint64_t sequence)
{
	uint8_t expected[BENCH_FRAME];
	struct guest_stamp stamp;
	bool swapped;
	uint64_t hash, sent = fill(expected, bench->options.size, sequence);

	if (size != bench->options.size)
		return bench_fail(bench, "packet %llu: %u bytes", (unsigned long long)sequence,
				  size);
	if (guest_packet_check(frame, size, &stamp, &hash, &swapped) < 0 || swapped)
		return bench_fail(bench, "packet %llu: changed", (unsigned long long)sequence);
	if (stamp.sequence != sequence)
		return bench_fail(bench, "packet %llu in place of %llu",
				  (unsigned long long)stamp.sequence,
				  (unsigned long long)sequence);
	if (hash != sent || memcmp(frame, expected, size) != 0)
		return bench_fail(bench, "packet %llu: other contents",
				  (unsigned long long)sequence);
	bench->verified++;
	return 0;
}

struct rte_mbuf *bench_make_packet(struct bench *bench, uint64_t sequence)
{
	uint8_t frame[BENCH_FRAME];
	uint32_t size = bench->options.size, done = 0;
	struct rte_mbuf *first = NULL;

	fill(frame, size, sequence);
	while (done < size) {
		uint32_t part = size - done < BENCH_BUFFER ? size - done : BENCH_BUFFER;
		struct rte_mbuf *segment = rte_pktmbuf_alloc(bench->pool);

		if (!segment)
			break;
		memcpy(rte_pktmbuf_append(segment, (uint16_t)part), frame + done, part);
		if (!first)
			first = segment;
		else if (rte_pktmbuf_chain(first, segment) < 0)
			break;
		done += part;
	}
	return done < size ? NULL : first;
}

/** Check a received packet and give it back. */
static int take_mbuf(struct bench *bench, struct rte_mbuf *packet, uint64_t sequence)
{
	uint8_t copy[BENCH_FRAME];
	uint32_t size = rte_pktmbuf_pkt_len(packet);
	const void *frame = NULL;
	int ret = -1;

	if (size <= sizeof(copy))
		frame = rte_pktmbuf_read(packet, 0, size, copy);
	if (frame)
		ret = check(bench, frame, size, sequence);
	else
		bench_fail(bench, "a packet of %u bytes in %u mbufs", size, packet->nb_segs);
	rte_pktmbuf_free(packet);
	return ret;
}

/** Receive once and check. @return packets or -1. */
static int check_dequeue(struct bench *bench, uint64_t sequence, uint32_t step)
{
	struct rte_mbuf *packets[BENCH_BURST];
	uint32_t count = bench->library.dequeue_burst(bench->vid, bench->queue_id, bench->pool,
						      packets, (uint16_t)bench->options.burst);
	int ret = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (ret == 0)
			ret = take_mbuf(bench, packets[i], sequence + i * step);
		else
			rte_pktmbuf_free(packets[i]);
	}
	return ret < 0 ? ret : (int)count;
}

/** The guest sends as much as fits. @return next sequence number or -1. */
static int64_t guest_sends(struct bench *bench, uint64_t sequence)
{
	uint8_t frame[BENCH_FRAME];
	int ret;

	guest_tx_reap(bench->queue);
	for (;; sequence++) {
		fill(frame, bench->options.size, sequence);
		ret = guest_tx(bench->queue, frame, bench->options.size, &plain_shape);
		if (ret < 0)
			break;
	}
	if (ret == -ENOSPC || ret == -ENOBUFS)
		ret = guest_submit(bench->queue);
	if (ret < 0)
		return bench_fail(bench, "guest_tx: %s", strerror(-ret));
	return (int64_t)sequence;
}

static int verify_dequeue(struct bench *bench)
{
	uint64_t received = 0, wanted = (uint64_t)VERIFY_RINGS * bench->options.ring_size;
	int64_t sent = 0;

	for (uint32_t idle = 0; received < wanted;) {
		int count;

		sent = guest_sends(bench, (uint64_t)sent);
		count = sent < 0 ? -1 : check_dequeue(bench, received, 1);
		if (count < 0)
			return -1;
		received += (uint64_t)count;
		idle = count > 0 ? 0 : idle + 1;
		if (idle > 1000000)
			return bench_fail(bench, "no packet after %llu",
					  (unsigned long long)received);
	}
	/* The rest of the last ring. */
	while (received < (uint64_t)sent) {
		int count = check_dequeue(bench, received, 1);

		if (count <= 0)
			return count < 0 ? -1 : bench_fail(bench, "packets lost at the end");
		received += (uint64_t)count;
	}
	guest_tx_reap(bench->queue);
	return 0;
}

/** Send one burst. @return next sequence number or -1. */
static int64_t host_sends(struct bench *bench, uint64_t sequence)
{
	struct rte_mbuf *packets[BENCH_BURST];
	uint32_t sent;

	for (uint32_t i = 0; i < bench->options.burst; i++) {
		packets[i] = bench_make_packet(bench, sequence + i);
		if (!packets[i])
			return bench_fail(bench, "out of mbufs");
	}
	sent = bench->library.enqueue_burst(bench->vid, bench->queue_id, packets,
					    (uint16_t)bench->options.burst);
	for (uint32_t i = 0; i < bench->options.burst; i++)
		rte_pktmbuf_free(packets[i]);
	return (int64_t)(sequence + sent);
}

static int verify_enqueue(struct bench *bench)
{
	uint64_t received = 0, wanted = (uint64_t)VERIFY_RINGS * bench->options.ring_size;
	uint8_t frame[BENCH_FRAME];
	struct guest_received info;
	int64_t sent = 0;

	for (uint32_t idle = 0; received < wanted; idle++) {
		int size;

		guest_rx_fill(bench->queue);
		guest_submit(bench->queue);
		sent = host_sends(bench, (uint64_t)sent);
		if (sent < 0)
			return -1;
		while ((size = guest_rx(bench->queue, frame, sizeof(frame), &info)) >= 0) {
			if (check(bench, frame, (uint32_t)size, received++) < 0)
				return -1;
			idle = 0;
		}
		if (idle > 1000000)
			return bench_fail(bench, "no packet after %llu",
					  (unsigned long long)received);
	}
	if (received != (uint64_t)sent)
		return bench_fail(bench, "packets lost at the end");
	return 0;
}

int bench_verify(struct bench *bench)
{
	unsigned int left;
	int ret = bench_start(bench);

	if (ret == 0)
		ret = bench->options.enqueue ? verify_enqueue(bench) : verify_dequeue(bench);
	if (ret < 0)
		return ret;
	if (guest_complaints(bench->guest) > 0)
		return bench_fail(bench, "the guest complains about the ring");
	left = rte_mempool_avail_count(bench->pool);
	if (left != bench->pool_size)
		return bench_fail(bench, "pool: %u mbufs of %u after verification", left,
				  bench->pool_size);
	return 0;
}

/** A ring full of packets to send, and one burst of them again behind it. */
static int make_packets(struct bench *bench)
{
	uint32_t count = bench->options.ring_size, burst = bench->options.burst;
	uint32_t segments = (bench->options.size + BENCH_BUFFER - 1) / BENCH_BUFFER;

	/* Half of the pool at most. */
	while (count > burst && count * segments > bench->pool_size / 2)
		count /= 2;
	bench->packets = calloc(count + burst, sizeof(struct rte_mbuf *));
	for (uint32_t i = 0; bench->packets && i < count; i++) {
		bench->packets[i] = bench_make_packet(bench, i);
		if (!bench->packets[i])
			return bench_fail(bench, "out of mbufs");
		bench->packet_count++;
	}
	for (uint32_t i = 0; bench->packets && i < burst; i++)
		bench->packets[count + i] = bench->packets[i % count];
	return bench->packets ? 0 : bench_fail(bench, "out of memory");
}

int bench_prefill(struct bench *bench)
{
	uint8_t frame[BENCH_FRAME];
	int ret;

	if (bench->options.enqueue) {
		if (make_packets(bench) < 0)
			return -1;
		ret = guest_fast_prefill_rx(bench->queue, BENCH_BUFFER, &plain_shape);
	} else {
		fill(frame, bench->options.size, 0);
		ret = guest_fast_prefill_tx(bench->queue, frame, bench->options.size,
					    &plain_shape);
	}
	if (ret <= 0)
		return bench_fail(bench, "prefill: %s", strerror(-ret));
	guest_fast_publish(bench->queue, UINT32_MAX);
	return 0;
}

/** Look at what the last burst left in the guest's buffers, if packets fit into one. */
static int check_buffers(struct bench *bench, uint64_t sequence, uint32_t count)
{
	uint32_t header = bench->queue->header_size, size = bench->options.size;

	if (size + header > BENCH_BUFFER)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t room;
		const uint8_t *buffer = guest_fast_buffer(bench->queue, count - 1 - i, &room);

		if (!buffer || room < size + header)
			return bench_fail(bench, "no buffer");
		if (check(bench, buffer + header, size,
			  (sequence + i) % bench->packet_count) < 0)
			return -1;
	}
	return 0;
}

int bench_verify_again(struct bench *bench)
{
	struct bench_counts counts = { 0 };
	uint64_t first = bench->next_packet;
	uint32_t moved = 0;

	guest_fast_turn(bench->queue);
	for (uint32_t tries = 0; moved == 0 && tries < IDLE_LIMIT; tries++) {
		int count = bench->options.enqueue ? (int)bench_call(bench, &counts) :
						     check_dequeue(bench, 0, 0);

		if (count < 0)
			return -1;
		moved = (uint32_t)count;
		if (moved == 0)
			guest_fast_turn(bench->queue);
	}
	if (moved == 0)
		return bench_fail(bench, "no packet after the measurement");
	guest_fast_recycle(bench->queue, UINT32_MAX);
	return bench->options.enqueue ? check_buffers(bench, first, moved) : 0;
}
