/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * dpdk-echo EAL-OPTIONS -- SOCKET: an application of DPDK 22.11's, with this library in the place
 * of DPDK's librte_vhost. A guest gets its packets back, with their Ethernet addresses swapped;
 * when it goes, its queues' counters are printed.
 *
 * Packets are DPDK's mbufs, from its mempool through the lcore's cache, and lines go to its log;
 * the library finds both at run time. The program runs on DPDK's own library as well: which of the
 * two is the loader's choice (docs/moving-from-librte_vhost.md).
 *
 *	gcc -DALLOW_EXPERIMENTAL_API dpdk-echo.c \
 *		$(pkg-config --cflags --libs rtevhostswift-dpdk-22.11)
 *	./a.out --no-huge --no-shconf --no-pci -m 128 -l 0-1 -- /tmp/vhost.sock
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_ticketlock.h>
#include <rte_vhost.h>

#define BURST 32
#define MBUFS 8191
#define CACHE 256
#define TO_GUEST 0
#define FROM_GUEST 1
#define COUNTERS 64

static struct rte_mempool *pool;
/* Fair: a callback that waits for it is next. */
static rte_ticketlock_t lock = RTE_TICKETLOCK_INITIALIZER;
static int device = -1;
/** Packets that wait for room in the guest: from first to before count. */
static struct rte_mbuf *packets[BURST];
static uint16_t first, count;
static volatile bool ended;

static void print_counters(int vid, uint16_t queue)
{
	struct rte_vhost_stat_name names[COUNTERS];
	struct rte_vhost_stat values[COUNTERS];
	int count = rte_vhost_vring_stats_get_names(vid, queue, names, COUNTERS);

	if (count < 0 || rte_vhost_vring_stats_get(vid, queue, values, COUNTERS) != count)
		return;
	for (int i = 0; i < count; i++)
		if (values[i].value > 0)
			printf("dpdk-echo: queue %d: %s=%" PRIu64 "\n", queue, names[i].name,
				values[i].value);
	fflush(stdout);
}

static int on_new_device(int vid)
{
	int result = -1;

	rte_ticketlock_lock(&lock);
	if (device < 0) {
		device = vid;
		result = 0;
	}
	rte_ticketlock_unlock(&lock);
	return result;
}

static void on_destroy_device(int vid)
{
	bool known;

	/* Between two rounds: no burst uses the device when this returns. */
	rte_ticketlock_lock(&lock);
	known = device == vid;
	if (known) {
		device = -1;
		/* The next guest is not to have them. */
		rte_pktmbuf_free_bulk(packets + first, count - first);
		first = count;
	}
	rte_ticketlock_unlock(&lock);
	for (uint16_t queue = 0; known && queue < 2; queue++)
		print_counters(vid, queue);
}

static void swap_addresses(struct rte_mbuf *packet)
{
	struct rte_ether_hdr *header = rte_pktmbuf_mtod(packet, struct rte_ether_hdr *);
	struct rte_ether_addr source = header->src_addr; /* at worst behind a short packet */

	rte_ether_addr_copy(&header->dst_addr, &header->src_addr);
	rte_ether_addr_copy(&source, &header->dst_addr);
}

/** An lcore: until the end, with the guest that there is. */
static int run(void *unused)
{
	(void)unused;
	while (!ended) {
		uint16_t gone = 0;

		rte_ticketlock_lock(&lock);
		if (device >= 0 && first == count) {
			first = 0;
			count = rte_vhost_dequeue_burst(device, FROM_GUEST, pool, packets, BURST);
			for (uint16_t i = 0; i < count; i++)
				swap_addresses(packets[i]);
		}
		if (device >= 0)
			gone = rte_vhost_enqueue_burst(device, TO_GUEST, packets + first,
				count - first);
		rte_pktmbuf_free_bulk(packets + first, gone);
		first += gone;
		rte_ticketlock_unlock(&lock);
		/* An lcore with a CPU of its own would go on. */
		if (gone == 0)
			rte_delay_us_sleep(20);
	}
	return 0;
}

static void on_signal(int number)
{
	(void)number;
	ended = true;
}

int main(int argc, char **argv)
{
	const struct rte_vhost_device_ops ops = {
		.new_device = on_new_device, .destroy_device = on_destroy_device,
	};
	int used = rte_eal_init(argc, argv);
	unsigned int worker, in_use;
	const char *socket;

	if (used < 0)
		rte_exit(EXIT_FAILURE, "the EAL does not start\n");
	if (argc - used != 2)
		rte_exit(EXIT_FAILURE, "usage: dpdk-echo EAL-OPTIONS -- SOCKET\n");
	socket = argv[used + 1];
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	pool = rte_pktmbuf_pool_create("dpdk-echo", MBUFS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		(int)rte_socket_id());
	if (pool == NULL)
		rte_exit(EXIT_FAILURE, "no pool of mbufs: %s\n", rte_strerror(rte_errno));
	if (rte_vhost_driver_register(socket, RTE_VHOST_USER_NET_STATS_ENABLE) != 0 ||
	    rte_vhost_driver_callback_register(socket, &ops) != 0 ||
	    rte_vhost_driver_start(socket) != 0)
		rte_exit(EXIT_FAILURE, "%s: no socket\n", socket);

	worker = rte_get_next_lcore(rte_lcore_id(), true, false);
	if (worker < RTE_MAX_LCORE)
		rte_eal_remote_launch(run, NULL, worker);
	else
		run(NULL);
	rte_eal_mp_wait_lcore();
	rte_vhost_driver_unregister(socket);
	in_use = rte_mempool_in_use_count(pool);
	printf("dpdk-echo: %u mbufs in use\n", in_use);
	rte_mempool_free(pool);
	rte_eal_cleanup();
	return in_use == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
