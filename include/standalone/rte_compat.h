/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_COMPAT_H
#define RTEVHOSTSWIFT_RTE_COMPAT_H

/**
 * @file
 * Marks of a declaration's stability. Without DPDK they are documentation only: no warning, no
 * link section, no macro that a program must define first.
 */

/** The function is in the version node EXPERIMENTAL. */
#define __rte_experimental
/** The function is meant for drivers, not for applications. */
#define __rte_internal

#endif /* RTEVHOSTSWIFT_RTE_COMPAT_H */
