/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Live migration while a DMA engine copies: pages are marked when their copy is done. */
#include <errno.h>
#include <unistd.h>

#include "bench.h"
#include "guest_snapshot.h"

#define LARGE 1500
#define PAGE 4096
#define NEVER UINT32_MAX

static struct guest_log dirty;
static struct guest_snapshot copy;

static int clean(void **state)
{
	guest_snapshot_end(&copy);
	guest_log_destroy(&dirty);
	dirty.fd = -1;
	return bench_teardown(state);
}

#ifdef BENCH_TEST_PACKED
static int set_up(void **state)
{
	dirty.fd = -1;
	return bench_setup_split(state);
}

static int set_up_packed(void **state)
{
	dirty.fd = -1;
	return bench_setup_packed(state);
}
#else
static int set_up(void **state)
{
	dirty.fd = -1;
	return bench_setup(state);
}
#endif

static void configure(struct bench_config *config)
{
	bench_config_init(config);
	config->guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
}

static void begin(struct bench *bench)
{
	assert_int_equal(guest_log_start(bench->guest, &dirty), 0);
	assert_int_equal(guest_snapshot_begin(&copy, bench->guest), 0);
	guest_snapshot_round(&copy, &dirty);
}

/** One round, after which the destination must be the source's equal. */
static void assert_same(void)
{
	uint64_t gpa = 0, count;

	guest_snapshot_round(&copy, &dirty);
	count = guest_snapshot_differs(&copy, &gpa);
	if (count > 0)
		fail_msg("%lu pages are not what they should be, the first at 0x%lx",
			 (unsigned long)count, (unsigned long)gpa);
}

/** The source's last words: no ring runs any more, and the last round makes both equal. */
static void finish(struct bench *bench)
{
	for (uint32_t queue = RX; queue <= TX; queue++) {
		uint32_t base = 0;

		engine_behave(&bench->engines[queue]);
		assert_int_equal(guest_get_vring_base(&bench->guest->frontend, queue, &base), 0);
	}
	assert_same();
	/* What the application fetches now changes nothing of the guest's. */
	bench_drain(bench);
	assert_same();
	guest_snapshot_end(&copy);
	guest_log_destroy(&dirty);
	bench_close(bench);
}

/* The defect of the reference: nothing is logged. A page is marked once its bytes are there. */
static void pages_are_marked_when_their_copy_is_done(void **state)
{
	struct bench_config config;
	struct bench *bench;

	configure(&config);
	bench = bench_open(state, &config);
	begin(bench);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(bench_enqueue(bench, 8, LARGE), 8);
		/* A round before the copies: what it takes along is too old. */
		guest_snapshot_round(&copy, &dirty);
		assert_int_equal(guest_log_count(&dirty), 0);
		assert_int_equal(engine_finish(&bench->engines[RX], 5), 5);
		assert_true(guest_snapshot_differs(&copy, NULL) > 0);
		assert_int_equal(guest_log_count(&dirty), 0);
		/* Nobody asks for more than three: the marks of the others stay due. */
		assert_int_equal(bench_collect(bench, 3), 3);
		assert_true(guest_log_count(&dirty) >= 2);
		guest_snapshot_round(&copy, &dirty);
		assert_int_equal(engine_finish(&bench->engines[RX], ENGINE_ALL), 3);
		assert_int_equal(bench_collect(bench, 8), 5);
		assert_same();
		assert_int_equal(bench_receive(bench), 8);
		assert_same();
	}
	finish(bench);
}

/** One way of receiving. */
struct way {
	uint32_t threshold;
	bool relaxed, mergeable;
	struct guest_shape shape;
	uint32_t capacity, regions;
};

static const uint32_t sizes[] = { 14, 64, 255, 256, 1500, 2037, 4090, 9000, 65535 };

/** Packets of many sizes both ways, rounds whenever, an engine that is late and partial. */
static void migrate(void **state, const struct way *way)
{
	struct bench_config config;
	struct bench *bench;

	configure(&config);
	config.async.async_threshold = way->threshold;
	if (way->relaxed)
		config.async.features |= RTE_VHOST_ASYNC_RELAXED_ORDER;
	if (!way->mergeable)
		config.guest.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	config.guest.rx_shape = way->shape;
	config.guest.rx_capacity = way->capacity;
	config.guest.region_count = way->regions;
	bench = bench_open(state, &config);
	bench->relaxed = way->relaxed;
	begin(bench);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t size = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];

		if (!way->mergeable && size + 12 > way->capacity)
			size = way->capacity - 12;
		bench->engines[RX].accept = i % 5 == 0 ? 2 : ENGINE_ALL;
		if (i % 11 == 0) {
			bench->engines[RX].refusals = 1;
			bench->engines[RX].refusal = i % 2 ? -1 : 0;
		}
		bench_enqueue(bench, (uint16_t)(1 + i % 6), size);
		if (i % 3 == 0)
			guest_snapshot_round(&copy, &dirty);
		bench_send(bench, LARGE, NULL);
		engine_finish(&bench->engines[RX], i % 4);
		engine_finish(&bench->engines[TX], i % 2);
		bench_dequeue(bench, 4);
		bench_collect(bench, (uint16_t)(i % 7));
		if (i % 4 == 0)
			guest_snapshot_round(&copy, &dirty);
		bench_receive(bench);
	}
	finish(bench);
}

static const struct way ways[] = {
	{ .threshold = 0, .mergeable = true },
	{ .threshold = 256, .mergeable = true },
	{ .threshold = NEVER, .mergeable = true },
	{ .threshold = 256, .mergeable = true, .relaxed = true },
	{ .threshold = 0, .capacity = 9100, .shape = { .header_pieces = 3, .data_pieces = 17 } },
	{ .threshold = 256, .capacity = 9100, .shape = { .data_pieces = 9 } },
	{ .threshold = 256, .capacity = 9100, .shape = { .indirect = true, .data_pieces = 9 } },
	{ .threshold = 0, .mergeable = true, .regions = 4 },
};

static void late_and_partial_engines(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct way way = ways[i];

		if (way.regions == 0)
			way.regions = 1;
		migrate(state, &way);
	}
}

/* More buffers under way than the library keeps in mind: the processor copies what is beyond. */
static void more_pieces_than_are_remembered(void **state)
{
	struct bench_config config;
	struct bench *bench;

	configure(&config);
	config.guest.ring_size = 64;
	config.guest.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	config.guest.rx_shape.indirect = true;
	config.guest.rx_shape.data_pieces = 30;
	config.guest.rx_capacity = 30 * 64;
	config.async.async_threshold = 0;
	bench = bench_open(state, &config);
	begin(bench);
	for (int i = 0; i < 5; i++) {
		uint64_t before = bench->engines[RX].accepted;

		/* 64 packets of 30 pieces are 1,920; 4 * 64 + 1,024 fit. */
		assert_int_equal(bench_enqueue(bench, 64, 30 * 60), 64);
		assert_in_range(bench->engines[RX].accepted - before, 35, 55);
		guest_snapshot_round(&copy, &dirty);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		assert_int_equal(bench_collect(bench, 64), 64);
		assert_same();
		assert_int_equal(bench_receive(bench), 64);
	}
	finish(bench);
}

/* What was given to the engine before would be written later, and nobody would know. */
static void logging_begins_when_the_engine_is_idle(void **state)
{
	struct bench_config config;
	struct bench *bench;

	configure(&config);
	bench = bench_open(state, &config);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
		bench->engines[RX].slow = 10;
		begin(bench);
		assert_int_equal(engine_held(&bench->engines[RX]), 0);
		assert_int_equal(bench_receive(bench), 5);
		bench->engines[RX].slow = 0;
		/* Bursts go on where they were; what was done comes back with the call. */
		assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
		guest_snapshot_round(&copy, &dirty);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		assert_int_equal(bench_collect(bench, 5), 5);
		assert_same();
		assert_int_equal(bench_receive(bench), 5);
		/* Given up in the middle of copies: neither these are marked nor later ones. */
		assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
		assert_int_equal(guest_log_stop(bench->guest), 0);
		guest_log_take(&dirty);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		assert_int_equal(bench_collect(bench, 5), 5);
		assert_int_equal(bench_receive(bench), 5);
		assert_int_equal(guest_log_count(&dirty), 0);
		guest_snapshot_end(&copy);
		guest_log_destroy(&dirty);
	}
	bench_close(bench);
}

static void a_stuck_engine_keeps_logging_from_beginning(void **state)
{
	struct bench_config config;
	struct bench *bench;

	configure(&config);
	bench = bench_open(state, &config);
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
	assert_int_equal(guest_log_start(bench->guest, &dirty), -EREMOTEIO);
	bench->guest->features &= ~GUEST_BIT(GUEST_F_LOG_ALL);
	/* It was refused, and changed nothing: packets pass, marks are not made. */
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
	engine_finish(&bench->engines[RX], ENGINE_ALL);
	assert_int_equal(bench_collect(bench, 10), 10);
	assert_int_equal(bench_receive(bench), 10);
	/* An engine that has gone on since is waited for again. */
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
	bench->engines[RX].slow = 400;
	begin(bench);
	assert_int_equal(engine_held(&bench->engines[RX]), 0);
	assert_int_equal(bench_receive(bench), 5);
	bench->engines[RX].slow = 0;
	assert_int_equal(bench_collect(bench, 10), 5);
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
	finish(bench);
}

/* A channel that is registered, and rings that stop and start, while it is logged. */
static void channels_and_rings_while_it_is_logged(void **state)
{
	struct bench_config config;
	struct bench *bench;

	configure(&config);
	config.bare = true;
	bench = bench_open(state, &config);
	begin(bench);
	assert_int_equal(bench_register(bench, RX), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
		guest_snapshot_round(&copy, &dirty);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		assert_int_equal(bench_collect(bench, 5), 5);
		assert_same();
		assert_int_equal(bench_receive(bench), 5);
		assert_int_equal(guest_send_memory(bench->guest), 0);
		assert_int_equal(engine_learn_memory(&bench->engines[RX]), 0);
		assert_same();
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, RX), 0);
		assert_int_equal(bench_register(bench, RX), 0);
	}
	assert_int_equal(bench_enqueue(bench, 5, LARGE), 5);
	guest_snapshot_round(&copy, &dirty);
	bench->engines[RX].slow = 10;
	/* The table changes with copies under way: they are marked before it does. */
	assert_int_equal(guest_send_memory(bench->guest), 0);
	assert_int_equal(engine_learn_memory(&bench->engines[RX]), 0);
	assert_same();
	finish(bench);
}

/** A test, of both ring formats where the guest has them. */
#ifdef BENCH_TEST_PACKED
#define MIGRATION_TEST(function) \
	{ #function "_split", function, set_up, clean, NULL }, \
	{ #function "_packed", function, set_up_packed, clean, NULL }
#else
#define MIGRATION_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, clean)
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		MIGRATION_TEST(pages_are_marked_when_their_copy_is_done),
		MIGRATION_TEST(late_and_partial_engines),
		MIGRATION_TEST(more_pieces_than_are_remembered),
		MIGRATION_TEST(logging_begins_when_the_engine_is_idle),
		MIGRATION_TEST(a_stuck_engine_keeps_logging_from_beginning),
		MIGRATION_TEST(channels_and_rings_while_it_is_logged),
	};

	return BENCH_RUN(tests);
}
