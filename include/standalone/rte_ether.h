/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_ETHER_H
#define RTEVHOSTSWIFT_RTE_ETHER_H

/**
 * @file
 * Ethernet: addresses and headers.
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of an address. */
#define RTE_ETHER_ADDR_LEN 6
/** Bytes of the type field. */
#define RTE_ETHER_TYPE_LEN 2
/** Bytes of the frame check sequence. */
#define RTE_ETHER_CRC_LEN 4
/** Bytes of a header without VLAN tags. */
#define RTE_ETHER_HDR_LEN 14
/** Bytes of the shortest frame, with its check sequence. */
#define RTE_ETHER_MIN_LEN 64
/** Bytes of the longest frame, with its check sequence. */
#define RTE_ETHER_MAX_LEN 1518
/** Bytes of payload of the longest frame. */
#define RTE_ETHER_MTU 1500
/** Bytes of a VLAN tag. */
#define RTE_VLAN_HLEN 4
/** Bytes of an address as text, its terminating zero included. */
#define RTE_ETHER_ADDR_FMT_SIZE 18

/** Type: IPv4. */
#define RTE_ETHER_TYPE_IPV4 0x0800
/** Type: ARP. */
#define RTE_ETHER_TYPE_ARP 0x0806
/** Type: reverse ARP. */
#define RTE_ETHER_TYPE_RARP 0x8035
/** Type: VLAN tag. */
#define RTE_ETHER_TYPE_VLAN 0x8100
/** Type: IPv6. */
#define RTE_ETHER_TYPE_IPV6 0x86DD
/** Type: outer VLAN tag. */
#define RTE_ETHER_TYPE_QINQ 0x88A8
/** Type: precision time protocol. */
#define RTE_ETHER_TYPE_1588 0x88F7

/** Bit of the first byte: address of a group. */
#define RTE_ETHER_GROUP_ADDR 0x01
/** Bit of the first byte: address given locally. */
#define RTE_ETHER_LOCAL_ADMIN_ADDR 0x02

/** An address. */
struct rte_ether_addr {
	/** Its bytes, in the order of transmission. */
	uint8_t addr_bytes[RTE_ETHER_ADDR_LEN];
} __rte_aligned(2);

/** A header. The addresses have 21.08's names and those of later releases. */
struct rte_ether_hdr {
	__extension__ union {
		/** Destination. */
		struct rte_ether_addr d_addr;
		/** The same. */
		struct rte_ether_addr dst_addr;
	};
	__extension__ union {
		/** Source. */
		struct rte_ether_addr s_addr;
		/** The same. */
		struct rte_ether_addr src_addr;
	};
	/** RTE_ETHER_TYPE_*. */
	rte_be16_t ether_type;
} __rte_aligned(2);

/** What follows the type RTE_ETHER_TYPE_VLAN. */
struct rte_vlan_hdr {
	/** Priority (3 bits), drop eligible (1) and VLAN id (12). */
	rte_be16_t vlan_tci;
	/** Type of what follows. */
	rte_be16_t eth_proto;
} __rte_packed;

/** 1 if the addresses are the same, else 0. */
static inline int rte_is_same_ether_addr(const struct rte_ether_addr *ea1,
	const struct rte_ether_addr *ea2)
{
	return memcmp(ea1, ea2, sizeof(*ea1)) == 0;
}

/** 1 if all bytes of the address are 0, else 0. */
static inline int rte_is_zero_ether_addr(const struct rte_ether_addr *ea)
{
	static const struct rte_ether_addr zero = { { 0, 0, 0, 0, 0, 0 } };

	return rte_is_same_ether_addr(ea, &zero);
}

/** 1 if the address is of one station, else 0. */
static inline int rte_is_unicast_ether_addr(const struct rte_ether_addr *ea)
{
	return (ea->addr_bytes[0] & RTE_ETHER_GROUP_ADDR) == 0;
}

/** 1 if the address is of a group, else 0. */
static inline int rte_is_multicast_ether_addr(const struct rte_ether_addr *ea)
{
	return ea->addr_bytes[0] & RTE_ETHER_GROUP_ADDR;
}

/** 1 if the address is everybody's, else 0. */
static inline int rte_is_broadcast_ether_addr(const struct rte_ether_addr *ea)
{
	static const struct rte_ether_addr all = { { 255, 255, 255, 255, 255, 255 } };

	return rte_is_same_ether_addr(ea, &all);
}

/** 1 if the address was given by a maker, else 0. */
static inline int rte_is_universal_ether_addr(const struct rte_ether_addr *ea)
{
	return (ea->addr_bytes[0] & RTE_ETHER_LOCAL_ADMIN_ADDR) == 0;
}

/** 1 if the address was given locally, else 0. */
static inline int rte_is_local_admin_ether_addr(const struct rte_ether_addr *ea)
{
	return (ea->addr_bytes[0] & RTE_ETHER_LOCAL_ADMIN_ADDR) != 0;
}

/** 1 if a station may have the address (one station's, not all 0), else 0. */
static inline int rte_is_valid_assigned_ether_addr(const struct rte_ether_addr *ea)
{
	return rte_is_unicast_ether_addr(ea) && !rte_is_zero_ether_addr(ea);
}

/** Copy an address. */
static inline void rte_ether_addr_copy(const struct rte_ether_addr *ea_from,
	struct rte_ether_addr *ea_to)
{
	*ea_to = *ea_from;
}

/**
 * Write an address as text, six hexadecimal bytes with colons.
 *
 * @param buf
 *   Out: zero-terminated text, cut if it is too long.
 * @param size
 *   Bytes of buf; RTE_ETHER_ADDR_FMT_SIZE is enough.
 * @param eth_addr
 *   Address.
 */
static inline void rte_ether_format_addr(char *buf, uint16_t size,
	const struct rte_ether_addr *eth_addr)
{
	const uint8_t *b = eth_addr->addr_bytes;

	snprintf(buf, size, "%02X:%02X:%02X:%02X:%02X:%02X", b[0], b[1], b[2], b[3], b[4], b[5]);
}

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_ETHER_H */
