/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 *
 * echo SOCKET: a guest gets its packets back, with their Ethernet addresses swapped. */
#include <pthread.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int device = -1; /* one guest at a time */
static pthread_mutex_t burst = PTHREAD_MUTEX_INITIALIZER;
static struct rte_mbuf *mbufs[32];
static uint16_t first, count; /* first to count - 1 wait for room in the guest */

static int appear(int vid)
{
	return atomic_compare_exchange_strong(&device, &(int){ -1 }, vid) ? 0 : -1;
}

static void go(int vid)
{
	atomic_compare_exchange_strong(&device, &vid, -1);
	pthread_mutex_lock(&burst); /* the device goes when this returns: a burst ends first */
	rte_pktmbuf_free_bulk(mbufs + first, count - first); /* not for the next guest */
	first = count;
	pthread_mutex_unlock(&burst);
}

static void swap_addresses(struct rte_mbuf *packet)
{
	struct rte_ether_hdr *header = rte_pktmbuf_mtod(packet, void *);
	struct rte_ether_addr source = header->s_addr; /* at worst behind a short packet */
	header->s_addr = header->d_addr;
	header->d_addr = source;
}

int main(int argc, char **argv)
{
	struct vhost_device_ops ops = { .new_device = appear, .destroy_device = go };
	struct rte_mempool *pool = rte_pktmbuf_pool_create("echo", 4096, 0, 0, 2176, 0);
	if (argc != 2 || pool == NULL || rte_vhost_driver_register(argv[1], 0) ||
	    rte_vhost_driver_callback_register(argv[1], &ops) || rte_vhost_driver_start(argv[1]))
		return 1;
	for (uint16_t gone = 0;; usleep(gone == 0 ? 20 : 0)) {
		pthread_mutex_lock(&burst);
		int vid = device;
		if (vid >= 0 && first == count) {
			first = count = rte_vhost_dequeue_burst(vid, 1, pool, mbufs, 32);
			while (first > 0)
				swap_addresses(mbufs[--first]);
		}
		gone = vid < 0 ? 0 : rte_vhost_enqueue_burst(vid, 0, mbufs + first, count - first);
		rte_pktmbuf_free_bulk(mbufs + first, gone);
		first += gone;
		pthread_mutex_unlock(&burst);
	}
}
