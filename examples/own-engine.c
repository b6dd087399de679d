/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * own-engine SOCKET [THRESHOLD]: an echo whose packets are copied by an engine of its own, from
 * the guest and to it. The engine is a thread; where it calls memcpy(), a driver would fill in a
 * descriptor of its device. Pieces of at least THRESHOLD bytes (256) go to it.
 *
 * Below: the engine, its two callbacks, queues that come and go, the data path. docs/async.md tells
 * what the callbacks may rely on.
 *
 *	gcc own-engine.c $(pkg-config --cflags --libs rtevhostswift) -pthread
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <rte_vhost_async.h>

#define BURST 32
#define MBUFS 4096
#define TO_GUEST 0
#define FROM_GUEST 1
#define QUEUES 2
/** Pieces that wait for the engine in each queue; a power of two, more than a burst has. */
#define PIECES 4096
/** How long a queue that goes away waits for the engine. */
#define DRAIN_SECONDS 2
/** Rounds without work after which the engine sleeps between two looks. */
#define IDLE_ROUNDS 1000

/** What is contiguous on both sides. */
struct piece {
	const void *from;
	void *to;
	size_t size;
	bool last; /**< Of its packet. */
};

/** The engine's side of a virtqueue. Each field but pieces has one thread that writes it. */
struct channel {
	struct piece pieces[PIECES];
	atomic_uint head;	/**< Pieces submitted; the data path's. */
	atomic_uint tail;	/**< Pieces copied; the engine's. */
	atomic_uint packets;	/**< Packets copied; the engine's. */
	unsigned int reported;	/**< Packets that the library was told of; the data path's. */
	uint64_t bytes;		/**< Submitted. */
};

static struct channel channels[QUEUES]; /* one guest at a time, so the queue's number is enough */
static atomic_bool engine_ends;

static struct rte_mempool *pool;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the data path's, round by round */
static int device = -1;
static uint32_t threshold = 256;
static uint64_t echoed, drained;
static volatile sig_atomic_t ended;

/** Packets that wait for room in the guest, or for the engine to have room. */
static struct {
	struct rte_mbuf *packets[BURST];
	uint16_t first, count;
} waiting;

/* The engine. */

/** Copy all that waits in a channel. @return whether there was something. */
static bool copy_pieces(struct channel *channel)
{
	unsigned int at = atomic_load_explicit(&channel->tail, memory_order_relaxed);
	unsigned int end = atomic_load_explicit(&channel->head, memory_order_acquire);
	bool any = at != end;

	for (; at != end; at++) {
		const struct piece *piece = &channel->pieces[at % PIECES];

		memcpy(piece->to, piece->from, piece->size);
		/* Release: who reads the count sees the bytes. */
		if (piece->last)
			atomic_fetch_add_explicit(&channel->packets, 1, memory_order_release);
		atomic_store_explicit(&channel->tail, at + 1, memory_order_release);
	}
	return any;
}

static void *run_engine(void *unused)
{
	unsigned int idle = 0;

	while (!atomic_load_explicit(&engine_ends, memory_order_relaxed)) {
		bool any = false;

		for (int i = 0; i < QUEUES; i++)
			any |= copy_pieces(&channels[i]);
		idle = any ? 0 : idle + 1;
		if (idle > IDLE_ROUNDS)
			usleep(50);
		else if (idle > 0)
			sched_yield();
	}
	return unused;
}

/* Its callbacks: run by the library inside a burst. They do not wait. */

/**
 * A packet's pieces, to the ring: those of both sides match one to one. What describes them is the
 * library's, and gone after the call; the memory that they are in stays until the copy is reported.
 */
static void submit(struct channel *channel, const struct rte_vhost_async_desc *copy)
{
	const struct rte_vhost_iov_iter *src = copy->src, *dst = copy->dst;
	unsigned int at = atomic_load_explicit(&channel->head, memory_order_relaxed);
	size_t src_skip = src->offset, dst_skip = dst->offset;

	for (unsigned long i = 0; i < src->nr_segs; i++, src_skip = dst_skip = 0) {
		/* IOVAs, which in a process without DPDK are addresses. */
		channel->pieces[at++ % PIECES] = (struct piece){
			.from = (const char *)src->iov[i].iov_base + src_skip,
			.to = (char *)dst->iov[i].iov_base + dst_skip,
			.size = src->iov[i].iov_len - src_skip,
			.last = i + 1 == src->nr_segs,
		};
	}
	channel->bytes += src->count;
	atomic_store_explicit(&channel->head, at, memory_order_release);
}

static int32_t transfer_data(int vid, uint16_t queue, struct rte_vhost_async_desc *copies,
	struct rte_vhost_async_status *none, uint16_t count)
{
	struct channel *channel = &channels[queue];
	uint16_t accepted = 0;

	(void)vid;
	(void)none;
	for (; accepted < count; accepted++) {
		unsigned int used = atomic_load_explicit(&channel->head, memory_order_relaxed) -
			atomic_load_explicit(&channel->tail, memory_order_acquire);

		/* A packet goes in whole or not at all; the library offers it again. */
		if (PIECES - used < copies[accepted].src->nr_segs)
			break;
		submit(channel, &copies[accepted]);
	}
	return accepted;
}

static int32_t check_completed_copies(int vid, uint16_t queue,
	struct rte_vhost_async_status *none, uint16_t most)
{
	struct channel *channel = &channels[queue];
	unsigned int count = atomic_load_explicit(&channel->packets, memory_order_acquire) -
		channel->reported;

	(void)vid;
	(void)none;
	count = RTE_MIN(count, (unsigned int)most);
	channel->reported += count; /* since the last call, not since the beginning */
	return (int32_t)count;
}

/* Queues that come and go: from the library's thread, while the data path does not use them. */

static void close_queue(int vid, uint16_t queue)
{
	struct rte_mbuf *packets[BURST];
	time_t deadline = time(NULL) + DRAIN_SECONDS;

	/* Copies that were begun end: mbufs and the guest's memory are in the engine's hands. */
	while (rte_vhost_async_get_inflight(vid, queue) > 0 && time(NULL) <= deadline) {
		uint16_t count = rte_vhost_clear_queue_thread_unsafe(vid, queue, packets, BURST);

		rte_pktmbuf_free_bulk(packets, count);
		drained += count;
		if (count == 0)
			sched_yield();
	}
	if (rte_vhost_async_channel_unregister_thread_unsafe(vid, queue) != 0)
		fprintf(stderr, "own-engine: queue %d keeps its channel, %d packets in flight\n",
			queue, rte_vhost_async_get_inflight(vid, queue));
}

/** Channels for all queues, or for none. */
static int open_queues(int vid)
{
	struct rte_vhost_async_channel_ops ops = {
		.transfer_data = transfer_data, .check_completed_copies = check_completed_copies,
	};
	struct rte_vhost_async_config config = {
		.async_threshold = threshold, .features = RTE_VHOST_ASYNC_INORDER,
	};

	for (uint16_t queue = 0; queue < QUEUES; queue++) {
		if (rte_vhost_async_channel_register_thread_unsafe(vid, queue, config, &ops) == 0)
			continue;
		while (queue-- > 0)
			close_queue(vid, queue);
		return -1;
	}
	return 0;
}

static int on_new_device(int vid)
{
	int result = -1;

	pthread_mutex_lock(&lock);
	if (device < 0)
		result = open_queues(vid);
	if (result == 0)
		device = vid;
	pthread_mutex_unlock(&lock);
	return result;
}

/** The next guest is not to have them. */
static void drop_waiting(void)
{
	rte_pktmbuf_free_bulk(waiting.packets + waiting.first, waiting.count - waiting.first);
	waiting.first = waiting.count;
}

static void on_destroy_device(int vid)
{
	pthread_mutex_lock(&lock);
	if (device == vid) {
		device = -1;
		close_queue(vid, FROM_GUEST);
		close_queue(vid, TO_GUEST);
		drop_waiting();
	}
	pthread_mutex_unlock(&lock);
}

/* The data path. */

static void swap_addresses(struct rte_mbuf *packet)
{
	struct rte_ether_hdr *header = rte_pktmbuf_mtod(packet, void *);
	struct rte_ether_addr source = header->s_addr; /* at worst behind a short packet */

	header->s_addr = header->d_addr;
	header->d_addr = source;
}

static void run_round(void)
{
	struct rte_mbuf *done[BURST];
	uint32_t done_count = 0;
	int in_flight;

	/* Both calls also when nothing is new: what is complete comes back by them. */
	if (waiting.first == waiting.count) {
		waiting.first = 0;
		waiting.count = rte_vhost_async_try_dequeue_burst(device, FROM_GUEST, pool,
			waiting.packets, BURST, &in_flight);
		for (uint16_t i = 0; i < waiting.count; i++)
			swap_addresses(waiting.packets[i]);
	}
	/* What was taken is the library's until it comes back, here or by the poll. */
	waiting.first += rte_vhost_submit_enqueue_burst(device, TO_GUEST,
		waiting.packets + waiting.first, waiting.count - waiting.first, done, &done_count);
	rte_pktmbuf_free_bulk(done, done_count);
	echoed += done_count;
	done_count = rte_vhost_poll_enqueue_completed(device, TO_GUEST, done, BURST);
	rte_pktmbuf_free_bulk(done, done_count);
	echoed += done_count;
}

static void run(void)
{
	while (!ended) {
		uint64_t before = echoed;

		pthread_mutex_lock(&lock);
		if (device >= 0)
			run_round();
		pthread_mutex_unlock(&lock);
		usleep(echoed == before ? 20 : 0); /* the guest and the engine need a CPU, too */
	}
}

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

int main(int argc, char **argv)
{
	const struct vhost_device_ops ops = {
		.new_device = on_new_device, .destroy_device = on_destroy_device,
	};
	unsigned int back;
	pthread_t engine;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: own-engine SOCKET [THRESHOLD]\n");
		return 2;
	}
	if (argc > 2)
		threshold = (uint32_t)strtoul(argv[2], NULL, 10);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	pool = rte_pktmbuf_pool_create("own-engine", MBUFS, 0, 0, 2176, SOCKET_ID_ANY);
	if (pool == NULL || pthread_create(&engine, NULL, run_engine, NULL) != 0)
		return 1;
	if (rte_vhost_driver_register(argv[1], RTE_VHOST_USER_ASYNC_COPY) != 0 ||
	    rte_vhost_driver_callback_register(argv[1], &ops) != 0 ||
	    rte_vhost_driver_start(argv[1]) != 0)
		return 1;
	run();
	/* The engine last: this waits for it in on_destroy_device(). */
	if (rte_vhost_driver_unregister(argv[1]) != 0)
		return 1;
	atomic_store(&engine_ends, true);
	pthread_join(engine, NULL);
	back = rte_mempool_avail_count(pool);
	printf("own-engine: echoed=%" PRIu64 " drained=%" PRIu64 " engine_packets=%u,%u"
		" engine_bytes=%" PRIu64 ",%" PRIu64 " mbufs=%u/%u\n", echoed, drained,
		channels[FROM_GUEST].reported, channels[TO_GUEST].reported,
		channels[FROM_GUEST].bytes, channels[TO_GUEST].bytes, back, MBUFS);
	return back == MBUFS ? 0 : 1;
}
