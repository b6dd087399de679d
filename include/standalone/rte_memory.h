/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_MEMORY_H
#define RTEVHOSTSWIFT_RTE_MEMORY_H

/**
 * @file
 * Names about memory that the other headers use.
 */

#include <rte_common.h>
#include <rte_config.h>

/** Any NUMA node will do. */
#define SOCKET_ID_ANY (-1)

/** DPDK's reserved piece of memory; opaque here. */
struct rte_memzone;

#endif /* RTEVHOSTSWIFT_RTE_MEMORY_H */
