/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Row G08: a second thread that changes every field the guest writes, while bursts run both ways.
 *
 *     PACKETS=100000000 build/hostile/test_guest_flip
 *
 * Chains are written once, in all shapes, and go round from then on: most of the time goes into
 * the library. What cannot hold while fields change (what a packet says, who comes back) is not
 * asserted then; but nobody reads or writes outside of guest memory and mbufs, no mbuf is lost,
 * the ring can be reset at any time, and after each reset packets are whole.
 */
#include <time.h>

#include "guest_fast.h"
#include "guest_flip.h"
#include "hostile.h"

#define DEFAULT_PACKETS 400000
#define BURST 64
#define LONGEST 400
/* Turns without a packet after which a ring is taken to be broken, and most before a restart. */
#define STUCK 50
#define TURNS 40000

/** An engine that copies at once, looks at every address, and tells of copies late. */
struct fast_engine {
	uint64_t accepted, reported, copies, outside;
	struct engine_range guest[2];
	uint64_t mbufs, mbufs_end;
};

static struct fast_engine fast_engines[2];

static bool in_guest(const struct fast_engine *engine, uint64_t address, uint64_t length)
{
	for (int i = 0; i < 2; i++)
		if (address >= engine->guest[i].start && length <= engine->guest[i].size &&
		    address - engine->guest[i].start <= engine->guest[i].size - length)
			return true;
	return false;
}

static void copy(struct fast_engine *engine, uint16_t queue, const struct iovec *from,
		 const struct iovec *to)
{
	const struct iovec *guest = queue == TX ? from : to, *mbuf = queue == TX ? to : from;
	uint64_t start = (uintptr_t)mbuf->iov_base;

	engine->copies++;
	if (from->iov_len != to->iov_len || start < engine->mbufs ||
	    start + mbuf->iov_len > engine->mbufs_end ||
	    !in_guest(engine, (uintptr_t)guest->iov_base, guest->iov_len)) {
		engine->outside++;
		return;
	}
	memcpy(to->iov_base, from->iov_base, from->iov_len);
}

static int32_t transfer(int vid, uint16_t queue, struct rte_vhost_async_desc *descs,
			struct rte_vhost_async_status *opaque, uint16_t count)
{
	struct fast_engine *engine = &fast_engines[queue];

	(void)vid, (void)opaque;
	for (uint16_t i = 0; i < count; i++)
		for (uint64_t j = 0; j < descs[i].src->nr_segs; j++)
			copy(engine, queue, &descs[i].src->iov[j], &descs[i].dst->iov[j]);
	engine->accepted += count;
	return count;
}

static int32_t check_completed(int vid, uint16_t queue, struct rte_vhost_async_status *opaque,
			       uint16_t limit)
{
	struct fast_engine *engine = &fast_engines[queue];
	uint64_t done = (engine->accepted - engine->reported + 1) / 2;

	(void)vid, (void)opaque;
	if (done > limit)
		done = limit;
	engine->reported += done;
	return (int32_t)done;
}

static struct rte_vhost_async_channel_ops fast_ops = {
	.transfer_data = transfer,
	.check_completed_copies = check_completed,
};

/** What was done in all. */
struct flip_run {
	struct guest_random random;
	uint64_t turns, from, to;	/**< Turns; packets from and to the guest. */
	uint64_t flips[GUEST_FLIP_FIELDS];
	uint64_t dropped[5], broken, restarts, odd;
};

static void learn(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;

	for (uint16_t queue = RX; queue <= TX; queue++) {
		struct fast_engine *engine = &fast_engines[queue];
		struct pool *pool = &bench->pool;

		/* Packets are sent back in the mbufs that they came in, good ones in the others. */
		memcpy(engine->guest, bench->engines[queue].guest, sizeof(engine->guest));
		engine->mbufs = (uintptr_t)pool->mbufs[0];
		engine->mbufs_end = (uintptr_t)pool->mbufs[pool->count - 1] +
				    sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE;
		if ((uintptr_t)bench->app.mbufs[0] < engine->mbufs)
			engine->mbufs = (uintptr_t)bench->app.mbufs[0];
		if ((uintptr_t)bench->app.mbufs[bench->app.count - 1] > engine->mbufs_end)
			engine->mbufs_end = (uintptr_t)bench->app.mbufs[bench->app.count - 1] +
					    sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE;
		assert_int_equal(rte_vhost_async_channel_register(bench->vid, queue,
								  bench->config.async, &fast_ops),
				 0);
	}
}

/** Each phase on another ring; receive buffers that are not mergeable in every other one. */
static void open_flip(struct hostile *hostile, size_t phase)
{
	static const uint32_t sizes[2][4] = { { 256, 64, 128, 256 }, { 255, 61, 128, 203 } };
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.features |= BENCH_OFFLOADS;
	if (phase % 2)
		config.guest.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	config.guest.ring_size = sizes[hostile->packed][phase % 4];
	config.guest.manual_rx = true;
	config.guest.table_entries = 8;
	config.guest.tx_buffers = config.guest.rx_buffers = 1200;
	config.async.async_threshold = hostile->threshold ? 128 : 0;
	config.pool_size = 2048;
	config.bare = true;
	hostile_open(hostile, &config);
	if (hostile->async)
		learn(hostile);
}

static void close_flip(struct hostile *hostile)
{
	for (uint16_t queue = RX; queue <= TX && hostile->async; queue++)
		assert_int_equal(rte_vhost_async_channel_unregister(hostile->bench->vid, queue),
				 0);
	hostile_close(hostile);
}

/** Chains of all shapes in both rings, none of them published. */
static void prefill(struct hostile *hostile, struct flip_run *run)
{
	static uint8_t frame[LONGEST];
	struct bench *bench = hostile->bench;
	int ret = 0;

	while (ret == 0 && bench->tx->free_count > 0) {
		struct guest_shape shape = {
			.indirect = guest_random_range(&run->random, 0, 3) == 0,
			.header_pieces = guest_random_range(&run->random, 0, 3) == 0,
			.data_pieces = (uint16_t)guest_random_range(&run->random, 0, 2),
		};

		ret = guest_tx(bench->tx, frame, guest_random_range(&run->random, 60, LONGEST),
			       &shape);
	}
	for (ret = 0; ret == 0 && bench->rx->free_count > 0;) {
		struct guest_shape shape = {
			.indirect = guest_random_range(&run->random, 0, 3) == 0,
			.data_pieces = (uint16_t)guest_random_range(&run->random, 0, 2),
		};

		ret = guest_rx_post(bench->rx, 1024, &shape);
	}
	guest_fast_publish(bench->tx, UINT32_MAX);
	guest_fast_publish(bench->rx, UINT32_MAX);
}

/** An mbuf whose counts are not true, or that is larger than a frame with headers can be. */
static bool is_odd(const struct rte_mbuf *mbuf)
{
	uint32_t length = 0, segments = 0;

	if (mbuf->nb_segs == 1)
		return mbuf->data_len != mbuf->pkt_len || mbuf->data_len > 2048;
	for (const struct rte_mbuf *at = mbuf; at; at = at->next, segments++)
		length += at->data_len;
	return length != mbuf->pkt_len || segments != mbuf->nb_segs || length > 65557;
}

static uint16_t take(struct hostile *hostile, struct rte_mbuf **pkts, uint16_t wanted)
{
	struct bench *bench = hostile->bench;

	if (!hostile->async)
		return rte_vhost_dequeue_burst(bench->vid, TX, bench->pool.mp, pkts, wanted);
	return rte_vhost_async_try_dequeue_burst(bench->vid, TX, bench->pool.mp, pkts, wanted,
						 &bench->from.inflight);
}

static uint16_t give(struct hostile *hostile, struct rte_mbuf **pkts, uint16_t count)
{
	struct bench *bench = hostile->bench;
	struct rte_mbuf *done[BURST];
	uint32_t completed = 0;
	uint16_t sent;

	if (!hostile->async) {
		sent = rte_vhost_enqueue_burst(bench->vid, RX, pkts, count);
		rte_pktmbuf_free_bulk(pkts, count);
		return sent;
	}
	sent = count == 0 ? 0 : rte_vhost_submit_enqueue_burst(bench->vid, RX, pkts, count, done,
							       &completed);
	rte_pktmbuf_free_bulk(done, completed);
	rte_pktmbuf_free_bulk(pkts + sent, (unsigned int)(count - sent));
	completed = rte_vhost_poll_enqueue_completed(bench->vid, RX, done, BURST);
	rte_pktmbuf_free_bulk(done, completed);
	return sent;
}

/**
 * Both directions once; every second time packet by packet, which go another way through the
 * library. @return packets that came from the guest; @p sent went back to it.
 */
static uint16_t turn(struct hostile *hostile, struct flip_run *run, uint16_t *sent)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t wanted = run->turns++ % 2 == 0 ? 1 : BURST, total = 0, got;

	*sent = 0;
	guest_fast_turn(hostile->bench->tx);
	do {
		got = take(hostile, pkts, wanted);
		for (uint16_t i = 0; i < got; i++)
			run->odd += is_odd(pkts[i]);
		*sent += give(hostile, pkts, got);
		total += got;
	} while (got == 1 && total < BURST);
	guest_fast_turn(hostile->bench->rx);
	return total;
}

/** Nothing in flight. */
static void land(struct hostile *hostile)
{
	struct bench *bench = hostile->bench;
	struct rte_mbuf *pkts[BURST];

	for (int i = 0; i < 100000 && hostile->async; i++) {
		uint16_t got = rte_vhost_clear_queue_thread_unsafe(bench->vid, TX, pkts, BURST);

		rte_pktmbuf_free_bulk(pkts, got);
		got = rte_vhost_poll_enqueue_completed(bench->vid, RX, pkts, BURST);
		rte_pktmbuf_free_bulk(pkts, got);
		if (rte_vhost_async_get_inflight(bench->vid, TX) <= 0 &&
		    rte_vhost_async_get_inflight(bench->vid, RX) <= 0)
			break;
	}
	bench->from.inflight = 0;
	assert_int_equal(pool_in_use(&bench->pool) + pool_in_use(&bench->app), 0);
}

/** All counters of the library, and a device that is as good as new. */
static void restart(struct hostile *hostile, struct flip_run *run,
		    const struct hostile_counts before[2])
{
	struct hostile_counts now;

	land(hostile);
	for (uint16_t queue = RX; queue <= TX; queue++) {
		hostile_count(hostile, queue, &now);
		for (int i = 0; i < 5; i++)
			run->dropped[i] += now.dropped[i] - before[queue].dropped[i];
		run->broken += now.broken - before[queue].broken;
		*(queue == TX ? &run->from : &run->to) += now.packets - before[queue].packets;
		if (fast_engines[queue].outside > 0)
			fail_msg("an engine got %lu addresses outside of guest memory",
				 fast_engines[queue].outside);
	}
	assert_int_equal(run->odd, 0);
	/* Flipped addresses lead anywhere in the guest's memory. */
	guest_slots_mend(&hostile->bench->tx->slots);
	guest_slots_mend(&hostile->bench->rx->slots);
	hostile_restart(hostile);
	/* The table may have been mapped anew. */
	for (uint16_t queue = RX; queue <= TX; queue++)
		memcpy(fast_engines[queue].guest, hostile->bench->engines[queue].guest,
		       sizeof(fast_engines[queue].guest));
	hostile_good(hostile);
	run->restarts++;
}

/** Packets until something breaks, or for a while. */
static void fly(struct hostile *hostile, struct flip_run *run, unsigned int fields,
		uint64_t wanted)
{
	struct hostile_counts before[2];
	struct guest_flip *flip;
	int idle = 0;

	for (uint16_t queue = RX; queue <= TX; queue++)
		hostile_count(hostile, queue, &before[queue]);
	prefill(hostile, run);
	assert_int_equal(guest_flip_start(hostile->bench->guest, fields | GUEST_FLIP_AIMED,
					  guest_random_next(&run->random), &flip), 0);
	/* What an engine was given by mistake is told at once. */
	for (uint64_t i = 0, got = 0; i < TURNS && idle < STUCK && got < wanted &&
	     fast_engines[RX].outside + fast_engines[TX].outside == 0; i++) {
		uint16_t sent, more = turn(hostile, run, &sent);

		got += more;
		idle = more && sent ? 0 : idle + 1;
	}
	guest_flip_finish(flip, run->flips);
	restart(hostile, run, before);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void report(const struct hostile *hostile, const struct flip_run *run, double seconds)
{
	static const char *const names[GUEST_FLIP_FIELDS] = { "addr", "len", "flags", "next/id",
		"tables", "headers", "available", "index", "events" };
	uint64_t flips = 0;

	for (int i = 0; i < GUEST_FLIP_FIELDS; i++)
		flips += run->flips[i];
	printf("%s, %s%s: %lu packets from and %lu to the guest in %.1f s, %.0f a second\n",
	       hostile->packed ? "packed" : "split", hostile->async ? "async, threshold " : "sync",
	       !hostile->async ? "" : hostile->threshold ? "128" : "0", run->from, run->to,
	       seconds, (double)(run->from + run->to) / seconds);
	printf("  %lu flips:", flips);
	for (int i = 0; i < GUEST_FLIP_FIELDS; i++)
		printf(" %s %lu", names[i], run->flips[i]);
	printf("\n  dropped: chain %lu, unmapped %lu, short %lu, direction %lu, too long %lu; ",
	       run->dropped[0], run->dropped[1], run->dropped[2], run->dropped[3],
	       run->dropped[4]);
	printf("rings broken %lu, restarts %lu; copies by engines %lu\n", run->broken,
	       run->restarts, fast_engines[RX].copies + fast_engines[TX].copies);
}

/** Which fields, and out of how many packets one is taken with these. */
static const struct {
	unsigned int fields, share;
} phases[] = {
	{ GUEST_FLIP_ADDR | GUEST_FLIP_LENGTH | GUEST_FLIP_FLAGS | GUEST_FLIP_NEXT |
	  GUEST_FLIP_TABLE, 2 },
	{ GUEST_FLIP_HEADER | GUEST_FLIP_EVENT, 8 },
	{ GUEST_FLIP_AVAILABLE, 8 },
	{ GUEST_FLIP_ALL, 4 },
};

static void G08_every_field_flips_while_bursts_run(struct hostile *hostile)
{
	const char *asked = getenv("PACKETS");
	uint64_t packets = asked ? strtoull(asked, NULL, 10) : DEFAULT_PACKETS;
	struct flip_run run = { .random.state = 1 };
	double start = now();

	/* Two thresholds share what asynchronous variants are to do. */
	if (hostile->async)
		packets /= 2;
	memset(fast_engines, 0, sizeof(fast_engines));
	for (size_t i = 0; i < HOSTILE_COUNT(phases); i++) {
		uint64_t until = run.from + packets / phases[i].share;

		open_flip(hostile, i);
		while (run.from < until)
			fly(hostile, &run, phases[i].fields, until - run.from);
		close_flip(hostile);
	}
	report(hostile, &run, now() - start);
	for (int i = 0; i < GUEST_FLIP_FIELDS; i++)
		assert_true(run.flips[i] > 0);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(G08_every_field_flips_while_bursts_run),
};

HOSTILE_MAIN(getenv("PACKETS") ? 7200 : 120, tests)
