/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Packets by size and receivers: random bursts of equal and of mixed packets, in chains of all
 * shapes and rings of both formats, copied by the processor and by an engine, beside a model.
 */
#include <errno.h>
#include <unistd.h>

#include "bench.h"

#define TURNS 300
#define MOST 40
#define PATIENCE 10000

/** The counters, in the order of the model. */
enum { PACKETS, BYTES, MULTICAST, BROADCAST, UNDERSIZE, ROWS = 12 };

static const char *const names[ROWS] = {
	"packets", "bytes", "multicast_packets", "broadcast_packets", "undersize_packets",
	"size_64_packets", "size_65_127_packets", "size_128_255_packets", "size_256_511_packets",
	"size_512_1023_packets", "size_1024_1518_packets", "size_1519_max_packets",
};

/** Largest size of each class but the last. */
static const uint32_t limits[] = { 63, 64, 127, 255, 511, 1023, 1518, UINT32_MAX };

static const uint32_t sizes[] = {
	1, 5, 6, 14, 60, 63, 64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 1518, 1519, 2000,
	9000,
};

static const struct guest_shape shapes[] = {
	{ .indirect = false }, { .header_pieces = 1 }, { .header_pieces = 1, .data_pieces = 3 },
	{ .indirect = true }, { .indirect = true, .header_pieces = 1 },
	{ .indirect = true, .header_pieces = 2, .data_pieces = 2 },
};

static const uint8_t receivers[][6] = {
	{ 2, 0, 0, 0, 0, 1 }, { 0xfe, 255, 255, 255, 255, 255 }, { 1, 0, 0x5e, 0, 0, 1 },
	{ 255, 255, 255, 255, 255, 254 }, { 255, 255, 255, 255, 255, 255 },
};

static struct guest_random chance;
static uint64_t model[2][ROWS];
static uint8_t frame[GUEST_MAX_FRAME], copy[GUEST_MAX_FRAME];

static uint32_t any(uint32_t count)
{
	return guest_random_range(&chance, 0, count - 1);
}

static void note(int queue, uint32_t size, uint32_t receiver)
{
	uint64_t *rows = model[queue];
	uint32_t place = UNDERSIZE;

	while (size > limits[place - UNDERSIZE])
		place++;
	rows[place]++;
	rows[PACKETS]++;
	rows[BYTES] += size;
	/* A frame that is too short for an address is for nobody. */
	if (size >= 6 && receivers[receiver][0] & 1)
		rows[receiver == 4 ? BROADCAST : MULTICAST]++;
}

static void assert_counted(const struct bench *bench)
{
	struct rtevhostswift_counter_name name[64];
	struct rtevhostswift_counter counter[64];
	int count = rtevhostswift_vring_counters_get_names(bench->vid, 0, name, 64);

	for (uint16_t queue = 0; queue < 2; queue++) {
		uint64_t sum = 0;

		assert_int_equal(rtevhostswift_vring_counters_get(bench->vid, queue, counter, 64),
				 count);
		for (int row = 0; row < ROWS; row++) {
			int at = 0;

			while (at < count && strcmp(name[at].name, names[row]) != 0)
				at++;
			assert_true(at < count);
			if (counter[at].value != model[queue][row])
				fail_msg("queue %u: %s is %lu instead of %lu", queue, names[row],
					 counter[at].value, model[queue][row]);
			if (row >= UNDERSIZE)
				sum += counter[at].value;
		}
		assert_int_equal(sum, model[queue][PACKETS]);
	}
}

/** What the next packets are like: now and then all the same. */
struct kind {
	bool mixed;
	uint32_t size, receiver;
};

static struct kind begin(void)
{
	struct kind kind = { any(2) == 0, sizes[any(20)], any(3) == 0 ? any(5) : any(2) };

	return kind;
}

static void next(struct kind *kind)
{
	if (kind->mixed)
		*kind = (struct kind){ true, sizes[any(20)], any(5) };
	memcpy(frame, receivers[kind->receiver], 6);
}

static void from_guest(struct bench *bench)
{
	const struct guest_shape *shape = &shapes[any(6)];
	uint32_t wanted = any(4) == 0 ? 1 : 1 + any(MOST), sent = 0, got = 0;
	struct rte_mbuf *pkts[MOST + 1];
	struct kind kind = begin();

	for (next(&kind); sent < wanted; next(&kind)) {
		int result = guest_tx(bench->tx, frame, kind.size, shape);

		if (result == -ENOSPC || result == -ENOBUFS)
			break;
		assert_true(result >= 0);
		note(TX, kind.size, kind.receiver);
		sent++;
	}
	assert_int_equal(guest_submit(bench->tx), 0);
	for (int turn = 0; got < sent; turn++) {
		uint16_t count = bench_dequeue_raw(bench, pkts, (uint16_t)(wanted == 1 ? 1 : MOST));

		assert_true(turn < PATIENCE);
		for (uint16_t i = 0; i < count; i++)
			rte_pktmbuf_free(pkts[i]);
		got += count;
	}
	assert_int_equal(got, sent);
	guest_tx_reap(bench->tx);
}

/** Give packets to the guest. @return how many it took; they are the caller's again. */
static uint16_t give(struct bench *bench, struct rte_mbuf **pkts, uint16_t count)
{
	struct rte_mbuf *done[MOST + 1];
	uint32_t completed = 0;
	uint16_t taken;

	if (bench->config.synchronous)
		return rte_vhost_enqueue_burst(bench->vid, RX, pkts, count);
	taken = rte_vhost_submit_enqueue_burst(bench->vid, RX, pkts, count, done, &completed);
	for (int turn = 0; completed < taken; turn++) {
		assert_true(turn < PATIENCE);
		completed += rte_vhost_poll_enqueue_completed(bench->vid, RX, done, MOST);
	}
	assert_int_equal(completed, taken);
	return taken;
}

static void to_guest(struct bench *bench)
{
	uint16_t wanted = (uint16_t)(any(4) == 0 ? 1 : 1 + any(MOST)), taken;
	struct rte_mbuf *pkts[MOST];
	struct kind kinds[MOST], kind = begin();
	struct guest_received received;
	uint32_t arrived = 0;

	for (uint16_t i = 0; i < wanted; i++) {
		next(&kind);
		kinds[i] = kind;
		pkts[i] = bench_packet(bench, frame, kind.size);
	}
	taken = give(bench, pkts, wanted);
	for (uint16_t i = 0; i < wanted; i++) {
		if (i < taken)
			note(RX, kinds[i].size, kinds[i].receiver);
		rte_pktmbuf_free(pkts[i]);
	}
	while (guest_rx(bench->rx, copy, sizeof(copy), &received) != -EAGAIN) {
		assert_memory_equal(copy, receivers[kinds[arrived].receiver],
				    kinds[arrived].size < 6 ? kinds[arrived].size : 6);
		arrived++;
	}
	assert_int_equal(arrived, taken);
	guest_rx_fill(bench->rx);
	guest_submit(bench->rx);
}

static void walk(void **state, bool synchronous, const struct guest_shape *shape)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.synchronous = synchronous;
	config.bare = synchronous;
	config.guest.rx_shape = *shape;
	bench = bench_open(state, &config);
	memset(model, 0, sizeof(model));
	memset(frame, 0, sizeof(frame));
	chance.state = 7 + synchronous;
	for (int i = 0; i < 2; i++)
		engine_behave(&bench->engines[i]);
	assert_counted(bench);
	for (int turn = 0; turn < TURNS; turn++) {
		from_guest(bench);
		assert_counted(bench);
		to_guest(bench);
		assert_counted(bench);
	}
	for (int row = 0; row < ROWS; row++) {
		assert_true(model[RX][row] > 0);
		assert_true(model[TX][row] > 0);
	}
	bench_close(bench);
}

static void the_processor_copies(void **state)
{
	walk(state, true, &shapes[0]);
}

static void the_processor_copies_to_chains(void **state)
{
	walk(state, true, &shapes[1]);
}

static void the_processor_copies_to_tables(void **state)
{
	walk(state, true, &shapes[4]);
}

static void an_engine_copies(void **state)
{
	walk(state, false, &shapes[0]);
}

static void an_engine_copies_to_chains(void **state)
{
	walk(state, false, &shapes[1]);
}

static void an_engine_copies_to_tables(void **state)
{
	walk(state, false, &shapes[4]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(the_processor_copies),
		BENCH_TEST(the_processor_copies_to_chains),
		BENCH_TEST(the_processor_copies_to_tables),
		BENCH_TEST(an_engine_copies),
		BENCH_TEST(an_engine_copies_to_chains),
		BENCH_TEST(an_engine_copies_to_tables),
	};

	return BENCH_RUN(tests);
}
