/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * async SOCKET GUESTS: the program around the example of docs/async.md, which tools/check-docs puts
 * into block0.c. It echoes the packets of one guest after the other, all through the engine, and
 * says after GUESTS of them whether every mbuf is back in the pool.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_ether.h>

#include "block0.c"

#define MBUFS 4096
#define BURST 32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int device = -1;
static atomic_int guests_gone;
static struct rte_mempool *pool;
/** From first to count - 1: packets that the guest had no room for yet. */
static struct rte_mbuf *packets[BURST];
static uint16_t first, count;

static int appear(int vid)
{
	pthread_mutex_lock(&lock);
	device = vid;
	pthread_mutex_unlock(&lock);
	return 0;
}

static void go(int vid)
{
	(void)vid;
	pthread_mutex_lock(&lock);
	device = -1;
	rte_pktmbuf_free_bulk(packets + first, count - first);
	first = count = 0;
	pthread_mutex_unlock(&lock);
}

/** The example's callback; the bursts let go of the queue. */
static int change(int vid, uint16_t queue, int enable)
{
	int result;

	pthread_mutex_lock(&lock);
	result = queue_changed(vid, queue, enable);
	pthread_mutex_unlock(&lock);
	return result;
}

static void lose(int vid)
{
	connection_gone(vid);
	atomic_fetch_add(&guests_gone, 1);
}

static void echo(void)
{
	struct rte_mbuf *done[BURST];
	uint32_t done_count = 0;
	uint16_t taken;
	int in_flight;

	if (first == count) {
		first = 0;
		count = rte_vhost_async_try_dequeue_burst(device, 1, pool, packets, BURST,
			&in_flight);
		for (uint16_t i = 0; i < count; i++) {
			struct rte_ether_hdr *header = rte_pktmbuf_mtod(packets[i], void *);
			struct rte_ether_addr source = header->s_addr;

			header->s_addr = header->d_addr;
			header->d_addr = source;
		}
	}
	taken = rte_vhost_submit_enqueue_burst(device, 0, packets + first, count - first, done,
		&done_count);
	first += taken;
	rte_pktmbuf_free_bulk(done, done_count);
	taken = rte_vhost_poll_enqueue_completed(device, 0, done, BURST);
	rte_pktmbuf_free_bulk(done, taken);
}

int main(int argc, char **argv)
{
	unsigned int back;

	engine = rtevhostswift_dma_create(NULL);
	pool = rte_pktmbuf_pool_create("async", MBUFS, 0, 0, 2176, SOCKET_ID_ANY);
	ops.new_device = appear;
	ops.destroy_device = go;
	ops.vring_state_changed = change;
	ops.destroy_connection = lose;
	if (argc != 3 || engine == NULL || pool == NULL ||
	    rte_vhost_driver_register(argv[1], RTE_VHOST_USER_ASYNC_COPY) ||
	    rte_vhost_driver_callback_register(argv[1], &ops) || rte_vhost_driver_start(argv[1]))
		return 1;
	while (atomic_load(&guests_gone) < atoi(argv[2])) {
		pthread_mutex_lock(&lock);
		if (device >= 0)
			echo();
		pthread_mutex_unlock(&lock);
		usleep(device >= 0 ? 0 : 1000);
	}
	if (rte_vhost_driver_unregister(argv[1]) || rtevhostswift_dma_destroy(engine))
		return 1;
	back = rte_mempool_avail_count(pool);
	printf("async: %u of %u mbufs are back\n", back, MBUFS);
	return back == MBUFS ? 0 : 1;
}
