/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* That packets arrive as they were sent, in order, once. */
#include <errno.h>
#include <string.h>

#include "guest_fast.h"
#include "host.h"
#include "host_work.h"

/** Rings full of packets that bench_verify() sends on each queue. */
#define VERIFY_RINGS 2
/** Calls in a row without a packet after which something is stuck. */
#define IDLE_LIMIT 1000000u

/** Packets to be sent on each queue. */
static uint64_t packets_wanted(const struct bench *bench)
{
	const struct bench_plan *plan = &bench->plan;
	uint32_t descriptors = plan->chains * (plan->shape.indirect ? 1 : plan->pieces);

	return (uint64_t)VERIFY_RINGS * plan->ring_size / descriptors + 1;
}

/** Receive once and check. @return packets or -1. */
static int check_dequeue(struct bench *bench, uint32_t lane, uint64_t sequence, uint32_t step)
{
	struct rte_mbuf *packets[BENCH_BURST];
	uint32_t count = bench->library.dequeue_burst(bench->vid, bench->lanes[lane].queue_id,
						      bench->pool, packets,
						      (uint16_t)bench->cell.burst);
	int ret = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (ret == 0)
			ret = bench_take_packet(bench, packets[i], lane, sequence + i * step);
		else
			rte_pktmbuf_free(packets[i]);
	}
	if (count == 0 && bench_serve(bench) < 0)
		return -1;
	return ret < 0 ? ret : (int)count;
}

/** The guest sends as much as fits. @return next sequence number or -1. */
static int64_t guest_sends(struct bench *bench, uint32_t lane, uint64_t sequence)
{
	struct guest_queue *queue = bench->lanes[lane].queue;
	struct virtio_net_hdr_v1 header = bench_header(bench);
	uint8_t frame[BENCH_FRAME];
	int ret;

	guest_tx_reap(queue);
	for (;; sequence++) {
		bench_fill(bench, frame, lane, sequence);
		ret = guest_tx_header(queue, &header, frame, bench->cell.size,
				      &bench->plan.shape);
		if (ret < 0)
			break;
	}
	if (ret == -ENOSPC || ret == -ENOBUFS)
		ret = guest_submit(queue);
	if (ret < 0)
		return bench_fail(bench, "guest_tx: %s", strerror(-ret));
	return (int64_t)sequence;
}

static int verify_dequeue(struct bench *bench, uint32_t lane)
{
	uint64_t received = 0, wanted = packets_wanted(bench);
	int64_t sent = 0;

	for (uint32_t idle = 0; received < wanted || received < (uint64_t)sent;) {
		int count;

		if (received < wanted)
			sent = guest_sends(bench, lane, (uint64_t)sent);
		count = sent < 0 ? -1 : check_dequeue(bench, lane, received, 1);
		if (count < 0)
			return -1;
		received += (uint64_t)count;
		idle = count > 0 ? 0 : idle + 1;
		if (idle > IDLE_LIMIT)
			return bench_fail(bench, "no packet after %llu of %llu",
					  (unsigned long long)received,
					  (unsigned long long)sent);
	}
	guest_tx_reap(bench->lanes[lane].queue);
	return 0;
}

/** Send one burst. @return next sequence number or -1. */
static int64_t host_sends(struct bench *bench, uint32_t lane, uint64_t sequence)
{
	struct rte_mbuf *packets[BENCH_BURST];
	uint32_t sent;

	for (uint32_t i = 0; i < bench->cell.burst; i++) {
		packets[i] = bench_make_packet(bench, lane, sequence + i);
		if (!packets[i])
			return bench_fail(bench, "out of mbufs");
	}
	sent = bench->library.enqueue_burst(bench->vid, bench->lanes[lane].queue_id, packets,
					    (uint16_t)bench->cell.burst);
	for (uint32_t i = 0; i < bench->cell.burst; i++)
		rte_pktmbuf_free(packets[i]);
	if (sent == 0 && bench_serve(bench) < 0)
		return -1;
	return (int64_t)(sequence + sent);
}

/** Whether the guest was told what the host said about the packet. */
static bool same_header(const struct bench *bench, const struct virtio_net_hdr_v1 *got)
{
	struct virtio_net_hdr_v1 sent = bench_header(bench);

	return got->flags == sent.flags && got->gso_type == sent.gso_type &&
	       got->gso_size == sent.gso_size && got->hdr_len == sent.hdr_len &&
	       got->csum_start == sent.csum_start && got->csum_offset == sent.csum_offset;
}

/** Take and check what the guest received. @return packets or -1. */
static int check_enqueue(struct bench *bench, uint32_t lane, uint64_t sequence)
{
	struct guest_queue *queue = bench->lanes[lane].queue;
	uint8_t frame[BENCH_FRAME];
	struct guest_received info;
	int size, count = 0;

	while ((size = guest_rx(queue, frame, sizeof(frame), &info)) >= 0) {
		if (bench_check(bench, frame, (uint32_t)size, lane,
				sequence + (uint64_t)count) < 0)
			return -1;
		if (!same_header(bench, &info.header))
			return bench_fail(bench, "another virtio-net header");
		if (bench->cell.mergeable && info.header.num_buffers != bench->plan.chains)
			return bench_fail(bench, "a packet in %u buffers",
					  info.header.num_buffers);
		count++;
	}
	return count;
}

static int verify_enqueue(struct bench *bench, uint32_t lane)
{
	struct guest_queue *queue = bench->lanes[lane].queue;
	uint64_t received = 0, wanted = packets_wanted(bench);
	int64_t sent = 0;

	for (uint32_t idle = 0; received < wanted; idle++) {
		int count;

		guest_rx_fill(queue);
		guest_submit(queue);
		sent = host_sends(bench, lane, (uint64_t)sent);
		count = sent < 0 ? -1 : check_enqueue(bench, lane, received);
		if (count < 0)
			return -1;
		received += (uint64_t)count;
		if (count > 0)
			idle = 0;
		if (idle > IDLE_LIMIT)
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

	for (uint32_t i = 0; i < bench->cell.queues && ret == 0; i++)
		ret = bench->cell.enqueue ? verify_enqueue(bench, i) : verify_dequeue(bench, i);
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

/** Put together what a chain holds. @return bytes. */
static uint32_t read_chain(struct guest_queue *queue, uint16_t head, uint8_t *to, uint32_t room)
{
	uint32_t done = 0;

	for (uint32_t i = queue->chains[head].first_slot; i != GUEST_NO_SLOT && done < room;
	     i = queue->slots.slots[i].next) {
		const struct guest_slot *slot = &queue->slots.slots[i];
		uint32_t part = slot->length < room - done ? slot->length : room - done;

		memcpy(to + done, slot->host, part);
		done += part;
	}
	return done;
}

/** Look at what the last burst left in the guest's buffers. */
static int check_buffers(struct bench *bench, uint32_t lane, uint64_t sequence, uint32_t count)
{
	struct guest_queue *queue = bench->lanes[lane].queue;
	uint32_t header = queue->header_size, chains = bench->plan.chains;
	static uint8_t bytes[BENCH_FRAME + sizeof(struct virtio_net_hdr_v1)];

	for (uint32_t i = 0; i < count; i++) {
		uint32_t done = 0;

		for (uint32_t chain = 0; chain < chains; chain++) {
			uint32_t ago = (count - i) * chains - 1 - chain;
			uint16_t head = queue->ops->used_head(queue, ago);

			if (head >= queue->size)
				return bench_fail(bench, "no buffer");
			done += read_chain(queue, head, bytes + done,
					   header + bench->cell.size - done);
		}
		if (done != header + bench->cell.size)
			return bench_fail(bench, "%u bytes in the buffers", done);
		if (bench_check(bench, bytes + header, bench->cell.size, 0,
				(sequence + i) % bench->packet_count) < 0)
			return -1;
	}
	return 0;
}

/** One more burst of a queue. */
static int verify_lane_again(struct bench *bench, uint32_t lane)
{
	struct guest_queue *queue = bench->lanes[lane].queue;
	struct bench_counts counts = { 0 };
	uint64_t first = bench->next_packet;
	uint32_t moved = 0;

	guest_fast_turn(queue);
	for (uint32_t tries = 0; moved == 0 && tries < IDLE_LIMIT; tries++) {
		int count = bench->cell.enqueue ?
			(int)bench_call(bench, &bench->lanes[lane], &counts) :
			check_dequeue(bench, lane, 0, 0);

		if (count < 0)
			return -1;
		moved = (uint32_t)count;
		if (moved == 0)
			guest_fast_turn(queue);
	}
	if (moved == 0)
		return bench_fail(bench, "no packet after the measurement");
	guest_fast_recycle(queue, UINT32_MAX);
	return bench->cell.enqueue ? check_buffers(bench, lane, first, moved) : 0;
}

int bench_verify_again(struct bench *bench)
{
	int ret = 0;

	for (uint32_t i = 0; i < bench->cell.queues && ret == 0; i++)
		ret = verify_lane_again(bench, i);
	return ret;
}
