/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A test whose guest runs beside it, in a thread of its own.
 */
#ifndef HARNESS_THREADS_H
#define HARNESS_THREADS_H

#include <pthread.h>
#include <stdbool.h>

/**
 * Keep the caller and @p other on processors of their own, the first and the last one they may use.
 * @return whether there are two.
 */
bool threads_apart(pthread_t other);

/** Let the caller run wherever it could before. */
void threads_anywhere(void);

#endif
