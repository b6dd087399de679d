/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_TCP_H
#define RTEVHOSTSWIFT_RTE_TCP_H

/**
 * @file
 * TCP: the header.
 */

#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A header without options. */
struct rte_tcp_hdr {
	/** Source port. */
	rte_be16_t src_port;
	/** Destination port. */
	rte_be16_t dst_port;
	/** Number of the first byte. */
	rte_be32_t sent_seq;
	/** Number of the next byte that is expected. */
	rte_be32_t recv_ack;
	/** Upper four bits: header's length in words of four bytes. */
	uint8_t data_off;
	/** RTE_TCP_*_FLAG. */
	uint8_t tcp_flags;
	/** Window. */
	rte_be16_t rx_win;
	/** Checksum. */
	rte_be16_t cksum;
	/** Urgent pointer. */
	rte_be16_t tcp_urp;
} __rte_packed;

/** Congestion window reduced. */
#define RTE_TCP_CWR_FLAG 0x80
/** Congestion notification. */
#define RTE_TCP_ECE_FLAG 0x40
/** Urgent. */
#define RTE_TCP_URG_FLAG 0x20
/** Acknowledgement. */
#define RTE_TCP_ACK_FLAG 0x10
/** Push. */
#define RTE_TCP_PSH_FLAG 0x08
/** Reset. */
#define RTE_TCP_RST_FLAG 0x04
/** Start. */
#define RTE_TCP_SYN_FLAG 0x02
/** End. */
#define RTE_TCP_FIN_FLAG 0x01

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_TCP_H */
