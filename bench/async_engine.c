/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * An engine as a program may have one: transfer_data() writes where from and where to into a ring
 * and returns; a thread, which stands for the hardware, makes the copies. One channel.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "async.h"

#define SLOTS 8192u
/** Looks at an empty ring before a nap of so many nanoseconds. */
#define LOOKS 1000u
#define NAP 10000
#define OWN_LINE __attribute__((aligned(128)))

/** A copy of one contiguous piece. */
struct piece {
	void *to;
	const void *from;
	uint32_t size;
	bool last;	/**< Of its packet. */
};

static struct {
	int cpu;
	struct piece pieces[SLOTS];
	OWN_LINE atomic_uint running;
	OWN_LINE atomic_uint tail;	/**< Written by the data plane: pieces given. */
	uint32_t reported;		/**< Packets that it was told of. */
	OWN_LINE atomic_uint head;	/**< Written by the engine: pieces copied... */
	atomic_uint done;		/**< ...and packets. */
} engine;

static void copy_pieces(uint32_t tail)
{
	uint32_t head = atomic_load_explicit(&engine.head, memory_order_relaxed);
	uint32_t done = atomic_load_explicit(&engine.done, memory_order_relaxed);

	for (; head != tail; head++) {
		const struct piece *piece = &engine.pieces[head % SLOTS];

		memcpy(piece->to, piece->from, piece->size);
		if (piece->last)
			atomic_store_explicit(&engine.done, ++done, memory_order_release);
	}
	atomic_store_explicit(&engine.head, head, memory_order_release);
}

static void *engine_main(void *opaque)
{
	uint32_t looks = 0;

	(void)opaque;
	more_pin(engine.cpu);
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	for (;;) {
		uint32_t tail = atomic_load_explicit(&engine.tail, memory_order_acquire);

		if (tail != atomic_load_explicit(&engine.head, memory_order_relaxed)) {
			copy_pieces(tail);
			looks = 0;
		} else if (atomic_load_explicit(&engine.running, memory_order_relaxed) == 0) {
			syscall(SYS_futex, &engine.running, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
		} else if (looks++ < LOOKS) {
			bench_pause();
		} else {
			more_nap(NAP);
		}
	}
	return NULL;
}

void async_engine_start(int cpu)
{
	pthread_t thread;

	engine.cpu = cpu;
	if (pthread_create(&thread, NULL, engine_main, NULL) != 0)
		more_die("no thread for the engine");
}

void async_engine_run(bool run)
{
	atomic_store(&engine.running, run);
	if (run)
		syscall(SYS_futex, &engine.running, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool async_engine_idle(void)
{
	return atomic_load(&engine.head) == atomic_load(&engine.tail);
}

/** One packet. @return the ring's new tail, or the old one when there is no room. */
static uint32_t queue_packet(const struct rte_vhost_async_desc *packet, uint32_t tail)
{
	const struct rte_vhost_iov_iter *from = packet->src, *to = packet->dst;
	uint32_t used = tail - atomic_load_explicit(&engine.head, memory_order_acquire);

	if (from->nr_segs != to->nr_segs || from->nr_segs == 0 || used + from->nr_segs > SLOTS)
		return tail;
	for (unsigned long i = 0; i < from->nr_segs; i++) {
		struct piece *piece = &engine.pieces[tail++ % SLOTS];
		size_t skip = i == 0 ? from->offset : 0;

		piece->from = (const uint8_t *)from->iov[i].iov_base + skip;
		piece->to = (uint8_t *)to->iov[i].iov_base + (i == 0 ? to->offset : 0);
		piece->size = (uint32_t)(from->iov[i].iov_len - skip);
		piece->last = i + 1 == from->nr_segs;
	}
	return tail;
}

static int32_t transfer_data(int vid, uint16_t queue, struct rte_vhost_async_desc *packets,
			     struct rte_vhost_async_status *opaque, uint16_t count)
{
	uint32_t tail = atomic_load_explicit(&engine.tail, memory_order_relaxed);
	int32_t taken = 0;

	(void)vid;
	(void)queue;
	(void)opaque;
	while (taken < count) {
		uint32_t next = queue_packet(&packets[taken], tail);

		if (next == tail)
			break;
		tail = next;
		taken++;
	}
	atomic_store_explicit(&engine.tail, tail, memory_order_release);
	return taken;
}

static int32_t check_completed(int vid, uint16_t queue, struct rte_vhost_async_status *opaque,
			       uint16_t most)
{
	uint32_t count = atomic_load_explicit(&engine.done, memory_order_acquire) - engine.reported;

	(void)vid;
	(void)queue;
	(void)opaque;
	if (count > most)
		count = most;
	engine.reported += count;
	return (int32_t)count;
}

struct rte_vhost_async_channel_ops *async_engine_ops(void)
{
	static struct rte_vhost_async_channel_ops ops = {
		.transfer_data = transfer_data,
		.check_completed_copies = check_completed,
	};

	return &ops;
}
