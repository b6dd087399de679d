// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Bits of an mbuf's `ol_flags` that virtio-net knows of: DPDK 21.08, the same in 22.11.
enum OffloadFlags {
    /// PKT_RX_L4_CKSUM_BAD | GOOD
    static let receiveL4None: UInt64 = 1 << 3 | 1 << 8
    /// PKT_RX_L4_CKSUM_GOOD
    static let receiveL4Good: UInt64 = 1 << 8
    /// PKT_RX_LRO
    static let receiveLRO: UInt64 = 1 << 16
    /// PKT_TX_UDP_SEG
    static let transmitUDPSegmentation: UInt64 = 1 << 42
    /// PKT_TX_TCP_SEG
    static let transmitTCPSegmentation: UInt64 = 1 << 50
    /// PKT_TX_L4_MASK
    static let transmitL4Mask: UInt64 = 3 << 52
    /// PKT_TX_TCP_CKSUM
    static let transmitTCPChecksum: UInt64 = 1 << 52
    /// PKT_TX_SCTP_CKSUM
    static let transmitSCTPChecksum: UInt64 = 2 << 52
    /// PKT_TX_UDP_CKSUM
    static let transmitUDPChecksum: UInt64 = 3 << 52
    /// PKT_TX_IP_CKSUM
    static let transmitIPChecksum: UInt64 = 1 << 54
    /// PKT_TX_IPV4
    static let transmitIPv4: UInt64 = 1 << 55
    /// PKT_TX_IPV6
    static let transmitIPv6: UInt64 = 1 << 56
    /// EXT_ATTACHED_MBUF
    static let externalBuffer: UInt64 = 1 << 61
    /// IND_ATTACHED_MBUF
    static let indirect: UInt64 = 1 << 62
}
