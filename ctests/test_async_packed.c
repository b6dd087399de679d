/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The async data path on packed rings (virtio 1.2, 2.8): what split rings do not have. */
#include <linux/virtio_config.h>
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"
#include "guest_packed.h"

#define SMALL 64
#define LARGE 1500

static struct bench *open_ring(void **state, uint32_t size, uint32_t threshold)
{
	struct bench_config config;

	bench_config_init(&config);
	config.guest.ring_size = size;
	config.guest.tx_buffers = config.guest.rx_buffers = size + 64;
	config.async.async_threshold = threshold;
	return bench_open(state, &config);
}

/** What is in flight comes back, nothing more is taken; set up again, the ring goes on. */
static void a_broken_ring(void **state, enum guest_bad kind)
{
	struct bench *bench = open_ring(state, 16, 256);
	uint32_t flying = 4;

	bench_send_many(bench, 4, LARGE);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	if (kind == GUEST_BAD_HEAD_TWICE) {
		/* The chain is good, and what follows has its id. */
		bench_stamp(bench, LARGE);
		flying++;
	}
	assert_int_equal(guest_bad_add(bench->tx, kind, bench->frame, LARGE, 0), 0);
	guest_submit(bench->tx);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, flying);
	/* Seen when it was taken, told at the next call. */
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench_stats(bench, TX).ring_broken, 1);
	engine_finish(&bench->engines[TX], 2);
	assert_int_equal(bench_dequeue(bench, 8), 2);
	guest_packed_take_back_ghost(bench->tx);
	/* A ring that is right again stays broken until it is set up. */
	bench_send(bench, LARGE, NULL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 8), flying - 2);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 0);
	assert_int_equal(bench_stats(bench, TX).ring_broken, 1);
	bench_restart_ring(bench, bench->tx, flying);
	engine_behave(&bench->engines[TX]);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

static void an_id_out_of_range_breaks_the_ring(void **state)
{
	a_broken_ring(state, GUEST_BAD_HEAD_RANGE);
}

static void the_highest_id_breaks_the_ring(void **state)
{
	a_broken_ring(state, GUEST_BAD_HEAD_MAX);
}

static void an_id_in_flight_breaks_the_ring(void **state)
{
	a_broken_ring(state, GUEST_BAD_HEAD_TWICE);
}

static void a_receive_id_out_of_range_breaks_the_ring(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.manual_rx = true;
	bench = bench_open(state, &config);
	for (int i = 0; i < 3; i++)
		assert_int_equal(guest_rx_post(bench->rx, 2048, &config.guest.rx_shape), 0);
	assert_int_equal(guest_bad_add(bench->rx, GUEST_BAD_HEAD_MAX, NULL, SMALL, 0), 0);
	guest_submit(bench->rx);
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 3);
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 0);
	assert_int_equal(bench_stats(bench, RX).ring_broken, 1);
	engine_finish(&bench->engines[RX], 3);
	assert_int_equal(bench_collect(bench, 8), 3);
	guest_packed_take_back_ghost(bench->rx);
	bench_restart_ring(bench, bench->rx, 3);
	assert_int_equal(bench_receive(bench), 3);
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
	assert_int_equal(bench_stats(bench, RX).ring_broken, 1);
	bench_close(bench);
}

/* Packets that are still there when the ring goes round: their slots may not be taken twice. */
static void s25_never_more_in_flight_than_slots(void **state)
{
	struct bench *bench = open_ring(state, 32, 256);

	bench_send_many(bench, 32, LARGE);
	assert_int_equal(bench_dequeue(bench, 64), 0);
	/* The guest makes all of its descriptors available again, for the next lap. */
	for (int i = 0; i < 32; i++)
		bench->tx->ring.packed.descriptors[i].flags = GUEST_PACKED_USED;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bench_dequeue(bench, 64), 0);
		assert_int_equal(bench->from.inflight, 32);
		assert_int_equal(bench->engines[TX].offered, 32);
	}
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 32), 32);
	assert_int_equal(bench_stats(bench, TX).ring_broken, 0);
	bench_close(bench);
}

/** 64 packets of one descriptor, one of them bad, @p threshold says who copies. */
static void one_bad_of_64(void **state, enum guest_bad kind, uint32_t threshold)
{
	struct bench *bench = open_ring(state, 256, threshold);

	engine_behave(&bench->engines[TX]);
	for (uint32_t bad = 0; bad < 64; bad++) {
		struct rtevhostswift_vring_stats stats = bench_stats(bench, TX);
		uint64_t dropped = bench_dropped(&stats);

		for (uint32_t i = 0; i < 64; i++) {
			static const struct guest_shape direct;

			if (i == bad) {
				assert_int_equal(guest_bad_add(bench->tx, kind, NULL, SMALL, 5),
						 0);
				continue;
			}
			bench_stamp(bench, SMALL + i);
			assert_int_equal(guest_tx(bench->tx, bench->frame, SMALL + i, &direct), 0);
		}
		guest_submit(bench->tx);
		assert_int_equal(bench_dequeue(bench, 64), 63);
		assert_int_equal(bench->tx->in_flight, 0);
		stats = bench_stats(bench, TX);
		assert_int_equal(bench_dropped(&stats), dropped + 1);
	}
	bench_close(bench);
}

static void a_bad_address_anywhere_in_a_batch(void **state)
{
	one_bad_of_64(state, GUEST_BAD_UNMAPPED_LONE, 256);
	one_bad_of_64(state, GUEST_BAD_UNMAPPED_LONE, 0);
}

static void a_short_packet_anywhere_in_a_batch(void **state)
{
	one_bad_of_64(state, GUEST_BAD_SHORT, 256);
	one_bad_of_64(state, GUEST_BAD_ZERO, 256);
}

static void other_chains_anywhere_in_a_batch(void **state)
{
	one_bad_of_64(state, GUEST_BAD_DIRECTION, 256);
	one_bad_of_64(state, GUEST_BAD_TABLE_EMPTY, 256);
	one_bad_of_64(state, GUEST_BAD_TABLE_AND_NEXT, 256);
	one_bad_of_64(state, GUEST_BAD_CROSSING_LONE, 0);
}

/** Packets until the ring went round some times, both ways, in rings of any size. */
static void go_round(struct bench *bench, uint32_t packets, const struct guest_shape *shape)
{
	struct guest_random random = { .state = packets };

	for (uint32_t i = 0; i < packets; i++) {
		uint32_t size = guest_random_range(&random, GUEST_PACKET_STAMPED, 1800);

		bench_send(bench, size, shape);
		assert_int_equal(bench_dequeue(bench, 8), 1);
		assert_int_equal(bench_enqueue(bench, 1, size), 1);
		bench_collect(bench, 8);
		assert_int_equal(bench_receive(bench), 1);
	}
}

/* Chains of every length begin in every slot, so that the counter flips in each of their places. */
static void rings_wrap_in_every_place(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 4, 5, 256, 1000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bench *bench = open_ring(state, sizes[i], 256);

		for (uint16_t length = 1; length <= 7 && length <= sizes[i]; length += 2) {
			struct guest_shape shape = { .data_pieces = length };

			engine_behave(&bench->engines[TX]);
			engine_behave(&bench->engines[RX]);
			go_round(bench, 2 * sizes[i] + 3, &shape);
		}
		bench_close(bench);
	}
}

static void a_walk(void **state, uint32_t size, uint64_t features)
{
	struct guest_random random = { .state = size };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.guest.ring_size = size;
	config.guest.features |= features;
	config.guest.tx_buffers = config.guest.rx_buffers = 512;
	bench = bench_open(state, &config);
	for (int i = 0; i < 3000; i++) {
		struct guest_shape shape = {
			.data_pieces = (uint16_t)guest_random_range(&random, 1, 4),
		};

		/* The engine takes what it likes: the rest is rewound, across the wrap too. */
		bench->engines[TX].accept = guest_random_range(&random, 0, 4);
		bench->engines[RX].accept = guest_random_range(&random, 0, 4);
		while (bench->tx->free_count >= 4 && guest_random_range(&random, 0, 3))
			bench_send(bench, guest_random_range(&random, 0, 1) ? SMALL : LARGE,
				   &shape);
		bench_dequeue(bench, (uint16_t)guest_random_range(&random, 0, 8));
		bench_enqueue(bench, (uint16_t)guest_random_range(&random, 0, 8),
			      guest_random_range(&random, 0, 1) ? SMALL : LARGE);
		engine_finish(&bench->engines[TX], guest_random_range(&random, 0, 5));
		engine_finish(&bench->engines[RX], guest_random_range(&random, 0, 5));
		bench_collect(bench, (uint16_t)guest_random_range(&random, 0, 8));
		bench_receive(bench);
	}
	bench_drain(bench);
	while (bench->from.returned < bench->from.sent)
		assert_true(bench_dequeue(bench, 64) > 0);
	bench_receive(bench);
	assert_int_equal(bench->to.delivered, bench->to.sent);
	assert_in_range(bench->from.sent, 500, 100000);
	assert_in_range(bench->to.sent, 500, 100000);
	assert_true(bench_stats(bench, TX).engine_refused > 100);
	assert_true(bench_stats(bench, RX).engine_refused > 100);
	bench_close(bench);
}

static void refused_packets_are_rewound_across_the_wrap(void **state)
{
	static const uint32_t sizes[] = { 4, 5, 7, 16, 100 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		a_walk(state, sizes[i], 0);
}

static void the_same_in_order(void **state)
{
	a_walk(state, 5, GUEST_BIT(VIRTIO_F_IN_ORDER));
	a_walk(state, 37, GUEST_BIT(VIRTIO_F_IN_ORDER));
}

/* A packet of five chains, of one or three descriptors each, in rings with room for three. */
static void mergeable_packets_cross_the_wrap(void **state)
{
	for (uint16_t pieces = 1; pieces <= 3; pieces += 2) {
		struct bench_config config;
		struct bench *bench;

		bench_config_init(&config);
		config.guest.ring_size = 17 * pieces;
		config.guest.buffer_size = 512;
		config.guest.tx_buffers = 64;
		config.guest.rx_capacity = 512;
		config.guest.rx_shape.data_pieces = pieces;
		config.guest.rx_buffers = 64;
		bench = bench_open(state, &config);
		for (uint32_t i = 0; i < 500; i++) {
			bench->engines[RX].accept = i % 7;
			assert_in_range(bench_enqueue(bench, 4, 5 * 512 - 12 - i % 100), 0, 3);
			if (i % 3 == 0)
				engine_finish(&bench->engines[RX], ENGINE_ALL);
			bench_collect(bench, 8);
			bench_receive(bench);
		}
		bench_drain(bench);
		bench_receive(bench);
		assert_int_equal(bench->to.delivered, bench->to.sent);
		assert_in_range(bench->to.sent, 400, 1500);
		bench_close(bench);
	}
}

/* S3: the reference returned with the lock held, and lost the announcement. */
static void s03_announcements_come_first(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct bench *bench = open_ring(state, 5, 256);
	struct rte_mbuf *pkts[9];

	for (int i = 0; i < 20; i++) {
		assert_int_equal(guest_send_rarp(&bench->guest->frontend, mac), 0);
		bench_send(bench, SMALL, NULL);
		bench_send(bench, LARGE, NULL);
		assert_int_equal(bench_dequeue_raw(bench, pkts, 8), 2);
		/* Behind the other addresses: the type of the frame. */
		assert_memory_equal(rte_pktmbuf_mtod(pkts[0], uint8_t *) + 12, "\x80\x35", 2);
		rte_pktmbuf_free(pkts[0]);
		bench_accept(bench, pkts[1]);
		assert_int_equal(bench->from.inflight, 1);
		assert_int_equal(rte_vhost_async_get_inflight(bench->vid, TX), 1);
		engine_finish(&bench->engines[TX], 1);
		assert_int_equal(bench_dequeue(bench, 8), 1);
		assert_int_equal(pool_in_use(&bench->pool), 0);
	}
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST_PACKED(an_id_out_of_range_breaks_the_ring),
		BENCH_TEST_PACKED(the_highest_id_breaks_the_ring),
		BENCH_TEST_PACKED(an_id_in_flight_breaks_the_ring),
		BENCH_TEST_PACKED(a_receive_id_out_of_range_breaks_the_ring),
		BENCH_TEST_PACKED(s25_never_more_in_flight_than_slots),
		BENCH_TEST(a_bad_address_anywhere_in_a_batch),
		BENCH_TEST(a_short_packet_anywhere_in_a_batch),
		BENCH_TEST(other_chains_anywhere_in_a_batch),
		BENCH_TEST_PACKED(rings_wrap_in_every_place),
		BENCH_TEST_PACKED(refused_packets_are_rewound_across_the_wrap),
		BENCH_TEST_PACKED(the_same_in_order),
		BENCH_TEST_PACKED(mergeable_packets_cross_the_wrap),
		BENCH_TEST_PACKED(s03_announcements_come_first),
	};

	return BENCH_RUN(tests);
}
