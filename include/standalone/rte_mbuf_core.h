/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_MBUF_CORE_H
#define RTEVHOSTSWIFT_RTE_MBUF_CORE_H

/**
 * @file
 * The packet buffer: its structures, with the layouts of DPDK 21.08, and its flags. Flags have
 * 21.08's names (PKT_RX_*, PKT_TX_*) and those of later releases (RTE_MBUF_F_*).
 */

#include <stddef.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_config.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Received with a VLAN tag; vlan_tci has it, in the packet or taken out of it. */
#define PKT_RX_VLAN (1ULL << 0)
/** hash.rss is set. */
#define PKT_RX_RSS_HASH (1ULL << 1)
/** A filter of the device matched; see hash.fdir. */
#define PKT_RX_FDIR (1ULL << 2)
/** The transport checksum is wrong. */
#define PKT_RX_L4_CKSUM_BAD (1ULL << 3)
/** The IPv4 header checksum is wrong. */
#define PKT_RX_IP_CKSUM_BAD (1ULL << 4)
/** The outer IPv4 header checksum is wrong. */
#define PKT_RX_OUTER_IP_CKSUM_BAD (1ULL << 5)
/** Older name of PKT_RX_OUTER_IP_CKSUM_BAD. */
#define PKT_RX_EIP_CKSUM_BAD (1ULL << 5)
/** The VLAN tag was taken out of the packet. */
#define PKT_RX_VLAN_STRIPPED (1ULL << 6)
/** What is known of the IPv4 header checksum. */
#define PKT_RX_IP_CKSUM_MASK 0x90ULL
/** Nothing is known of the IPv4 header checksum. */
#define PKT_RX_IP_CKSUM_UNKNOWN 0
/** The IPv4 header checksum is right. */
#define PKT_RX_IP_CKSUM_GOOD (1ULL << 7)
/** The IPv4 header checksum was not made, but the header is intact. */
#define PKT_RX_IP_CKSUM_NONE 0x90ULL
/** What is known of the transport checksum. */
#define PKT_RX_L4_CKSUM_MASK 0x108ULL
/** Nothing is known of the transport checksum. */
#define PKT_RX_L4_CKSUM_UNKNOWN 0
/** The transport checksum is right. */
#define PKT_RX_L4_CKSUM_GOOD (1ULL << 8)
/** The transport checksum was not made, but the payload is intact. */
#define PKT_RX_L4_CKSUM_NONE 0x108ULL
/** A packet of the precision time protocol. */
#define PKT_RX_IEEE1588_PTP (1ULL << 9)
/** A packet of the precision time protocol with a time stamp. */
#define PKT_RX_IEEE1588_TMST (1ULL << 10)
/** hash.fdir.hi is the filter's id. */
#define PKT_RX_FDIR_ID (1ULL << 13)
/** hash.fdir has bytes of the packet. */
#define PKT_RX_FDIR_FLX (1ULL << 14)
/** Both VLAN tags were taken out of the packet. */
#define PKT_RX_QINQ_STRIPPED (1ULL << 15)
/** Several packets merged; tso_segsz is their size. */
#define PKT_RX_LRO (1ULL << 16)
/** The device did the security processing. */
#define PKT_RX_SEC_OFFLOAD (1ULL << 18)
/** The device's security processing failed. */
#define PKT_RX_SEC_OFFLOAD_FAILED (1ULL << 19)
/** Received with two VLAN tags; vlan_tci and vlan_tci_outer have them. */
#define PKT_RX_QINQ (1ULL << 20)
/** What is known of the outer transport checksum. */
#define PKT_RX_OUTER_L4_CKSUM_MASK 0x600000ULL
/** Nothing is known of the outer transport checksum. */
#define PKT_RX_OUTER_L4_CKSUM_UNKNOWN 0
/** The outer transport checksum is wrong. */
#define PKT_RX_OUTER_L4_CKSUM_BAD (1ULL << 21)
/** The outer transport checksum is right. */
#define PKT_RX_OUTER_L4_CKSUM_GOOD (1ULL << 22)
/** The outer transport checksum cannot be checked. */
#define PKT_RX_OUTER_L4_CKSUM_INVALID 0x600000ULL
/** First of the bits that DPDK hands out at run time. */
#define PKT_FIRST_FREE (1ULL << 23)
/** Last of the bits that DPDK hands out at run time. */
#define PKT_LAST_FREE (1ULL << 40)
/** Make the outer UDP checksum. */
#define PKT_TX_OUTER_UDP_CKSUM (1ULL << 41)
/** Cut the UDP payload into packets of tso_segsz bytes. */
#define PKT_TX_UDP_SEG (1ULL << 42)
/** Do the security processing. */
#define PKT_TX_SEC_OFFLOAD (1ULL << 43)
/** Do the MACsec processing. */
#define PKT_TX_MACSEC (1ULL << 44)
/** To a VXLAN tunnel. */
#define PKT_TX_TUNNEL_VXLAN (0x1ULL << 45)
/** To a GRE tunnel. */
#define PKT_TX_TUNNEL_GRE (0x2ULL << 45)
/** To an IP-in-IP tunnel. */
#define PKT_TX_TUNNEL_IPIP (0x3ULL << 45)
/** To a GENEVE tunnel. */
#define PKT_TX_TUNNEL_GENEVE (0x4ULL << 45)
/** To an MPLS-in-UDP tunnel. */
#define PKT_TX_TUNNEL_MPLSINUDP (0x5ULL << 45)
/** To a VXLAN-GPE tunnel. */
#define PKT_TX_TUNNEL_VXLAN_GPE (0x6ULL << 45)
/** To a GTP tunnel. */
#define PKT_TX_TUNNEL_GTP (0x7ULL << 45)
/** To a tunnel in IP of a kind that has no value of its own. */
#define PKT_TX_TUNNEL_IP (0xDULL << 45)
/** To a tunnel in UDP of a kind that has no value of its own. */
#define PKT_TX_TUNNEL_UDP (0xEULL << 45)
/** Kind of tunnel. */
#define PKT_TX_TUNNEL_MASK (0xFULL << 45)
/** Insert two VLAN tags. */
#define PKT_TX_QINQ (1ULL << 49)
/** Older name of PKT_TX_QINQ. */
#define PKT_TX_QINQ_PKT (1ULL << 49)
/** Cut the TCP payload into packets of tso_segsz bytes. */
#define PKT_TX_TCP_SEG (1ULL << 50)
/** Take a time stamp. */
#define PKT_TX_IEEE1588_TMST (1ULL << 51)
/** Leave the transport checksum alone. */
#define PKT_TX_L4_NO_CKSUM 0
/** Make the TCP checksum. */
#define PKT_TX_TCP_CKSUM (1ULL << 52)
/** Make the SCTP checksum. */
#define PKT_TX_SCTP_CKSUM (2ULL << 52)
/** Make the UDP checksum. */
#define PKT_TX_UDP_CKSUM (3ULL << 52)
/** Which transport checksum to make. */
#define PKT_TX_L4_MASK (3ULL << 52)
/** Make the IPv4 header checksum. */
#define PKT_TX_IP_CKSUM (1ULL << 54)
/** The packet is IPv4; for the other requests. */
#define PKT_TX_IPV4 (1ULL << 55)
/** The packet is IPv6; for the other requests. */
#define PKT_TX_IPV6 (1ULL << 56)
/** Insert a VLAN tag. */
#define PKT_TX_VLAN (1ULL << 57)
/** Older name of PKT_TX_VLAN. */
#define PKT_TX_VLAN_PKT (1ULL << 57)
/** Make the outer IPv4 header checksum. */
#define PKT_TX_OUTER_IP_CKSUM (1ULL << 58)
/** The outer network layer is IPv4. */
#define PKT_TX_OUTER_IPV4 (1ULL << 59)
/** The outer network layer is IPv6. */
#define PKT_TX_OUTER_IPV6 (1ULL << 60)
/** All requests. */
#define PKT_TX_OFFLOAD_MASK 0x1ffffe0000000000ULL
/** The mbuf uses an external buffer. */
#define EXT_ATTACHED_MBUF (1ULL << 61)
/** The mbuf uses the buffer of another mbuf. */
#define IND_ATTACHED_MBUF (1ULL << 62)

/** @name The same flags under the names of later releases
 * @{ */
#define RTE_MBUF_F_RX_VLAN PKT_RX_VLAN
#define RTE_MBUF_F_RX_RSS_HASH PKT_RX_RSS_HASH
#define RTE_MBUF_F_RX_FDIR PKT_RX_FDIR
#define RTE_MBUF_F_RX_L4_CKSUM_BAD PKT_RX_L4_CKSUM_BAD
#define RTE_MBUF_F_RX_IP_CKSUM_BAD PKT_RX_IP_CKSUM_BAD
#define RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD PKT_RX_OUTER_IP_CKSUM_BAD
#define RTE_MBUF_F_RX_VLAN_STRIPPED PKT_RX_VLAN_STRIPPED
#define RTE_MBUF_F_RX_IP_CKSUM_MASK PKT_RX_IP_CKSUM_MASK
#define RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN PKT_RX_IP_CKSUM_UNKNOWN
#define RTE_MBUF_F_RX_IP_CKSUM_GOOD PKT_RX_IP_CKSUM_GOOD
#define RTE_MBUF_F_RX_IP_CKSUM_NONE PKT_RX_IP_CKSUM_NONE
#define RTE_MBUF_F_RX_L4_CKSUM_MASK PKT_RX_L4_CKSUM_MASK
#define RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN PKT_RX_L4_CKSUM_UNKNOWN
#define RTE_MBUF_F_RX_L4_CKSUM_GOOD PKT_RX_L4_CKSUM_GOOD
#define RTE_MBUF_F_RX_L4_CKSUM_NONE PKT_RX_L4_CKSUM_NONE
#define RTE_MBUF_F_RX_IEEE1588_PTP PKT_RX_IEEE1588_PTP
#define RTE_MBUF_F_RX_IEEE1588_TMST PKT_RX_IEEE1588_TMST
#define RTE_MBUF_F_RX_FDIR_ID PKT_RX_FDIR_ID
#define RTE_MBUF_F_RX_FDIR_FLX PKT_RX_FDIR_FLX
#define RTE_MBUF_F_RX_QINQ_STRIPPED PKT_RX_QINQ_STRIPPED
#define RTE_MBUF_F_RX_LRO PKT_RX_LRO
#define RTE_MBUF_F_RX_SEC_OFFLOAD PKT_RX_SEC_OFFLOAD
#define RTE_MBUF_F_RX_SEC_OFFLOAD_FAILED PKT_RX_SEC_OFFLOAD_FAILED
#define RTE_MBUF_F_RX_QINQ PKT_RX_QINQ
#define RTE_MBUF_F_RX_OUTER_L4_CKSUM_MASK PKT_RX_OUTER_L4_CKSUM_MASK
#define RTE_MBUF_F_RX_OUTER_L4_CKSUM_UNKNOWN PKT_RX_OUTER_L4_CKSUM_UNKNOWN
#define RTE_MBUF_F_RX_OUTER_L4_CKSUM_BAD PKT_RX_OUTER_L4_CKSUM_BAD
#define RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD PKT_RX_OUTER_L4_CKSUM_GOOD
#define RTE_MBUF_F_RX_OUTER_L4_CKSUM_INVALID PKT_RX_OUTER_L4_CKSUM_INVALID
#define RTE_MBUF_F_FIRST_FREE PKT_FIRST_FREE
#define RTE_MBUF_F_LAST_FREE PKT_LAST_FREE
#define RTE_MBUF_F_TX_OUTER_UDP_CKSUM PKT_TX_OUTER_UDP_CKSUM
#define RTE_MBUF_F_TX_UDP_SEG PKT_TX_UDP_SEG
#define RTE_MBUF_F_TX_SEC_OFFLOAD PKT_TX_SEC_OFFLOAD
#define RTE_MBUF_F_TX_MACSEC PKT_TX_MACSEC
#define RTE_MBUF_F_TX_TUNNEL_VXLAN PKT_TX_TUNNEL_VXLAN
#define RTE_MBUF_F_TX_TUNNEL_GRE PKT_TX_TUNNEL_GRE
#define RTE_MBUF_F_TX_TUNNEL_IPIP PKT_TX_TUNNEL_IPIP
#define RTE_MBUF_F_TX_TUNNEL_GENEVE PKT_TX_TUNNEL_GENEVE
#define RTE_MBUF_F_TX_TUNNEL_MPLSINUDP PKT_TX_TUNNEL_MPLSINUDP
#define RTE_MBUF_F_TX_TUNNEL_VXLAN_GPE PKT_TX_TUNNEL_VXLAN_GPE
#define RTE_MBUF_F_TX_TUNNEL_GTP PKT_TX_TUNNEL_GTP
#define RTE_MBUF_F_TX_TUNNEL_IP PKT_TX_TUNNEL_IP
#define RTE_MBUF_F_TX_TUNNEL_UDP PKT_TX_TUNNEL_UDP
#define RTE_MBUF_F_TX_TUNNEL_MASK PKT_TX_TUNNEL_MASK
#define RTE_MBUF_F_TX_QINQ PKT_TX_QINQ
#define RTE_MBUF_F_TX_TCP_SEG PKT_TX_TCP_SEG
#define RTE_MBUF_F_TX_IEEE1588_TMST PKT_TX_IEEE1588_TMST
#define RTE_MBUF_F_TX_L4_NO_CKSUM PKT_TX_L4_NO_CKSUM
#define RTE_MBUF_F_TX_TCP_CKSUM PKT_TX_TCP_CKSUM
#define RTE_MBUF_F_TX_SCTP_CKSUM PKT_TX_SCTP_CKSUM
#define RTE_MBUF_F_TX_UDP_CKSUM PKT_TX_UDP_CKSUM
#define RTE_MBUF_F_TX_L4_MASK PKT_TX_L4_MASK
#define RTE_MBUF_F_TX_IP_CKSUM PKT_TX_IP_CKSUM
#define RTE_MBUF_F_TX_IPV4 PKT_TX_IPV4
#define RTE_MBUF_F_TX_IPV6 PKT_TX_IPV6
#define RTE_MBUF_F_TX_VLAN PKT_TX_VLAN
#define RTE_MBUF_F_TX_OUTER_IP_CKSUM PKT_TX_OUTER_IP_CKSUM
#define RTE_MBUF_F_TX_OUTER_IPV4 PKT_TX_OUTER_IPV4
#define RTE_MBUF_F_TX_OUTER_IPV6 PKT_TX_OUTER_IPV6
#define RTE_MBUF_F_TX_OFFLOAD_MASK PKT_TX_OFFLOAD_MASK
#define RTE_MBUF_F_EXTERNAL EXT_ATTACHED_MBUF
#define RTE_MBUF_F_INDIRECT IND_ATTACHED_MBUF
/** @} */

/** Alignment of an mbuf's private data, in bytes. */
#define RTE_MBUF_PRIV_ALIGN 8
/** Largest nb_segs. */
#define RTE_MBUF_MAX_NB_SEGS 65535
/** port of an mbuf that belongs to none. */
#define RTE_MBUF_PORT_INVALID 65535
/** Bytes of packet data in a default buffer. */
#define RTE_MBUF_DEFAULT_DATAROOM 2048
/** Bytes of a default buffer, headroom and data. */
#define RTE_MBUF_DEFAULT_BUF_SIZE 2176
/** Flag of a pool of mbufs: their buffers lie outside of it and stay attached. */
#define RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF 0x1

struct rte_mempool;

/** What a scheduler knows of a packet. */
struct rte_mbuf_sched {
	/** Queue. */
	uint32_t queue_id;
	/** Traffic class; 0 is the most important one. */
	uint8_t traffic_class;
	/** Colour that a meter gave. */
	uint8_t color;
	/** Unused. */
	uint16_t reserved;
};

/**
 * Called when the last reference to an external buffer goes.
 *
 * @param addr
 *   The buffer.
 * @param opaque
 *   fcb_opaque of its struct rte_mbuf_ext_shared_info.
 */
typedef void (*rte_mbuf_extbuf_free_callback_t)(void *addr, void *opaque);

/** What the mbufs that an external buffer is attached to share. */
struct rte_mbuf_ext_shared_info {
	/** Frees the buffer. */
	rte_mbuf_extbuf_free_callback_t free_cb;
	/** Its second argument. */
	void *fcb_opaque;
	/** Mbufs that refer to the buffer; atomic. */
	uint16_t refcnt;
};

/** A packet, or one segment of it. */
__extension__ struct rte_mbuf {
	/** First cache line. */
	RTE_MARKER cacheline0;

	/** First byte of the buffer. */
	void *buf_addr;
	/** The same for devices. */
	rte_iova_t buf_iova;

	/** The next four fields are written together when an mbuf is reused. */
	RTE_MARKER64 rearm_data;
	/** Data starts so many bytes into the buffer. */
	uint16_t data_off;
	/** References to this mbuf; atomic; see rte_mbuf_refcnt_read(). */
	uint16_t refcnt;
	/** Segments; valid in the first. */
	uint16_t nb_segs;
	/** Port it came from or goes to, or RTE_MBUF_PORT_INVALID. */
	uint16_t port;

	/** PKT_RX_*, PKT_TX_*, IND_ATTACHED_MBUF, EXT_ATTACHED_MBUF. */
	uint64_t ol_flags;

	/** The next fields are written together by receiving drivers. */
	RTE_MARKER rx_descriptor_fields1;
	__extension__ union {
		/** RTE_PTYPE_*. */
		uint32_t packet_type;
		__extension__ struct {
			/** Link. */
			uint8_t l2_type:4;
			/** Network. */
			uint8_t l3_type:4;
			/** Transport. */
			uint8_t l4_type:4;
			/** Tunnel. */
			uint8_t tun_type:4;
			__extension__ union {
				/** After ESP: the protocol inside; tun_type is ESP. */
				uint8_t inner_esp_next_proto;
				__extension__ struct {
					/** Link inside the tunnel. */
					uint8_t inner_l2_type:4;
					/** Network inside the tunnel. */
					uint8_t inner_l3_type:4;
				};
			};
			/** Transport inside the tunnel. */
			uint8_t inner_l4_type:4;
		};
	};
	/** Bytes of data in all segments; valid in the first. */
	uint32_t pkt_len;
	/** Bytes of data in this segment. */
	uint16_t data_len;
	/** VLAN tag, processor's order; see PKT_RX_VLAN and PKT_TX_VLAN. */
	uint16_t vlan_tci;

	/** Depends on the flags. */
	union rte_mbuf_hash {
		/** PKT_RX_RSS_HASH: the hash. */
		uint32_t rss;
		/** PKT_RX_FDIR: what the filter found. */
		struct rte_mbuf_fdir {
			__extension__ union {
				__extension__ struct {
					/** Hash. */
					uint16_t hash;
					/** Match. */
					uint16_t id;
				};
				/** Or: low half of eight bytes. */
				uint32_t lo;
			};
			/** Id of the filter, or high half of eight bytes. */
			uint32_t hi;
		} fdir;
		/** For a scheduler. */
		struct rte_mbuf_sched sched;
		/** For an event adapter that transmits. */
		struct rte_mbuf_txadapter {
			/** Unused. */
			uint32_t reserved1;
			/** Unused. */
			uint16_t reserved2;
			/** Queue to transmit on. */
			uint16_t txq;
		} txadapter;
		/** For the application. */
		uint32_t usr;
	} hash;

	/** Outer VLAN tag, processor's order; see PKT_RX_QINQ and PKT_TX_QINQ. */
	uint16_t vlan_tci_outer;
	/** Bytes of the buffer. */
	uint16_t buf_len;
	/** Pool that the mbuf goes back to. */
	struct rte_mempool *pool;

	/** Second cache line. */
	RTE_MARKER cacheline1 __rte_cache_min_aligned;
	/** Next segment, or NULL. */
	struct rte_mbuf *next;
	__extension__ union {
		/** The lengths below as one number. */
		uint64_t tx_offload;
		__extension__ struct {
			/** Bytes of the link header (outer layer 4 to inner link for tunnels). */
			uint64_t l2_len:7;
			/** Bytes of the network header. */
			uint64_t l3_len:9;
			/** Bytes of the transport header. */
			uint64_t l4_len:8;
			/** Bytes of payload of a segment, for PKT_TX_TCP_SEG and PKT_TX_UDP_SEG. */
			uint64_t tso_segsz:16;
			/** Bytes of the outer network header. */
			uint64_t outer_l3_len:9;
			/** Bytes of the outer link header. */
			uint64_t outer_l2_len:7;
		};
	};
	/** Of the external buffer that is attached, else meaningless. */
	struct rte_mbuf_ext_shared_info *shinfo;
	/** Bytes of private data between this structure and the buffer. */
	uint16_t priv_size;
	/** Bits of a time stamp. */
	uint16_t timesync;
	/** For what a program registers in DPDK at run time. */
	uint32_t dynfield1[9];
} __rte_cache_aligned;

/** The first byte of data plus o bytes, as a pointer of type t. */
#define rte_pktmbuf_mtod_offset(m, t, o) \
	((t)(void *)((char *)(m)->buf_addr + (m)->data_off + (o)))
/** The first byte of data as a pointer of type t. */
#define rte_pktmbuf_mtod(m, t) rte_pktmbuf_mtod_offset(m, t, 0)
/** rte_pktmbuf_mtod_offset() for devices, as rte_iova_t. */
#define rte_pktmbuf_iova_offset(m, o) ((rte_iova_t)((m)->buf_iova + (m)->data_off + (o)))
/** rte_pktmbuf_mtod() for devices, as rte_iova_t. */
#define rte_pktmbuf_iova(m) rte_pktmbuf_iova_offset(m, 0)

/** Not 0 if m uses the buffer of another mbuf. */
#define RTE_MBUF_CLONED(mb) ((mb)->ol_flags & IND_ATTACHED_MBUF)
/** Not 0 if m uses an external buffer. */
#define RTE_MBUF_HAS_EXTBUF(mb) ((mb)->ol_flags & EXT_ATTACHED_MBUF)
/** Not 0 if m uses its own buffer. */
#define RTE_MBUF_DIRECT(mb) (!((mb)->ol_flags & (IND_ATTACHED_MBUF | EXT_ATTACHED_MBUF)))

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_MBUF_CORE_H */
