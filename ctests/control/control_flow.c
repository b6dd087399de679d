/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_flow.h"

#include <linux/virtio_config.h>

#define SENDER 3
#define SEND 16

int control_flow_create(struct control_flow *flow, const struct control_case *what,
			const char *path)
{
	struct guest_config config;

	memset(flow, 0, sizeof(*flow));
	flow->random.state = 12345;
	guest_config_init(&config);
	config.socket_path = path;
	config.timeout_ms = CONTROL_PATIENCE_MS;
	config.listen = what->client;
	config.tx_buffers = 1024;
	if (what->packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	if (what->inflight)
		config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD);
	return guest_create(&config, &flow->guest);
}

int control_flow_connect(struct control_flow *flow)
{
	int ret = guest_connect(flow->guest);

	if (ret == 0)
		ret = guest_start(flow->guest);
	/* A backend that was killed meanwhile. */
	if (ret < 0)
		guest_disconnect(flow->guest);
	return ret;
}

static void send_some(struct control_flow *flow)
{
	struct guest_queue *queue = guest_tx_queue(flow->guest, 0);
	uint8_t frame[CONTROL_FLOW_FRAME];

	guest_tx_reap(queue);
	for (int i = 0; i < SEND; i++) {
		struct guest_stamp stamp = { .sender = SENDER, .sequence = flow->sent };
		uint32_t size = guest_random_range(&flow->random, 60, 1500);
		struct guest_shape shape = {
			.indirect = guest_random_range(&flow->random, 0, 3) == 0,
			.header_pieces = guest_random_range(&flow->random, 0, 1) != 0,
		};

		if (guest_random_range(&flow->random, 0, 15) == 0)
			size = CONTROL_FLOW_FRAME;
		guest_packet_fill(frame, size, &stamp);
		if (guest_tx(queue, frame, size, &shape) < 0)
			break;
		flow->sent++;
	}
	guest_submit(queue);
}

static uint32_t receive_some(struct control_flow *flow)
{
	struct guest_queue *queue = guest_rx_queue(flow->guest, 0);
	uint8_t frame[CONTROL_FLOW_FRAME];
	struct guest_received received;
	struct guest_stamp stamp;
	uint32_t count = 0;
	uint64_t hash;
	bool swapped;

	while (guest_rx(queue, frame, sizeof(frame), &received) >= 0) {
		count++;
		if (guest_packet_check(frame, received.length, &stamp, &hash, &swapped) < 0 ||
		    stamp.sender != SENDER || stamp.sequence >= flow->sent) {
			flow->changed++;
			continue;
		}
		if (stamp.sequence < flow->next) {
			flow->doubled++;
			continue;
		}
		flow->skipped += stamp.sequence - flow->next;
		flow->next = stamp.sequence + 1;
		flow->received++;
	}
	if (count > 0) {
		guest_rx_fill(queue);
		guest_submit(queue);
	}
	return count;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void control_flow_run(struct control_flow *flow, int microseconds)
{
	int64_t end = now_us() + microseconds;

	do {
		send_some(flow);
		if (receive_some(flow) == 0)
			usleep(20);
	} while (now_us() < end);
}

void control_flow_bury(struct control_flow *flow)
{
	struct guest_queue *queue = guest_tx_queue(flow->guest, 0);
	uint64_t taken;

	receive_some(flow);
	guest_tx_reap(queue);
	/* Packets leave the ring in order: what is not in it any more was taken. */
	taken = flow->sent - queue->in_flight;
	if (taken < flow->next)
		fail_msg("packet %lu came back and was never taken", (unsigned long)flow->next);
	/* Lost now: between what came back last and what was taken last. */
	if (taken > flow->forgotten)
		flow->at_risk += taken - (flow->next > flow->forgotten ? flow->next :
					  flow->forgotten);
	flow->forgotten = taken > flow->forgotten ? taken : flow->forgotten;
}

void control_flow_drain(struct control_flow *flow)
{
	struct guest_queue *queue = guest_tx_queue(flow->guest, 0);
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;

	/* A last one, so that it is known what did not come before it. */
	while (control_now_ms() < deadline) {
		receive_some(flow);
		guest_tx_reap(queue);
		if (queue->in_flight == 0 && flow->next == flow->sent)
			return;
		usleep(50);
	}
	fail_msg("packets %lu to %lu did not come back, %u chains are not used",
		 (unsigned long)flow->next, (unsigned long)flow->sent, queue->in_flight);
}

void control_flow_check(const struct control_flow *flow)
{
	assert_int_equal(flow->changed, 0);
	assert_int_equal(flow->doubled, 0);
	if (flow->skipped > flow->at_risk)
		fail_msg("%lu packets lost, %lu were with a backend that died",
			 (unsigned long)flow->skipped, (unsigned long)flow->at_risk);
	assert_int_equal(flow->received + flow->skipped, flow->sent);
	/* Each head used once: ids that the device did not have, and indexes, are complaints. */
	assert_int_equal(guest_complaints(flow->guest), 0);
}
