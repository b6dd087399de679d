/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_BRANCH_PREDICTION_H
#define RTEVHOSTSWIFT_RTE_BRANCH_PREDICTION_H

/**
 * @file
 * Hints to the compiler about conditions.
 */

#ifndef likely
/** The condition x, nearly always true; 0 or 1. */
#define likely(x) __builtin_expect(!!(x), 1)
#endif

#ifndef unlikely
/** The condition x, nearly always false; 0 or 1. */
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#endif /* RTEVHOSTSWIFT_RTE_BRANCH_PREDICTION_H */
