// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Where a packet's protocol headers lie, read from the packet's own first segment.
struct PacketHeaders {
    /// Bytes of the Ethernet header with up to two VLAN tags.
    var l2 = 14
    /// Bytes of the IP header; 0 when it is no IP or does not fit.
    var l3 = 0
    /// Bytes of the TCP, UDP or SCTP header; 0 when it is none or does not fit.
    var l4 = 0
    /// IPPROTO_…, 0 without IP.
    var l4Protocol: UInt8 = 0
    /// IPv4 rather than IPv6.
    var isIPv4 = false

    /// IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let sctp: UInt8 = 132

    /// Reads the headers; nil when not even the Ethernet header is there.
    init?(_ data: PacketSlice) {
        guard var type = data.bigEndian16(12) else { return nil }
        // IEEE 802.1Q and 802.1ad tags.
        for _ in 0..<2 where type == 0x8100 || type == 0x88a8 {
            guard let inner = data.bigEndian16(l2 + 2) else { return nil }
            type = inner
            l2 += 4
        }
        switch type {
        case 0x0800: readIPv4(data)
        case 0x86dd: readIPv6(data)
        default: return
        }
        readL4(data)
    }

    private mutating func readIPv4(_ data: PacketSlice) {
        guard let version = data.byte(l2), let proto = data.byte(l2 + 9) else { return }
        let length = Int(version & 0xf) * 4
        guard version >> 4 == 4, length >= 20, l2 + length <= data.count else { return }
        isIPv4 = true
        l3 = length
        l4Protocol = proto
    }

    private mutating func readIPv6(_ data: PacketSlice) {
        guard let next = data.byte(l2 + 6), l2 + 40 <= data.count else { return }
        l3 = 40
        l4Protocol = next
    }

    private mutating func readL4(_ data: PacketSlice) {
        guard l3 > 0 else { return }
        let start = l2 + l3
        switch l4Protocol {
        case Self.tcp:
            guard let offset = data.byte(start + 12) else { return }
            let length = Int(offset >> 4) * 4
            if length >= 20, start + length <= data.count { l4 = length }
        case Self.udp:
            if start + 8 <= data.count { l4 = 8 }
        case Self.sctp:
            if start + 12 <= data.count { l4 = 12 }
        default:
            return
        }
    }

    /// RTE_PTYPE_… of these headers.
    var packetType: UInt32 {
        // RTE_PTYPE_L2_ETHER, L2_ETHER_VLAN, L2_ETHER_QINQ
        var type: UInt32 = l2 == 14 ? 1 : l2 == 18 ? 6 : 7
        guard l3 > 0 else { return type }
        // RTE_PTYPE_L3_IPV4, L3_IPV4_EXT, L3_IPV6
        type |= isIPv4 ? (l3 > 20 ? 0x30 : 0x10) : 0x40
        guard l4 > 0 else { return type }
        switch l4Protocol {
        case Self.tcp: return type | 0x100
        case Self.udp: return type | 0x200
        default: return type | 0x400
        }
    }
}
