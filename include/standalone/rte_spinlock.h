/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_SPINLOCK_H
#define RTEVHOSTSWIFT_RTE_SPINLOCK_H

/**
 * @file
 * The type of a spin lock, which is part of the layout of struct rte_mempool_ops_table.
 */

/** A lock that its owner holds without sleeping. */
typedef struct {
	/** 0: free; 1: held. */
	volatile int locked;
} rte_spinlock_t;

#endif /* RTEVHOSTSWIFT_RTE_SPINLOCK_H */
