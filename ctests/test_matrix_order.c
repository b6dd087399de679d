/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What a guest sees that looks while the device works. */
#include <pthread.h>
#include <unistd.h>

#include "matrix.h"

#define FRAME 2000
#define PACKETS 60000
#define BURST 32

/** A guest on a thread of its own. */
struct watcher {
	pthread_t thread;
	bool stop;
	uint64_t received, wrong;
};

/** Receive whatever comes, at once. */
static void *watch(void *data)
{
	static uint8_t frame[GUEST_MAX_FRAME];
	struct guest_queue *queue = matrix.bench->rx;
	struct watcher *watcher = data;
	struct guest_received received;

	while (!__atomic_load_n(&watcher->stop, __ATOMIC_ACQUIRE)) {
		int size = guest_rx(queue, frame, sizeof(frame), &received);

		if (size == -EAGAIN)
			continue;
		watcher->wrong += size != FRAME || received.header.num_buffers != 3;
		__atomic_fetch_add(&watcher->received, 1, __ATOMIC_RELEASE);
		guest_rx_fill(queue);
		guest_submit(queue);
	}
	return NULL;
}

/** Give a burst of equal packets. @return how many were taken. */
static uint16_t give(struct bench *bench)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t taken;

	assert_int_equal(rte_pktmbuf_alloc_bulk(bench->app.mp, pkts, BURST), 0);
	for (int i = 0; i < BURST; i++)
		memset(rte_pktmbuf_append(pkts[i], FRAME), i, FRAME);
	taken = rte_vhost_enqueue_burst(bench->vid, RX, pkts, BURST);
	rte_pktmbuf_free_bulk(pkts, BURST);
	return taken;
}

/*
 * virtio 1.2, 5.1.6.4: num_buffers says how many chains hold a packet. Drivers (Linux among them)
 * drop a packet whose other chains are not used when they see the first.
 */
static void the_chains_of_a_packet_are_used_at_once(void **state)
{
	const struct matrix_cell cell = { .packed = *state != NULL, .mergeable = true,
					  .ring_size = 256 };
	struct watcher watcher = { .stop = false };
	uint64_t given = 0;

	*state = NULL;
	matrix_open(state, &cell);
	assert_int_equal(pthread_create(&watcher.thread, NULL, watch, &watcher), 0);
	while (given < PACKETS)
		given += give(matrix.bench);
	while (__atomic_load_n(&watcher.received, __ATOMIC_ACQUIRE) < given)
		usleep(100);
	__atomic_store_n(&watcher.stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(watcher.thread, NULL), 0);
	assert_int_equal(matrix.bench->rx->stats.torn, 0);
	assert_int_equal(watcher.wrong, 0);
	matrix_close();
}

static int set_up_packed(void **state)
{
	static int packed;

	*state = &packed;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the_chains_of_a_packet_are_used_at_once_split",
		  the_chains_of_a_packet_are_used_at_once, bench_setup_split, matrix_teardown,
		  NULL },
		{ "the_chains_of_a_packet_are_used_at_once_packed",
		  the_chains_of_a_packet_are_used_at_once, set_up_packed, matrix_teardown, NULL },
	};

	return BENCH_RUN(tests);
}
