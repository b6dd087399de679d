/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_MBUF_PTYPE_H
#define RTEVHOSTSWIFT_RTE_MBUF_PTYPE_H

/**
 * @file
 * Values of struct rte_mbuf.packet_type: four bits for each layer, 0 where nothing is known.
 */

/** Nothing known. */
#define RTE_PTYPE_UNKNOWN 0x00000000
/** Link: Ethernet. */
#define RTE_PTYPE_L2_ETHER 0x00000001
/** Link: Ethernet, time synchronisation (0x88F7). */
#define RTE_PTYPE_L2_ETHER_TIMESYNC 0x00000002
/** Link: Ethernet, ARP. */
#define RTE_PTYPE_L2_ETHER_ARP 0x00000003
/** Link: Ethernet, LLDP. */
#define RTE_PTYPE_L2_ETHER_LLDP 0x00000004
/** Link: Ethernet, network service header. */
#define RTE_PTYPE_L2_ETHER_NSH 0x00000005
/** Link: Ethernet with a VLAN tag. */
#define RTE_PTYPE_L2_ETHER_VLAN 0x00000006
/** Link: Ethernet with two VLAN tags. */
#define RTE_PTYPE_L2_ETHER_QINQ 0x00000007
/** Link: Ethernet, PPPoE. */
#define RTE_PTYPE_L2_ETHER_PPPOE 0x00000008
/** Link: Ethernet, Fibre Channel. */
#define RTE_PTYPE_L2_ETHER_FCOE 0x00000009
/** Link: Ethernet, MPLS. */
#define RTE_PTYPE_L2_ETHER_MPLS 0x0000000a
/** Link: all. */
#define RTE_PTYPE_L2_MASK 0x0000000f
/** Network: IPv4 without options. */
#define RTE_PTYPE_L3_IPV4 0x00000010
/** Network: IPv4 with options. */
#define RTE_PTYPE_L3_IPV4_EXT 0x00000030
/** Network: IPv6 without extension headers. */
#define RTE_PTYPE_L3_IPV6 0x00000040
/** Network: IPv4, perhaps with options. */
#define RTE_PTYPE_L3_IPV4_EXT_UNKNOWN 0x00000090
/** Network: IPv6 with extension headers. */
#define RTE_PTYPE_L3_IPV6_EXT 0x000000c0
/** Network: IPv6, perhaps with extension headers. */
#define RTE_PTYPE_L3_IPV6_EXT_UNKNOWN 0x000000e0
/** Network: all. */
#define RTE_PTYPE_L3_MASK 0x000000f0
/** Transport: TCP. */
#define RTE_PTYPE_L4_TCP 0x00000100
/** Transport: UDP. */
#define RTE_PTYPE_L4_UDP 0x00000200
/** Transport: a fragment. */
#define RTE_PTYPE_L4_FRAG 0x00000300
/** Transport: SCTP. */
#define RTE_PTYPE_L4_SCTP 0x00000400
/** Transport: ICMP. */
#define RTE_PTYPE_L4_ICMP 0x00000500
/** Transport: none of these, and no fragment. */
#define RTE_PTYPE_L4_NONFRAG 0x00000600
/** Transport: IGMP. */
#define RTE_PTYPE_L4_IGMP 0x00000700
/** Transport: all. */
#define RTE_PTYPE_L4_MASK 0x00000f00
/** Tunnel: IP in IP. */
#define RTE_PTYPE_TUNNEL_IP 0x00001000
/** Tunnel: GRE. */
#define RTE_PTYPE_TUNNEL_GRE 0x00002000
/** Tunnel: VXLAN. */
#define RTE_PTYPE_TUNNEL_VXLAN 0x00003000
/** Tunnel: NVGRE. */
#define RTE_PTYPE_TUNNEL_NVGRE 0x00004000
/** Tunnel: GENEVE. */
#define RTE_PTYPE_TUNNEL_GENEVE 0x00005000
/** Tunnel: VXLAN, GRE or NVGRE. */
#define RTE_PTYPE_TUNNEL_GRENAT 0x00006000
/** Tunnel: GTP control. */
#define RTE_PTYPE_TUNNEL_GTPC 0x00007000
/** Tunnel: GTP user data. */
#define RTE_PTYPE_TUNNEL_GTPU 0x00008000
/** Tunnel: ESP. */
#define RTE_PTYPE_TUNNEL_ESP 0x00009000
/** Tunnel: L2TP. */
#define RTE_PTYPE_TUNNEL_L2TP 0x0000a000
/** Tunnel: VXLAN-GPE. */
#define RTE_PTYPE_TUNNEL_VXLAN_GPE 0x0000b000
/** Tunnel: MPLS in GRE. */
#define RTE_PTYPE_TUNNEL_MPLS_IN_GRE 0x0000c000
/** Tunnel: MPLS in UDP. */
#define RTE_PTYPE_TUNNEL_MPLS_IN_UDP 0x0000d000
/** Tunnel: all. */
#define RTE_PTYPE_TUNNEL_MASK 0x0000f000
/** Inner link: Ethernet. */
#define RTE_PTYPE_INNER_L2_ETHER 0x00010000
/** Inner link: Ethernet with a VLAN tag. */
#define RTE_PTYPE_INNER_L2_ETHER_VLAN 0x00020000
/** Inner link: Ethernet with two VLAN tags. */
#define RTE_PTYPE_INNER_L2_ETHER_QINQ 0x00030000
/** Inner link: all. */
#define RTE_PTYPE_INNER_L2_MASK 0x000f0000
/** Inner network: IPv4 without options. */
#define RTE_PTYPE_INNER_L3_IPV4 0x00100000
/** Inner network: IPv4 with options. */
#define RTE_PTYPE_INNER_L3_IPV4_EXT 0x00200000
/** Inner network: IPv6 without extension headers. */
#define RTE_PTYPE_INNER_L3_IPV6 0x00300000
/** Inner network: IPv4, perhaps with options. */
#define RTE_PTYPE_INNER_L3_IPV4_EXT_UNKNOWN 0x00400000
/** Inner network: IPv6 with extension headers. */
#define RTE_PTYPE_INNER_L3_IPV6_EXT 0x00500000
/** Inner network: IPv6, perhaps with extension headers. */
#define RTE_PTYPE_INNER_L3_IPV6_EXT_UNKNOWN 0x00600000
/** Inner network: all. */
#define RTE_PTYPE_INNER_L3_MASK 0x00f00000
/** Inner transport: TCP. */
#define RTE_PTYPE_INNER_L4_TCP 0x01000000
/** Inner transport: UDP. */
#define RTE_PTYPE_INNER_L4_UDP 0x02000000
/** Inner transport: a fragment. */
#define RTE_PTYPE_INNER_L4_FRAG 0x03000000
/** Inner transport: SCTP. */
#define RTE_PTYPE_INNER_L4_SCTP 0x04000000
/** Inner transport: ICMP. */
#define RTE_PTYPE_INNER_L4_ICMP 0x05000000
/** Inner transport: none of these, and no fragment. */
#define RTE_PTYPE_INNER_L4_NONFRAG 0x06000000
/** Inner transport: all. */
#define RTE_PTYPE_INNER_L4_MASK 0x0f000000
/** All layers. */
#define RTE_PTYPE_ALL_MASK 0x0fffffff

/** Not 0 if the type's outer network layer is IPv4. */
#define RTE_ETH_IS_IPV4_HDR(ptype) ((ptype) & RTE_PTYPE_L3_IPV4)
/** Not 0 if the type's outer network layer is IPv6. */
#define RTE_ETH_IS_IPV6_HDR(ptype) ((ptype) & RTE_PTYPE_L3_IPV6)
/** Not 0 if the type has an inner layer or a tunnel. */
#define RTE_ETH_IS_TUNNEL_PKT(ptype) \
	((ptype) & (RTE_PTYPE_TUNNEL_MASK | RTE_PTYPE_INNER_L2_MASK | \
		RTE_PTYPE_INNER_L3_MASK | RTE_PTYPE_INNER_L4_MASK))

#endif /* RTEVHOSTSWIFT_RTE_MBUF_PTYPE_H */
