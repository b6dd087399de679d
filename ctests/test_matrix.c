/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Ring formats, engines, IOMMU and dirty log together: whatever is combined, packets arrive
 * unchanged and in order, chains come back once, and the log has each page that was written.
 */
#include <unistd.h>

#include "matrix.h"

static const uint32_t sizes[] = { 14, 64, 64, 255, 256, 988, 989, 1500, 2037, 4096 };

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/** An engine that is late, takes part of what it gets, or nothing. */
static void disturb_engines(uint32_t turn)
{
	for (int i = 0; i < 2; i++) {
		struct engine *engine = &matrix.bench->engines[i];

		engine->accept = turn % 5 == 0 ? turn % 3 : ENGINE_ALL;
		engine->refusals = turn % 7 == 3;
		engine->refusal = turn % 2 ? -1 : 0;
		engine_finish(engine, turn % 4);
	}
}

/** Bursts in which engines refuse, translations are missing and pages are logged at any place. */
static void run(void **state, const struct matrix_cell *cell)
{
	matrix_open(state, cell);
	for (uint32_t turn = 0; turn < 24; turn++) {
		uint32_t size = sizes[(turn * 7) % SIZES];

		if (turn % 6 == 5)
			matrix_forget();
		disturb_engines(turn);
		matrix_offer(1 + turn % 9, size);
		bench_enqueue(matrix.bench, (uint16_t)(1 + turn * 5 % 12), size);
		if (turn % 3 == 0 && cell->log)
			guest_snapshot_round(&matrix.copy, &matrix.log);
		bench_dequeue(matrix.bench, (uint16_t)(turn % 10));
		/* Most misses are answered late, and one at a time. */
		if (turn % 3 > 0)
			bench_serve(matrix.bench);
		if (turn % 4 == 0)
			matrix_take();
		if (turn % 12 == 11) {
			matrix_settle();
			matrix_assert_same();
		}
	}
	matrix_close();
}

/** All combinations of a ring format and an IOMMU. */
static void run_all(void **state, bool packed, enum matrix_iommu iommu)
{
	struct matrix_cell cell = { .packed = packed, .iommu = iommu };

	for (uint32_t i = 0; i < 8 * MATRIX_COPIES * MATRIX_SHAPES; i++) {
		cell.log = i & 1;
		cell.mergeable = i & 2;
		cell.in_order = i & 4;
		cell.copy = i / 8 % MATRIX_COPIES;
		cell.shape = i / 8 / MATRIX_COPIES;
		/* Often around the ring, and with packed ones at any slot. */
		cell.ring_size = packed ? 61 + i % 8 : 64;
		run(state, &cell);
	}
}

static void split_physical(void **state)
{
	run_all(state, false, MATRIX_PHYSICAL);
}

static void split_identity(void **state)
{
	run_all(state, false, MATRIX_IDENTITY);
}

static void split_scattered(void **state)
{
	run_all(state, false, MATRIX_SCATTERED);
}

static void packed_physical(void **state)
{
	run_all(state, true, MATRIX_PHYSICAL);
}

static void packed_identity(void **state)
{
	run_all(state, true, MATRIX_IDENTITY);
}

static void packed_scattered(void **state)
{
	run_all(state, true, MATRIX_SCATTERED);
}

/** A group's test. */
#define MATRIX_TEST(function) \
	cmocka_unit_test_setup_teardown(function, bench_setup_split, matrix_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		MATRIX_TEST(split_physical),
		MATRIX_TEST(split_identity),
		MATRIX_TEST(split_scattered),
		MATRIX_TEST(packed_physical),
		MATRIX_TEST(packed_identity),
		MATRIX_TEST(packed_scattered),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	alarm(600);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
