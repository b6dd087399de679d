/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Bursts on a ring that somebody captures, or nobody, for callgrind: bench/capture counts what the
 * calls take. A thread reads what is captured; fewer packets than the ring holds wait for it.
 */
#define _GNU_SOURCE
#include "control_inspect.h"

#include <poll.h>
#include <sys/socket.h>

#define BURST 32
/** Bursts that are captured before the reader gets its time: 16 * 32 * 1.6 KiB < 4 MiB. */
#define GROUP 16

static struct control_device one;
static uint8_t frame[2000], seen[2000];

static void to_guest(uint32_t size)
{
	struct guest_queue *queue = guest_rx_queue(one.guest, 0);
	struct guest_received received;
	struct rte_mbuf *mbufs[BURST];

	for (int i = 0; i < BURST; i++) {
		mbufs[i] = rte_pktmbuf_alloc(control_pool());
		memcpy(rte_pktmbuf_append(mbufs[i], (uint16_t)size), frame, size);
	}
	assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, mbufs, BURST), BURST);
	for (int i = 0; i < BURST; i++) {
		rte_pktmbuf_free(mbufs[i]);
		assert_int_equal(guest_rx(queue, seen, sizeof(seen), &received), size);
	}
	guest_rx_fill(queue);
	guest_submit(queue);
}

static void from_guest(uint32_t size)
{
	struct guest_queue *queue = guest_tx_queue(one.guest, 0);
	static const struct guest_shape shape;
	struct rte_mbuf *mbufs[BURST];

	for (int i = 0; i < BURST; i++)
		assert_true(guest_tx(queue, frame, size, &shape) >= 0);
	guest_submit(queue);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), mbufs, BURST), BURST);
	for (int i = 0; i < BURST; i++)
		rte_pktmbuf_free(mbufs[i]);
	guest_tx_reap(queue);
}

/** Bytes that are there once `wanted` are, which may take long on a busy machine. */
static uint64_t drain(int socket, uint64_t wanted)
{
	struct pollfd poller = { .fd = socket, .events = POLLIN };
	uint64_t count = 0;

	while (poll(&poller, 1, count < wanted ? 10000 : 50) == 1) {
		ssize_t got = recv(socket, inspect_text, sizeof(inspect_text), 0);

		if (got <= 0)
			break;
		count += (uint64_t)got;
	}
	return count;
}

/** Arguments: to or from the guest, bytes of a packet, groups, whether it is captured. */
int main(int argc, char **argv)
{
	bool is_to = argc == 5 && strcmp(argv[1], "to") == 0, captures = argc == 5 && atoi(argv[4]);
	uint32_t size = argc == 5 ? (uint32_t)atoi(argv[2]) : 0;
	uint64_t groups = argc == 5 ? (uint64_t)atoi(argv[3]) : 0, read = 0, expected;
	uint64_t group_bytes = GROUP * BURST * ((40 + size + 7) & ~7u);
	int socket = -1;
	char line[60], path[108];

	if (size < 60 || size > 1518 || groups < 1)
		return 2;
	control_path(path, "ctl");
	assert_int_equal(rtevhostswift_control_open(path, RTEVHOSTSWIFT_CONTROL_CAPTURE), 0);
	control_open(&one, "capture.sock", 0, NULL);
	control_frame(frame, size, 1);
	if (captures) {
		socket = inspect_connect(path);
		snprintf(line, sizeof(line), "1 capture %d %d 2000\n", one.vid, !is_to);
		assert_int_equal(send(socket, line, strlen(line), 0), strlen(line));
		drain(socket, 1);
	}
	for (uint64_t i = 0; i < groups * GROUP; i++) {
		if (is_to)
			to_guest(size);
		else
			from_guest(size);
		if (captures && i % GROUP == GROUP - 1)
			read += drain(socket, group_bytes);
	}
	/* All of them were copied. */
	expected = captures ? groups * group_bytes : 0;
	if (read != expected) {
		fprintf(stderr, "%lu bytes captured instead of %lu\n", read, expected);
		return 1;
	}
	control_close(&one);
	return rtevhostswift_control_close() == 0 ? 0 : 1;
}
