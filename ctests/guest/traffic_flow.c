/* SPDX-License-Identifier: BSD-3-Clause */

/* Sending, receiving and checking the packets of one queue pair. */
#include <errno.h>
#include <string.h>

#include "traffic.h"

#define RECEIVE_BURST 64
#define HELLO_SIZE 60
#define HELLO_SEQUENCE UINT64_MAX

void traffic_flow_init(struct traffic_flow *flow, struct guest *guest, uint16_t number,
		       const struct traffic_options *options, uint8_t *frame)
{
	memset(flow, 0, sizeof(*flow));
	flow->options = options;
	flow->tx = guest_tx_queue(guest, number);
	flow->rx = guest_rx_queue(guest, number);
	flow->random.state = options->seed + number;
	flow->number = number;
	flow->frame = frame;
}

int traffic_hello(struct traffic_flow *flow)
{
	static const struct guest_shape direct;
	struct guest_stamp stamp = {
		.sender = flow->options->sender, .queue = flow->number,
		.sequence = HELLO_SEQUENCE,
	};
	int ret;

	guest_tx_reap(flow->tx);
	guest_packet_fill(flow->frame, HELLO_SIZE, &stamp);
	ret = guest_tx(flow->tx, flow->frame, HELLO_SIZE, &direct);
	/* A backend that takes nothing yet has a full ring. */
	if (ret < 0 && ret != -ENOSPC && ret != -ENOBUFS)
		return ret;
	return guest_submit(flow->tx);
}

/** Draw the shape of the next packet. */
static void draw_shape(struct traffic_flow *flow, struct guest_shape *shape)
{
	struct guest_random *random = &flow->random;
	enum traffic_shape kind = flow->options->shape;

	if (kind == TRAFFIC_MIXED)
		kind = guest_random_range(random, TRAFFIC_DIRECT, TRAFFIC_INDIRECT);
	memset(shape, 0, sizeof(*shape));
	shape->indirect = kind == TRAFFIC_INDIRECT &&
			  guest_has(flow->tx->guest, VIRTIO_RING_F_INDIRECT_DESC);
	/* virtio 1.2, 5.1.6.6: legacy drivers use a single descriptor for the header. */
	if (!guest_has(flow->tx->guest, VIRTIO_F_VERSION_1))
		shape->header_pieces = 1;
	if (kind == TRAFFIC_DIRECT)
		return;
	/* Mostly one descriptor for the header as Linux has it, sometimes none or several. */
	if (shape->header_pieces == 0)
		shape->header_pieces = guest_random_range(random, 0, 7) ? 1 :
				       (uint16_t)guest_random_range(random, 0, 4);
	shape->data_pieces = guest_random_range(random, 0, 7) ?
			     (uint16_t)guest_random_range(random, 1, 4) : 17;
}

/** Receive chains that a frame will take when it comes back. */
static uint32_t chains_for(const struct traffic_flow *flow, uint32_t size)
{
	uint32_t capacity = flow->rx->rx_capacity;

	return (size + flow->rx->header_size + capacity - 1) / capacity;
}

/** Whether the echo of the next packet is sure to find room in the receive ring. */
static bool window_open(const struct traffic_flow *flow)
{
	uint32_t chains = chains_for(flow, flow->next_size);

	if (!flow->options->echo)
		return true;
	return flow->outstanding < flow->options->window &&
	       flow->buffers + chains <= flow->rx->in_flight;
}

/** Add one packet. @return 0, -EAGAIN when rings or window are full, or another errno. */
static int send_one(struct traffic_flow *flow)
{
	const struct traffic_options *options = flow->options;
	struct guest_stamp stamp = {
		.sender = options->sender, .queue = flow->number,
		.sequence = flow->counts.sent,
	};
	struct guest_shape shape;
	uint64_t hash;
	int ret;

	if (flow->next_size == 0)
		flow->next_size = guest_random_range(&flow->random, options->size_min,
						     options->size_max);
	if (!window_open(flow) || flow->tx->free_count == 0)
		return -EAGAIN;
	draw_shape(flow, &shape);
	hash = guest_packet_fill(flow->frame, flow->next_size, &stamp);
	ret = guest_tx(flow->tx, flow->frame, flow->next_size, &shape);
	if (ret == -EINVAL) {
		/* Too many pieces for a small ring or table. */
		memset(&shape, 0, sizeof(shape));
		ret = guest_tx(flow->tx, flow->frame, flow->next_size, &shape);
	}
	if (ret == -ENOSPC || ret == -ENOBUFS)
		return -EAGAIN;
	if (ret < 0)
		return ret;
	flow->sizes[flow->counts.sent % TRAFFIC_SIZES] = (uint16_t)flow->next_size;
	flow->counts.sent++;
	flow->counts.bytes += flow->next_size;
	flow->counts.tx_hash += hash;
	flow->outstanding += options->echo;
	flow->buffers += options->echo ? chains_for(flow, flow->next_size) : 0;
	flow->next_size = 0;
	return 0;
}

int traffic_send(struct traffic_flow *flow, uint32_t limit)
{
	uint32_t count = 0;
	int ret = 0;

	guest_tx_reap(flow->tx);
	while (count < limit && ret == 0) {
		ret = send_one(flow);
		count += ret == 0;
	}
	if (ret < 0 && ret != -EAGAIN)
		return ret;
	ret = guest_submit(flow->tx);
	return ret < 0 ? ret : (int)count;
}

/** Book one packet that came back. */
static void check_one(struct traffic_flow *receiver, struct traffic_flow *flows,
		      uint32_t flow_count, uint32_t size)
{
	const struct traffic_options *options = receiver->options;
	struct traffic_flow *flow = receiver;
	enum guest_order_verdict verdict;
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;
	int ret = guest_packet_check(receiver->frame, size, &stamp, &hash, &swapped);

	if (ret == -ENOMSG || stamp.sender != options->sender || stamp.queue >= flow_count) {
		receiver->counts.foreign++;
		return;
	}
	flow = &flows[stamp.queue];
	if (ret == 0 && stamp.sequence == HELLO_SEQUENCE) {
		flow->greeted = true;
		return;
	}
	if (ret < 0 || stamp.sequence >= flow->counts.sent || (options->echo && !swapped)) {
		flow->counts.changed++;
		return;
	}
	verdict = guest_order_note(&flow->order, stamp.sequence);
	if (verdict == GUEST_ORDER_TWICE) {
		flow->counts.twice++;
		return;
	}
	flow->counts.reordered += verdict == GUEST_ORDER_LATE;
	flow->counts.received++;
	flow->counts.rx_hash += hash;
	if (flow->outstanding > 0)
		flow->outstanding--;
	flow->buffers -= flow->buffers < chains_for(flow, size) ? flow->buffers :
			 chains_for(flow, size);
}

int traffic_receive(struct traffic_flow *flow, struct traffic_flow *flows, uint32_t flow_count)
{
	struct guest_received received;
	int count = 0;

	while (count < RECEIVE_BURST) {
		int size = guest_rx(flow->rx, flow->frame, GUEST_MAX_FRAME, &received);

		if (size < 0)
			break;
		check_one(flow, flows, flow_count, (uint32_t)size);
		count++;
	}
	if (count > 0) {
		int ret;

		guest_rx_fill(flow->rx);
		ret = guest_submit(flow->rx);
		if (ret < 0)
			return ret;
	}
	return count;
}

void traffic_flow_resume(struct traffic_flow *flow)
{
	uint32_t kept;

	guest_tx_reap(flow->tx);
	/* Packets leave the ring in order: those still in it are the ones sent last. */
	kept = flow->outstanding < flow->tx->in_flight ? flow->outstanding : flow->tx->in_flight;
	flow->at_risk += flow->outstanding - kept;
	flow->outstanding = kept;
	flow->buffers = 0;
	for (uint64_t i = flow->counts.sent - kept; i < flow->counts.sent; i++)
		flow->buffers += chains_for(flow, flow->sizes[i % TRAFFIC_SIZES]);
}
