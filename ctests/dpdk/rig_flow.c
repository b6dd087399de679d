/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "rig.h"

#include <errno.h>
#include <unistd.h>

#include <linux/virtio_config.h>

/* Senders in a packet's stamp. */
#define HOST 1
#define GUEST 2

/* A packet of the application's, spread over as many mbufs as it takes. */
static struct rte_mbuf *build(struct rig_port *port, uint64_t sequence, uint32_t size)
{
	struct guest_stamp stamp = { .sender = HOST, .queue = port->number, .sequence = sequence };
	struct rte_mbuf *head = rte_pktmbuf_alloc(rig_pool), *last = head;
	uint32_t done = 0;

	assert_non_null(head);
	guest_packet_fill(port->frame, size, &stamp);
	while (true) {
		uint32_t count = RTE_MIN(size - done, (uint32_t)rte_pktmbuf_tailroom(last));

		memcpy(rte_pktmbuf_append(last, (uint16_t)count), port->frame + done, count);
		if (last != head) {
			head->pkt_len += count;
			head->nb_segs++;
		}
		done += count;
		if (done == size)
			return head;
		last->next = rte_pktmbuf_alloc(rig_pool);
		assert_non_null(last->next);
		last = last->next;
	}
}

uint32_t rig_send(struct rig_port *port, int16_t dma, uint32_t count, uint32_t low, uint32_t high)
{
	struct rte_mbuf *mbufs[RIG_BURST];
	uint16_t taken;

	count = RTE_MIN(count, (uint32_t)RIG_BURST);
	for (uint32_t i = 0; i < count; i++)
		mbufs[i] = build(port, port->to.sent + i,
				 guest_random_range(&port->random, low, high));
	taken = rte_vhost_submit_enqueue_burst(port->vid, TO_GUEST, mbufs, (uint16_t)count, dma, 0);
	assert_true(taken <= count);
	rte_pktmbuf_free_bulk(mbufs + taken, count - taken);
	port->to.sent += taken;
	return taken;
}

uint32_t rig_offer(struct rig_port *port, uint32_t count, uint32_t low, uint32_t high)
{
	static const struct guest_shape shapes[] = {
		{ 0 }, { .header_pieces = 1, .data_pieces = 3 },
		{ .indirect = true, .header_pieces = 1, .data_pieces = 6 },
	};
	struct guest_queue *queue = guest_tx_queue(port->guest, 0);
	uint32_t offered = 0;

	guest_tx_reap(queue);
	for (; offered < count; offered++) {
		uint32_t size = guest_random_range(&port->random, low, high);
		const struct guest_shape *shape = &shapes[port->from.sent % 3];
		struct guest_stamp stamp = {
			.sender = GUEST, .queue = port->number, .sequence = port->from.sent,
		};

		/* Three pieces are too few for a long one. */
		if (size > 3 * port->guest->config.buffer_size)
			shape = &shapes[0];
		guest_packet_fill(port->frame, size, &stamp);
		if (guest_tx(queue, port->frame, size, shape))
			break;
		port->from.sent++;
	}
	assert_true(guest_submit(queue) >= 0);
	return offered;
}

/* A packet must be unchanged, and the next one unless some may be missing. */
static void note(struct rig_port *port, struct rig_flow *flow, uint32_t size, uint16_t sender)
{
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;

	assert_int_equal(guest_packet_check(port->frame, size, &stamp, &hash, &swapped), 0);
	assert_int_equal(stamp.sender, sender);
	assert_int_equal(stamp.queue, port->number);
	if (port->lossy)
		assert_true(stamp.sequence >= flow->next);
	else
		assert_int_equal(stamp.sequence, flow->next);
	flow->next = stamp.sequence + 1;
	flow->received++;
}

static uint32_t take_from_guest(struct rig_port *port, int16_t dma)
{
	struct rte_mbuf *mbufs[RIG_BURST];
	int inflight = -2;
	uint16_t count = rte_vhost_async_try_dequeue_burst(port->vid, FROM_GUEST, rig_pool, mbufs,
							   RIG_BURST, &inflight, dma, 0);

	assert_true(count <= RIG_BURST);
	assert_true(inflight >= -1);
	port->inflight = inflight;
	for (uint16_t i = 0; i < count; i++) {
		uint32_t size = rte_pktmbuf_pkt_len(mbufs[i]);
		const void *data;

		assert_true(size <= GUEST_MAX_FRAME);
		rte_mbuf_sanity_check(mbufs[i], 1);
		data = rte_pktmbuf_read(mbufs[i], 0, size, port->frame);
		assert_non_null(data);
		if (data != port->frame)
			memcpy(port->frame, data, size);
		note(port, &port->from, size, GUEST);
		rte_pktmbuf_free(mbufs[i]);
	}
	return count;
}

static uint32_t receive(struct rig_port *port)
{
	struct guest_queue *queue = guest_rx_queue(port->guest, 0);
	struct guest_received received;
	uint32_t count = 0;
	int size;

	while ((size = guest_rx(queue, port->frame, sizeof(port->frame), &received)) != -EAGAIN) {
		assert_true(size >= 0);
		if (size < GUEST_PACKET_MIN)
			port->to.empty++;
		else
			note(port, &port->to, (uint32_t)size, HOST);
		count++;
	}
	guest_rx_fill(queue);
	assert_true(guest_submit(queue) >= 0);
	return count;
}

uint32_t rig_take(struct rig_port *port, int16_t dma)
{
	struct rte_mbuf *mbufs[RIG_BURST];
	uint16_t back = rte_vhost_poll_enqueue_completed(port->vid, TO_GUEST, mbufs, RIG_BURST,
							 dma, 0);
	uint32_t count = take_from_guest(port, dma);

	assert_true(back <= RIG_BURST);
	rte_pktmbuf_free_bulk(mbufs, back);
	port->to.returned += back;
	return back + count + receive(port);
}

void rig_settle(struct rig_port *port, int16_t dma, double seconds)
{
	struct guest_queue *tx = guest_tx_queue(port->guest, 0);
	double end = rig_now() + seconds;
	uint32_t turn = 0;

	while (port->to.returned < port->to.sent || port->inflight > 0 || !guest_all_used(tx) ||
	       (!port->lossy && (port->from.received < port->from.sent ||
				 port->to.received < port->to.sent))) {
		/* A packet may be with either device. */
		if (rig_take(port, turn++ % 2 ? rig_dma[0] + rig_dma[1] - dma : dma) == 0)
			usleep(20);
		if (rig_now() > end)
			fail_msg("to the guest %lu sent, %lu returned, %lu received; "
				 "from it %lu sent, %lu received, %d in flight",
				 port->to.sent, port->to.returned, port->to.received,
				 port->from.sent, port->from.received, port->inflight);
	}
	guest_tx_reap(tx);
}
