/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_UDP_H
#define RTEVHOSTSWIFT_RTE_UDP_H

/**
 * @file
 * UDP: the header.
 */

#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A header. */
struct rte_udp_hdr {
	/** Source port. */
	rte_be16_t src_port;
	/** Destination port. */
	rte_be16_t dst_port;
	/** Bytes of header and payload. */
	rte_be16_t dgram_len;
	/** Checksum; 0 where there is none. */
	rte_be16_t dgram_cksum;
} __rte_packed;

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_UDP_H */
