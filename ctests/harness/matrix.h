/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * Everything that changes what a burst does, in all combinations: ring format, who copies,
 * IOMMU, dirty log, and how the guest cuts packets.
 */
#ifndef HARNESS_MATRIX_H
#define HARNESS_MATRIX_H

#include "bench.h"
#include "guest_log.h"
#include "guest_snapshot.h"

/** Who copies. */
enum matrix_copy {
	MATRIX_PROCESSOR,	/**< The synchronous calls. */
	MATRIX_ALL,		/**< An engine: threshold 0... */
	MATRIX_LONG,		/**< ...256... */
	MATRIX_NONE,		/**< ...and one that is never reached. */
	MATRIX_RELAXED,		/**< Threshold 256, packets may overtake. */
	MATRIX_COPIES,
};

/** Where addresses lead. */
enum matrix_iommu {
	MATRIX_PHYSICAL,
	MATRIX_IDENTITY,
	MATRIX_SCATTERED,
	MATRIX_IOMMUS,
};

/** How receive chains are cut. */
enum matrix_shape {
	MATRIX_DIRECT,
	MATRIX_CHAINED,
	MATRIX_INDIRECT,
	MATRIX_SHAPES,
};

/** One combination. */
struct matrix_cell {
	bool packed, log, mergeable, in_order;
	enum matrix_copy copy;
	enum matrix_iommu iommu;
	enum matrix_shape shape;
	uint32_t ring_size;
};

/** A bench, and what migrates its guest. */
struct matrix {
	struct matrix_cell cell;
	struct bench *bench;
	struct guest_log log;
	struct guest_snapshot copy;
};

/** The one there is. */
extern struct matrix matrix;

/** Largest frame that a receive chain, or with mergeable ones the test, takes. */
#define MATRIX_FRAME 4096

/** Begin a combination: the device runs, and if it is to be logged it is. */
void matrix_open(void **state, const struct matrix_cell *cell);

/** End it: all that is under way arrives, and the destination is the source's equal. */
void matrix_close(void);

/** cmocka's teardown. */
int matrix_teardown(void **state);

/** The destination must be the source's equal; nothing where there is no log. */
void matrix_assert_same(void);

/** The guest offers so many frames, as far as its ring has room. @return how many. */
uint32_t matrix_offer(uint32_t count, uint32_t size);

/** Engines do what they have; the application and the guest take what there is. */
void matrix_take(void);

/** Translations are told, and packets taken, until nothing is under way. */
void matrix_settle(void);

/** Forget the translations of buffers, while engines go on. */
void matrix_forget(void);

#endif
