/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_CONFIG_H
#define RTEVHOSTSWIFT_RTE_CONFIG_H

/**
 * @file
 * Build-time limits, with the values of a default x86-64 build of DPDK 21.08. Structures that
 * other code of a process may share depend on them; they are not knobs.
 */

/** Bytes in a cache line. */
#define RTE_CACHE_LINE_SIZE 64
/** Upper bound of lcore ids; pools with a cache have this many of them. */
#define RTE_MAX_LCORE 128
/** Frequencies a power library may list for an lcore; unused here. */
#define RTE_MAX_LCORE_FREQS 64
/** Most objects that an lcore's mempool cache is asked to hold. */
#define RTE_MEMPOOL_CACHE_MAX_SIZE 512
/** Bytes that a fresh mbuf leaves free in front of its data. */
#define RTE_PKTMBUF_HEADROOM 128
/** Reference counts of mbufs are atomic. */
#define RTE_MBUF_REFCNT_ATOMIC 1
/** Name of the pool operations that DPDK takes when none are asked for. */
#define RTE_MBUF_DEFAULT_MEMPOOL_OPS "ring_mp_mc"
/** DPDK's "bucket" pool driver is part of the build. */
#define RTE_MEMPOOL_BUCKET 1
/** DPDK's "ring" pool driver is part of the build. */
#define RTE_MEMPOOL_RING 1
/** DPDK's "stack" pool driver is part of the build. */
#define RTE_MEMPOOL_STACK 1

#endif /* RTEVHOSTSWIFT_RTE_CONFIG_H */
