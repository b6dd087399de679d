/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_IP_H
#define RTEVHOSTSWIFT_RTE_IP_H

/**
 * @file
 * IPv4 and IPv6: headers and checksums.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_mbuf_core.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An IPv4 header without options. */
struct rte_ipv4_hdr {
	__extension__ union {
		/** Version (upper four bits) and length in words of four bytes. */
		uint8_t version_ihl;
		__extension__ struct {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
			/** Version: 4. */
			uint8_t version:4;
			/** Length in words of four bytes. */
			uint8_t ihl:4;
#else
			/** Length in words of four bytes. */
			uint8_t ihl:4;
			/** Version: 4. */
			uint8_t version:4;
#endif
		};
	};
	/** Type of service. */
	uint8_t type_of_service;
	/** Bytes of header and payload. */
	rte_be16_t total_length;
	/** Identification. */
	rte_be16_t packet_id;
	/** Flags (upper three bits) and offset of the fragment, in units of eight bytes. */
	rte_be16_t fragment_offset;
	/** Hops that are left. */
	uint8_t time_to_live;
	/** Protocol that follows. */
	uint8_t next_proto_id;
	/** Checksum of the header. */
	rte_be16_t hdr_checksum;
	/** Source. */
	rte_be32_t src_addr;
	/** Destination. */
	rte_be32_t dst_addr;
} __rte_packed;

/** An IPv6 header without extensions. */
struct rte_ipv6_hdr {
	/** Version (upper four bits), traffic class (eight) and flow label (twenty). */
	rte_be32_t vtc_flow;
	/** Bytes after the header. */
	rte_be16_t payload_len;
	/** Protocol that follows. */
	uint8_t proto;
	/** Hops that are left. */
	uint8_t hop_limits;
	/** Source. */
	uint8_t src_addr[16];
	/** Destination. */
	uint8_t dst_addr[16];
} __rte_packed;

/** Lower four bits of version_ihl. */
#define RTE_IPV4_HDR_IHL_MASK 0x0f
/** Bytes of a unit of them. */
#define RTE_IPV4_IHL_MULTIPLIER 4
/** version_ihl of a header without options. */
#define RTE_IPV4_VHL_DEF 0x45
/** Flag of fragment_offset, processor's order: do not fragment. */
#define RTE_IPV4_HDR_DF_FLAG 0x4000
/** Flag of fragment_offset, processor's order: more fragments follow. */
#define RTE_IPV4_HDR_MF_FLAG 0x2000
/** Bits of fragment_offset, processor's order, that are the offset. */
#define RTE_IPV4_HDR_OFFSET_MASK 0x1fff
/** The address a.b.c.d, processor's order. */
#define RTE_IPV4(a, b, c, d) \
	(((uint32_t)(a) & 0xff) << 24 | ((uint32_t)(b) & 0xff) << 16 | \
		((uint32_t)(c) & 0xff) << 8 | ((uint32_t)(d) & 0xff))

/** Bytes of an IPv4 header, with its options. */
static inline uint8_t rte_ipv4_hdr_len(const struct rte_ipv4_hdr *ipv4_hdr)
{
	return (uint8_t)((ipv4_hdr->version_ihl & RTE_IPV4_HDR_IHL_MASK) *
		RTE_IPV4_IHL_MULTIPLIER);
}

/** Add len bytes at buf, as 16-bit words in memory order, to an unfolded sum (RFC 1071). */
static inline uint64_t rtevhostswift_cksum_add(const void *buf, size_t len, uint64_t sum)
{
	const unsigned char *bytes = (const unsigned char *)buf;
	uint16_t word;

	for (; len >= sizeof(word); len -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum += word;
	}
	if (len != 0) {
		word = 0;
		memcpy(&word, bytes, 1);
		sum += word;
	}
	return sum;
}

/** Fold a sum of rtevhostswift_cksum_add() into 16 bits (RFC 1071). */
static inline uint16_t rtevhostswift_cksum_fold(uint64_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/**
 * Sum of bytes as one's complement, not inverted.
 *
 * @param buf
 *   Bytes.
 * @param len
 *   Their number.
 * @return
 *   Sum, in the order of the bytes.
 */
static inline uint16_t rte_raw_cksum(const void *buf, size_t len)
{
	return rtevhostswift_cksum_fold(rtevhostswift_cksum_add(buf, len, 0));
}

/**
 * Checksum of an IPv4 header, whose hdr_checksum is 0.
 *
 * @param ipv4_hdr
 *   Header, with its options.
 * @return
 *   Value for hdr_checksum.
 */
static inline uint16_t rte_ipv4_cksum(const struct rte_ipv4_hdr *ipv4_hdr)
{
	return (uint16_t)~rte_raw_cksum(ipv4_hdr, rte_ipv4_hdr_len(ipv4_hdr));
}

/** Unfolded sum of an IPv4 pseudo header for a payload of len bytes. */
static inline uint64_t rtevhostswift_ipv4_phdr_add(const struct rte_ipv4_hdr *ipv4_hdr,
	uint16_t len)
{
	uint64_t sum = rtevhostswift_cksum_add(&ipv4_hdr->src_addr, 8, 0);

	return sum + RTE_BE16(ipv4_hdr->next_proto_id) + RTE_BE16(len);
}

/** Unfolded sum of an IPv6 pseudo header for a payload of len bytes. */
static inline uint64_t rtevhostswift_ipv6_phdr_add(const struct rte_ipv6_hdr *ipv6_hdr,
	uint32_t len)
{
	uint64_t sum = rtevhostswift_cksum_add(ipv6_hdr->src_addr, 32, 0);

	return sum + RTE_BE16(ipv6_hdr->proto) + RTE_BE16(len >> 16) + RTE_BE16(len & 0xffff);
}

/** Bytes after an IPv4 header, 0 if its lengths contradict each other. */
static inline uint16_t rtevhostswift_ipv4_payload(const struct rte_ipv4_hdr *ipv4_hdr)
{
	uint16_t total = rte_be_to_cpu_16(ipv4_hdr->total_length);
	uint8_t header = rte_ipv4_hdr_len(ipv4_hdr);

	return (uint16_t)(total > header ? total - header : 0);
}

/**
 * Sum of an IPv4 pseudo header, for a device that is to make the transport checksum.
 *
 * @param ipv4_hdr
 *   Header.
 * @param ol_flags
 *   With PKT_TX_TCP_SEG or PKT_TX_UDP_SEG the length counts as 0.
 * @return
 *   Sum, not inverted.
 */
static inline uint16_t rte_ipv4_phdr_cksum(const struct rte_ipv4_hdr *ipv4_hdr, uint64_t ol_flags)
{
	uint16_t len = 0;

	if ((ol_flags & (PKT_TX_TCP_SEG | PKT_TX_UDP_SEG)) == 0)
		len = rtevhostswift_ipv4_payload(ipv4_hdr);
	return rtevhostswift_cksum_fold(rtevhostswift_ipv4_phdr_add(ipv4_hdr, len));
}

/**
 * Sum of an IPv6 pseudo header, for a device that is to make the transport checksum.
 *
 * @param ipv6_hdr
 *   Header.
 * @param ol_flags
 *   With PKT_TX_TCP_SEG or PKT_TX_UDP_SEG the length counts as 0.
 * @return
 *   Sum, not inverted.
 */
static inline uint16_t rte_ipv6_phdr_cksum(const struct rte_ipv6_hdr *ipv6_hdr, uint64_t ol_flags)
{
	uint32_t len = 0;

	if ((ol_flags & (PKT_TX_TCP_SEG | PKT_TX_UDP_SEG)) == 0)
		len = rte_be_to_cpu_16(ipv6_hdr->payload_len);
	return rtevhostswift_cksum_fold(rtevhostswift_ipv6_phdr_add(ipv6_hdr, len));
}

/**
 * Checksum of a TCP or UDP packet in IPv4, whose checksum field is 0.
 *
 * @param ipv4_hdr
 *   Header; total_length tells the length.
 * @param l4_hdr
 *   Transport header and payload, contiguous.
 * @return
 *   Value for the checksum field; never 0 for UDP. 0 when total_length is too small.
 */
static inline uint16_t rte_ipv4_udptcp_cksum(const struct rte_ipv4_hdr *ipv4_hdr,
	const void *l4_hdr)
{
	uint16_t len = rtevhostswift_ipv4_payload(ipv4_hdr);
	uint16_t sum;

	if (len == 0)
		return 0;
	sum = (uint16_t)~rtevhostswift_cksum_fold(rtevhostswift_cksum_add(l4_hdr, len,
		rtevhostswift_ipv4_phdr_add(ipv4_hdr, len)));
	return sum == 0 && ipv4_hdr->next_proto_id == IPPROTO_UDP ? 0xffff : sum;
}

/**
 * Checksum of a TCP or UDP packet in IPv6, whose checksum field is 0.
 *
 * @param ipv6_hdr
 *   Header; payload_len tells the length, proto the protocol.
 * @param l4_hdr
 *   Transport header and payload, contiguous.
 * @return
 *   Value for the checksum field; never 0 for UDP.
 */
static inline uint16_t rte_ipv6_udptcp_cksum(const struct rte_ipv6_hdr *ipv6_hdr,
	const void *l4_hdr)
{
	uint16_t len = rte_be_to_cpu_16(ipv6_hdr->payload_len);
	uint16_t sum;

	sum = (uint16_t)~rtevhostswift_cksum_fold(rtevhostswift_cksum_add(l4_hdr, len,
		rtevhostswift_ipv6_phdr_add(ipv6_hdr, len)));
	return sum == 0 && ipv6_hdr->proto == IPPROTO_UDP ? 0xffff : sum;
}

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_IP_H */
