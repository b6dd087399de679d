/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Packets through the device, each with a stamp that tells which one it is. */
#include "bench.h"

#include <errno.h>

#define SENDER 7
#define DRAIN_TURNS 200000

/** What a call must leave alone behind the places it was given. */
#define CANARY ((struct rte_mbuf *)0x5ca1ab1e)

static uint8_t scratch[GUEST_MAX_FRAME + 64];

void bench_stamp(struct bench *bench, uint32_t size)
{
	struct bench_flow *flow = &bench->from;
	struct guest_stamp stamp = { .sender = SENDER, .queue = TX, .sequence = flow->sent };

	assert_true(flow->sent - flow->returned < BENCH_PENDING);
	guest_packet_fill(bench->frame, size, &stamp);
	flow->sizes[flow->sent % BENCH_PENDING] = size;
	flow->seen[flow->sent % BENCH_PENDING] = false;
	flow->sent++;
}

void bench_send(struct bench *bench, uint32_t size, const struct guest_shape *shape)
{
	static const struct guest_shape direct;

	bench_stamp(bench, size);
	assert_int_equal(guest_tx(bench->tx, bench->frame, size, shape ? shape : &direct), 0);
	assert_int_equal(guest_submit(bench->tx), 0);
}

void bench_send_many(struct bench *bench, uint32_t count, uint32_t size)
{
	while (count-- > 0)
		bench_send(bench, size, NULL);
}

/** An mbuf chain's bytes in a row; asserts that its counts are true. */
static uint32_t flatten(const struct rte_mbuf *mbuf, uint8_t *to)
{
	uint32_t length = 0, segments = 0;

	for (const struct rte_mbuf *at = mbuf; at; at = at->next) {
		assert_true(length + at->data_len <= GUEST_MAX_FRAME);
		assert_true((uint32_t)at->data_off + at->data_len <= at->buf_len);
		memcpy(to + length, rte_pktmbuf_mtod(at, const uint8_t *), at->data_len);
		length += at->data_len;
		segments++;
	}
	assert_int_equal(length, mbuf->pkt_len);
	assert_int_equal(segments, mbuf->nb_segs);
	return length;
}

void bench_accept(struct bench *bench, struct rte_mbuf *mbuf)
{
	struct bench_flow *flow = &bench->from;
	uint32_t size = flatten(mbuf, scratch);
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;

	assert_int_equal(guest_packet_check(scratch, size, &stamp, &hash, &swapped), 0);
	assert_true(stamp.sequence < flow->sent);
	assert_int_equal(stamp.sender, SENDER);
	if (!bench->relaxed)
		assert_int_equal(stamp.sequence, flow->returned);
	assert_int_equal(size, flow->sizes[stamp.sequence % BENCH_PENDING]);
	assert_false(flow->seen[stamp.sequence % BENCH_PENDING]);
	assert_int_equal(mbuf->nb_segs, bench_segments(bench, size));
	assert_int_equal(rte_mbuf_refcnt_read(mbuf), 1);
	flow->seen[stamp.sequence % BENCH_PENDING] = true;
	flow->returned++;
	rte_pktmbuf_free(mbuf);
}

uint16_t bench_dequeue_raw(struct bench *bench, struct rte_mbuf **pkts, uint16_t count)
{
	uint16_t got;

	pkts[count] = CANARY;
	if (bench->config.synchronous)
		got = rte_vhost_dequeue_burst(bench->vid, TX, bench->pool.mp, pkts, count);
	else
		got = rte_vhost_async_try_dequeue_burst(bench->vid, TX, bench->pool.mp, pkts,
							count, &bench->from.inflight);
	assert_true(got <= count);
	assert_ptr_equal(pkts[count], CANARY);
	return got;
}

uint16_t bench_dequeue(struct bench *bench, uint16_t count)
{
	struct rte_mbuf *pkts[BENCH_BURST + 1];
	__typeof__(bench->from.inflight) known = bench->from.inflight;
	uint16_t got = bench_dequeue_raw(bench, pkts, count);

	/* The event thread had the queue's lock: nothing happened. */
	if (bench->from.inflight < 0) {
		assert_int_equal(bench->from.inflight, -1);
		assert_int_equal(got, 0);
		bench->from.inflight = known;
	}
	for (uint16_t i = 0; i < got; i++)
		bench_accept(bench, pkts[i]);
	guest_tx_reap(bench->tx);
	bench_check(bench);
	return got;
}

uint16_t bench_clear(struct bench *bench, uint16_t count)
{
	struct rte_mbuf *pkts[BENCH_BURST + 1];
	uint16_t got;

	pkts[count] = CANARY;
	got = rte_vhost_clear_queue_thread_unsafe(bench->vid, TX, pkts, count);
	assert_true(got <= count);
	assert_ptr_equal(pkts[count], CANARY);
	for (uint16_t i = 0; i < got; i++)
		bench_accept(bench, pkts[i]);
	bench->from.inflight -= got;
	guest_tx_reap(bench->tx);
	bench_check(bench);
	return got;
}

void bench_drain(struct bench *bench)
{
	for (int i = 0; i < 2; i++)
		engine_behave(&bench->engines[i]);
	/* A bound instead of a hang when the library never gives a packet back. */
	for (int i = 0; i < DRAIN_TURNS; i++) {
		if (rte_vhost_async_get_inflight(bench->vid, TX) <= 0)
			break;
		bench_clear(bench, 64);
	}
	for (int i = 0; i < DRAIN_TURNS; i++) {
		if (rte_vhost_async_get_inflight(bench->vid, RX) <= 0)
			break;
		bench_collect(bench, 64);
	}
	assert_true(rte_vhost_async_get_inflight(bench->vid, TX) <= 0);
	assert_true(rte_vhost_async_get_inflight(bench->vid, RX) <= 0);
}

struct rte_mbuf *bench_packet(struct bench *bench, const uint8_t *bytes, uint32_t size)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(bench->app.mp), *tail = head;

	for (uint32_t done = 0; done < size;) {
		uint32_t part = RTE_MIN(size - done, bench->app.capacity);

		assert_non_null(tail);
		memcpy(rte_pktmbuf_append(tail, (uint16_t)part), bytes + done, part);
		if (tail != head)
			assert_int_equal(rte_pktmbuf_chain(head, tail), 0);
		done += part;
		if (done < size)
			tail = rte_pktmbuf_alloc(bench->app.mp);
	}
	return head;
}

/** A stamped packet. */
static struct rte_mbuf *make_packet(struct bench *bench, uint32_t size, uint64_t sequence)
{
	struct guest_stamp stamp = { .sender = SENDER, .queue = RX, .sequence = sequence };

	guest_packet_fill(bench->frame, size, &stamp);
	return bench_packet(bench, bench->frame, size);
}

void bench_take_back(struct bench *bench, struct rte_mbuf **pkts, uint32_t count)
{
	struct bench_flow *flow = &bench->to;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = flow->returned;

		while (bench->relaxed && at < flow->sent &&
		       flow->mbufs[at % BENCH_PENDING] != pkts[i])
			at++;
		assert_ptr_equal(pkts[i], flow->mbufs[at % BENCH_PENDING]);
		flow->mbufs[at % BENCH_PENDING] = flow->mbufs[flow->returned % BENCH_PENDING];
		flow->returned++;
		rte_pktmbuf_free(pkts[i]);
	}
}

/** rte_vhost_submit_enqueue_burst(), or the call after which all that was taken is complete. */
static uint16_t submit(struct bench *bench, struct rte_mbuf **pkts, uint16_t count,
		       struct rte_mbuf **done, uint32_t *completed)
{
	if (!bench->config.synchronous)
		return rte_vhost_submit_enqueue_burst(bench->vid, RX, pkts, count, done,
						      completed);
	*completed = rte_vhost_enqueue_burst(bench->vid, RX, pkts, count);
	assert_true(*completed <= count);
	memcpy(done, pkts, *completed * sizeof(*done));
	return (uint16_t)*completed;
}

uint16_t bench_enqueue(struct bench *bench, uint16_t count, uint32_t size)
{
	struct rte_mbuf *pkts[BENCH_BURST], *done[BENCH_BURST + 1];
	struct bench_flow *flow = &bench->to;
	uint32_t completed = 0;
	uint16_t taken;

	for (uint16_t i = 0; i < count; i++)
		pkts[i] = make_packet(bench, size, flow->sent + i);
	done[count] = CANARY;
	taken = submit(bench, pkts, count, done, &completed);
	assert_true(taken <= count);
	assert_true(completed <= count);
	assert_ptr_equal(done[count], CANARY);
	for (uint16_t i = 0; i < count; i++) {
		if (i >= taken) {
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		flow->sizes[flow->sent % BENCH_PENDING] = size;
		flow->mbufs[flow->sent++ % BENCH_PENDING] = pkts[i];
	}
	bench_take_back(bench, done, completed);
	flow->inflight = (int)(flow->sent - flow->returned);
	bench_check(bench);
	return taken;
}

uint16_t bench_collect(struct bench *bench, uint16_t count)
{
	struct rte_mbuf *pkts[BENCH_BURST + 1];
	uint16_t got;

	pkts[count] = CANARY;
	got = rte_vhost_poll_enqueue_completed(bench->vid, RX, pkts, count);
	assert_true(got <= count);
	assert_ptr_equal(pkts[count], CANARY);
	bench_take_back(bench, pkts, got);
	bench->to.inflight = (int)(bench->to.sent - bench->to.returned);
	bench_check(bench);
	return got;
}

uint32_t bench_receive(struct bench *bench)
{
	struct bench_flow *flow = &bench->to;
	struct guest_received received;
	struct guest_stamp stamp;
	uint32_t count = 0;
	uint64_t hash;
	bool swapped;
	int size;

	while ((size = guest_rx(bench->rx, scratch, GUEST_MAX_FRAME, &received)) != -EAGAIN) {
		/* Chains that came back unused are no packets. */
		if (size == 0)
			continue;
		assert_int_equal(guest_packet_check(scratch, (uint32_t)size, &stamp, &hash,
						    &swapped), 0);
		if (!bench->relaxed)
			assert_int_equal(stamp.sequence, flow->delivered);
		assert_int_equal(size, flow->sizes[stamp.sequence % BENCH_PENDING]);
		flow->delivered++;
		count++;
	}
	if (!bench->by_hand)
		guest_rx_fill(bench->rx);
	guest_submit(bench->rx);
	bench_check(bench);
	return count;
}

struct bench *bench_open_busy(void **state, uint32_t size)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	bench = bench_open(state, &config);
	bench_send_many(bench, 3, size);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench_enqueue(bench, 3, size), 3);
	return bench;
}
