/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_ERRNO_H
#define RTEVHOSTSWIFT_RTE_ERRNO_H

/**
 * @file
 * The error number of a failed call. Without DPDK it is the C library's errno.
 */

#include <errno.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** This thread's last error: an errno value, positive. */
#define rte_errno errno

/** DPDK only: not allowed in a secondary process. */
#define E_RTE_SECONDARY 1001
/** DPDK only: the environment's configuration is missing. */
#define E_RTE_NO_CONFIG 1002

/**
 * Words for an error number.
 *
 * @param errnum
 *   An errno value.
 * @return
 *   Text that the thread's next such call may overwrite; never NULL.
 */
static inline const char *rte_strerror(int errnum)
{
	return strerror(errnum);
}

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_ERRNO_H */
