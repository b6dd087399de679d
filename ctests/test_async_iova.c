/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * S27, in the numbering of test_async_defects_*.c: an engine gets IOVAs, in both directions.
 *
 * This program pretends to have DPDK's EAL in IOVA-as-PA mode: the library finds the functions
 * below by name. Pages of the guest and of mbufs get made-up frames, no two of them in a row. An
 * address that was not made up here, or a piece that crosses a page, is a complaint of the engine.
 */
#include <unistd.h>

#include "bench.h"

#define LARGE 1500
#define PAGE 4096UL
#define FRAMES 65536
#define FIRST_FRAME (1UL << 30)

static uint64_t page_of[FRAMES];
static uint32_t frame_count;
static uint64_t lookups;
/* Every so many pages one without an address, unless 0. */
static uint32_t hidden;

/* What the library looks for. */
unsigned int rte_eal_iova_mode(void);
uint64_t rte_mem_virt2iova(const void *address);

/** RTE_IOVA_PA */
unsigned int rte_eal_iova_mode(void)
{
	return 1;
}

uint64_t rte_mem_virt2iova(const void *address)
{
	uint64_t page = (uintptr_t)address & ~(PAGE - 1);
	uint32_t frame = 0;

	__atomic_fetch_add(&lookups, 1, __ATOMIC_RELAXED);
	/* RTE_BAD_IOVA */
	if (hidden && page / PAGE % hidden == 0)
		return UINT64_MAX;
	/* Mappings come back to the same place; the last page asked for is likely a neighbour. */
	while (frame < frame_count && page_of[frame] != page)
		frame++;
	if (frame == FRAMES)
		abort();
	page_of[frame] = page;
	if (frame == frame_count)
		frame_count++;
	/* Downwards, every third: neighbours never touch. */
	return (FIRST_FRAME - 3UL * frame) * PAGE + ((uintptr_t)address & (PAGE - 1));
}

/** The virtual address behind an IOVA, or one that nothing has. */
static uint64_t translate(uint64_t iova)
{
	uint64_t distance;

	distance = FIRST_FRAME - iova / PAGE;
	if (distance % 3 || distance / 3 >= frame_count)
		return 0;
	return page_of[distance / 3] + iova % PAGE;
}

static struct bench *open_physical(void **state, struct bench_config *config)
{
	struct bench *bench;

	frame_count = 0;
	bench = bench_open(state, config);
	for (int i = 0; i < 2; i++) {
		bench->engines[i].translate = translate;
		bench->engines[i].one_page = true;
		bench->engines[i].any_host = false;
	}
	return bench;
}

static void s27_the_engine_gets_iovas_from_the_guest(void **state)
{
	static const uint32_t sizes[] = { 300, 4000, 4096, 9000, 65535 };
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.guest.buffer_size = 20000;
	bench = open_physical(state, &config);
	for (uint32_t i = 0; i < 5; i++)
		bench_send(bench, sizes[i], NULL);
	assert_int_equal(bench_dequeue(bench, 8), 0);
	assert_int_equal(bench->from.inflight, 5);
	assert_int_equal(bench->engines[TX].bytes, 300 + 4000 + 4096 + 9000 + 65535);
	/* As many pages as that are at least as many pieces. */
	assert_true(bench->engines[TX].longest >= 65535 / PAGE);
	assert_int_equal(engine_finish(&bench->engines[TX], 5), 5);
	assert_int_equal(bench_dequeue(bench, 8), 5);
	bench_close(bench);
}

static void s27_the_engine_gets_iovas_to_the_guest(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.guest.buffer_size = 20000;
	config.data_room = 16000;
	bench = open_physical(state, &config);
	assert_int_equal(bench_enqueue(bench, 4, 60000), 4);
	assert_int_equal(bench->engines[RX].accepted, 4);
	assert_int_equal(bench->engines[RX].bytes, 4 * 60000);
	assert_true(bench->engines[RX].longest >= 60000 / PAGE);
	assert_int_equal(engine_finish(&bench->engines[RX], 4), 4);
	assert_int_equal(bench_collect(bench, 8), 4);
	assert_int_equal(bench_receive(bench), 4);
	bench_close(bench);
}

/* A piece that a page border cuts keeps its place: the threshold is about the piece. */
static void s27_thresholds_hold_across_pages(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 1000;
	config.guest.buffer_size = 3000;
	bench = open_physical(state, &config);
	for (int i = 0; i < 60; i++)
		bench_send(bench, (uint32_t)(900 + 37 * i), NULL);
	bench_dequeue(bench, 64);
	for (int i = 0; i < 3; i++) {
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		bench_dequeue(bench, 64);
	}
	assert_int_equal(bench->from.returned, 60);
	bench_close(bench);
}

/* Memory from malloc: its pages do not lie in a row either. */
static void s27_external_buffers_have_iovas_too(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.driver_flags |= RTE_VHOST_USER_EXTBUF_SUPPORT;
	bench = open_physical(state, &config);
	bench->engines[TX].any_host = true;
	for (int i = 0; i < 3; i++) {
		bench_send(bench, 50000, NULL);
		bench_send(bench, LARGE, NULL);
	}
	bench_dequeue(bench, 8);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	bench_dequeue(bench, 8);
	assert_int_equal(bench->from.returned, 6);
	assert_int_equal(bench->engines[TX].bytes, 3 * (50000 + LARGE));
	/* The mbufs are their own again, addresses included. */
	bench->engines[TX].any_host = false;
	bench_send(bench, LARGE, NULL);
	bench_dequeue(bench, 8);
	engine_finish(&bench->engines[TX], ENGINE_ALL);
	assert_int_equal(bench_dequeue(bench, 8), 1);
	bench_close(bench);
}

/* Pages that have no IOVA are copied by the CPU; the engine never sees what it cannot reach. */
static void s27_pages_without_an_iova_are_for_the_cpu(void **state)
{
	struct bench_config config;
	struct bench *bench;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.guest.buffer_size = 20000;
	bench = open_physical(state, &config);
	for (uint32_t every = 1; every <= 5; every++) {
		hidden = every;
		bench->engines[TX].offered = bench->engines[RX].offered = 0;
		bench_send_many(bench, 3, 60000);
		bench_dequeue(bench, 8);
		assert_int_equal(bench_enqueue(bench, 3, 60000), 3);
		if (every == 1)
			assert_int_equal(bench->engines[TX].offered +
				bench->engines[RX].offered, 0);
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		engine_finish(&bench->engines[RX], ENGINE_ALL);
		bench_dequeue(bench, 8);
		bench_collect(bench, 8);
		assert_int_equal(bench->from.returned, 3 * every);
		assert_int_equal(bench->to.returned, 3 * every);
		assert_int_equal(bench_receive(bench), 3);
	}
	hidden = 0;
	bench_close(bench);
}

/* The EAL reads /proc for each page it is asked of: a guest's page is asked of once. */
static void s27_guest_pages_are_looked_up_once(void **state)
{
	struct bench_config config;
	struct bench *bench;
	uint64_t first = 0, before;

	bench_config_init(&config);
	config.async.async_threshold = 0;
	config.guest.ring_size = 16;
	bench = open_physical(state, &config);
	for (int round = 0; round < 40; round++) {
		before = lookups;
		bench_send_many(bench, 16, LARGE);
		bench_dequeue(bench, 16);
		engine_finish(&bench->engines[TX], ENGINE_ALL);
		assert_int_equal(bench_dequeue(bench, 16), 16);
		/* Buffers go round; pages of mbufs, of this library's pools here, are not kept. */
		if (round == 0)
			first = lookups - before;
	}
	assert_true(first > 16);
	assert_true(lookups - before <= first - 8);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(s27_the_engine_gets_iovas_from_the_guest),
		BENCH_TEST(s27_the_engine_gets_iovas_to_the_guest),
		BENCH_TEST(s27_thresholds_hold_across_pages),
		BENCH_TEST(s27_external_buffers_have_iovas_too),
		BENCH_TEST(s27_pages_without_an_iova_are_for_the_cpu),
		BENCH_TEST(s27_guest_pages_are_looked_up_once),
	};

	return BENCH_RUN(tests);
}
