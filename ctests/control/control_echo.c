/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control.h"

#define BURST 32
#define SENDER 7

void control_frame(uint8_t *frame, uint32_t size, uint64_t sequence)
{
	struct guest_stamp stamp = { .sender = SENDER, .sequence = sequence };

	guest_packet_fill(frame, size, &stamp);
}

void control_assert_frame(const uint8_t *frame, uint32_t size, uint64_t sequence)
{
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;

	assert_int_equal(guest_packet_check(frame, size, &stamp, &hash, &swapped), 0);
	assert_int_equal(stamp.sequence, sequence);
}

struct rte_mbuf *control_mbuf(uint32_t size, uint64_t sequence)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(control_pool());
	char *data;

	assert_non_null(mbuf);
	data = rte_pktmbuf_append(mbuf, (uint16_t)size);
	assert_non_null(data);
	control_frame((uint8_t *)data, size, sequence);
	return mbuf;
}

struct rte_mbuf *control_chain(const uint8_t *bytes, uint32_t size, uint32_t room)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t done = 0; done < size;) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(control_pool());
		uint32_t part = RTE_MIN(size - done, room);

		if (!mbuf) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		memcpy(rte_pktmbuf_append(mbuf, (uint16_t)part), bytes + done, part);
		if (head)
			rte_pktmbuf_chain(head, mbuf);
		else
			head = mbuf;
		done += part;
	}
	return head;
}

struct guest_queue *control_tx(const struct control_device *device)
{
	return guest_tx_queue(device->guest, 0);
}

void control_tx_numbered(const struct control_device *device, uint64_t sequence,
			 const struct guest_shape *shape)
{
	uint8_t frame[200];

	control_frame(frame, sizeof(frame), sequence);
	assert_int_equal(guest_tx(control_tx(device), frame, sizeof(frame), shape), 0);
}

uint16_t control_dequeue(const struct control_device *device, struct rte_mbuf **mbufs,
			 uint16_t count)
{
	return rte_vhost_dequeue_burst(device->vid, 1, control_pool(), mbufs, count);
}

void control_send_good(struct control_device *device, uint64_t sequence)
{
	struct guest_queue *queue = guest_tx_queue(device->guest, 0);
	static const struct guest_shape shape;
	struct rte_mbuf *mbuf = NULL;
	uint8_t frame[200];
	uint16_t got;

	control_frame(frame, sizeof(frame), sequence);
	assert_int_equal(guest_tx(queue, frame, sizeof(frame), &shape), 0);
	guest_submit(queue);
	got = rte_vhost_dequeue_burst(device->vid, (uint16_t)queue->index, control_pool(), &mbuf,
				      1);
	assert_int_equal(got, 1);
	assert_int_equal(mbuf->pkt_len, sizeof(frame));
	control_assert_frame(rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->pkt_len, sequence);
	rte_pktmbuf_free(mbuf);
	guest_tx_reap(queue);
}

void control_receive_good(struct control_device *device, uint64_t sequence)
{
	struct guest_queue *queue = guest_rx_queue(device->guest, 0);
	struct rte_mbuf *mbuf = control_mbuf(200, sequence);
	struct guest_received received;
	uint8_t frame[2048];

	assert_int_equal(rte_vhost_enqueue_burst(device->vid, 0, &mbuf, 1), 1);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(guest_rx(queue, frame, sizeof(frame), &received), 200);
	control_assert_frame(frame, received.length, sequence);
	if (!device->guest->config.manual_rx)
		guest_rx_fill(queue);
	guest_submit(queue);
}

/** The application's side of the echo. */
static void *work(void *argument)
{
	struct control_echo *echo = argument;
	struct rte_mbuf *mbufs[BURST];

	while (!__atomic_load_n(&echo->stop, __ATOMIC_ACQUIRE)) {
		uint16_t got = rte_vhost_dequeue_burst(echo->device.vid, 1, control_pool(), mbufs,
						       BURST);
		uint16_t done = 0;

		for (int tries = 0; done < got && tries < 1000; tries++) {
			done += rte_vhost_enqueue_burst(echo->device.vid, 0, mbufs + done,
							(uint16_t)(got - done));
			if (done < got)
				control_sleep_ms(1);
		}
		rte_pktmbuf_free_bulk(mbufs, got);
		if (got == 0)
			usleep(100);
	}
	return NULL;
}

void control_echo_start(struct control_echo *echo, const char *name)
{
	memset(echo, 0, sizeof(*echo));
	control_pool();
	control_open(&echo->device, name, 0, NULL);
	assert_int_equal(pthread_create(&echo->worker, NULL, work, echo), 0);
}

/** Send at most @p count frames. @return how many. */
static uint32_t send_some(struct control_echo *echo, uint32_t count, uint64_t *sequence)
{
	struct guest_queue *queue = guest_tx_queue(echo->device.guest, 0);
	static const struct guest_shape shape;
	uint8_t frame[1500];
	uint32_t sent = 0;

	guest_tx_reap(queue);
	while (sent < count) {
		uint32_t size = 64 + (uint32_t)(*sequence * 37 % 1400);

		control_frame(frame, size, *sequence);
		if (guest_tx(queue, frame, size, &shape) < 0)
			break;
		(*sequence)++;
		sent++;
	}
	guest_submit(queue);
	return sent;
}

void control_echo_check(struct control_echo *echo, uint32_t count)
{
	struct guest_queue *queue = guest_rx_queue(echo->device.guest, 0);
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	uint64_t sequence = echo->sequence;
	uint32_t back = 0, sent = 0;

	while (back < count) {
		struct guest_received received;
		uint8_t frame[2048];

		if (sent < count && sent - back < 128)
			sent += send_some(echo, count - sent < 32 ? count - sent : 32, &sequence);
		if (guest_rx(queue, frame, sizeof(frame), &received) < 0) {
			if (control_now_ms() > deadline)
				fail_msg("echo: %u of %u packets came back", back, count);
			usleep(50);
			continue;
		}
		control_assert_frame(frame, received.length, echo->sequence++);
		back++;
		guest_rx_fill(queue);
		guest_submit(queue);
	}
	assert_int_equal(guest_complaints(echo->device.guest), 0);
}

void control_echo_abandon(struct control_echo *echo)
{
	if (!echo->device.guest)
		return;
	__atomic_store_n(&echo->stop, true, __ATOMIC_RELEASE);
	pthread_join(echo->worker, NULL);
	guest_destroy(echo->device.guest);
	echo->device.guest = NULL;
	rte_vhost_driver_unregister(echo->device.path);
}

void control_echo_stop(struct control_echo *echo)
{
	__atomic_store_n(&echo->stop, true, __ATOMIC_RELEASE);
	pthread_join(echo->worker, NULL);
	control_close(&echo->device);
}
