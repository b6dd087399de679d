// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Tables of what offload fields mean, in both directions.
@Suite("Net: offloads")
struct OffloadTests {
    private let pool: MockPool

    init() throws { pool = try MockPool(count: 4) }

    /// An Ethernet frame with so many VLAN tags, IP and the start of layer 4.
    private func frame(isIPv4: Bool, proto: UInt8, tags: Int = 0, payload: Int = 40) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 12)
        for _ in 0..<tags { bytes += [0x81, 0, 0, 1] }
        bytes += isIPv4 ? [0x08, 0x00] : [0x86, 0xdd]
        var header = [UInt8](repeating: 0, count: isIPv4 ? 20 : 40)
        header[0] = isIPv4 ? 0x45 : 0x60
        header[isIPv4 ? 9 : 6] = proto
        var layer4 = [UInt8](repeating: 0, count: payload)
        if payload > 12 { layer4[12] = 0x50 }
        return bytes + header + layer4
    }

    /// Flags and lengths that `header` gives a packet; nil when the header lies.
    private func receive(
        _ header: NetHeader, _ bytes: [UInt8], isLegacy: Bool
    ) -> (flags: UInt64, offload: TransmitOffload, type: UInt32)? {
        let packet = pool.packet(bytes)
        defer { packet.freeChain() }
        guard ReceiveOffload.apply(header, to: packet, isLegacy: isLegacy) else {
            #expect(packet.offloadFlags == 0 && packet.transmitOffload.rawValue == 0)
            return nil
        }
        return (packet.offloadFlags, packet.transmitOffload, packet.packetType)
    }

    private func header(
        flags: UInt8 = 1, start: Int = 0, offset: UInt16 = 0, type: UInt8 = 0, size: UInt16 = 0
    ) -> NetHeader {
        var header = NetHeader()
        header.first =
            UInt64(flags) | UInt64(type) << 8 | UInt64(size) << 32
            | UInt64(start) << 48
        header.checksumOffset = offset
        return header
    }

    @Test("legacy flags: checksum and segmentation for each protocol, with and without tags")
    func legacy() {
        let protocols: [(UInt8, UInt16, UInt64)] = [
            (6, 16, OffloadFlags.transmitTCPChecksum), (17, 6, OffloadFlags.transmitUDPChecksum),
            (132, 8, OffloadFlags.transmitSCTPChecksum),
        ]
        for isIPv4 in [true, false] {
            let family = isIPv4 ? OffloadFlags.transmitIPv4 : OffloadFlags.transmitIPv6
            for tags in 0...2 {
                let l2 = 14 + 4 * tags
                let l3 = isIPv4 ? 20 : 40
                for (proto, offset, flag) in protocols {
                    let bytes = frame(isIPv4: isIPv4, proto: proto, tags: tags)
                    let wish = header(start: l2 + l3, offset: offset)
                    let found = receive(wish, bytes, isLegacy: true)
                    #expect(found?.flags == family | flag)
                    #expect(found?.offload.l2 == l2 && found?.offload.l3 == l3)
                    // A field elsewhere than the protocol's is no request that mbufs can name.
                    let other = receive(
                        header(start: l2 + l3, offset: offset + 2), bytes, isLegacy: true)
                    #expect(other?.flags == family)
                    let elsewhere = receive(
                        header(start: l2, offset: offset), bytes, isLegacy: true)
                    #expect(elsewhere?.flags == family)
                }
                let tcp = frame(isIPv4: isIPv4, proto: 6, tags: tags)
                let segmentation = header(
                    start: l2 + l3, offset: 16, type: isIPv4 ? 1 : 4, size: 1448)
                let found = receive(segmentation, tcp, isLegacy: true)
                let tso = OffloadFlags.transmitTCPSegmentation
                #expect(found?.flags == family | OffloadFlags.transmitTCPChecksum | tso)
                #expect(found?.offload.l4 == 20 && found?.offload.segmentSize == 1448)
            }
        }
    }

    @Test("a checksum field beyond the packet is no wish")
    func lies() {
        let bytes = frame(isIPv4: true, proto: 6)
        let count = bytes.count
        for isLegacy in [true, false] {
            #expect(receive(header(start: count - 2), bytes, isLegacy: isLegacy) != nil)
            #expect(receive(header(start: count - 1), bytes, isLegacy: isLegacy) == nil)
            #expect(
                receive(header(start: 65_535, offset: 65_535), bytes, isLegacy: isLegacy) == nil)
        }
    }

    @Test("a segmentation type is believed when it has a size and names the packet's protocol")
    func segmentationTypes() {
        // VIRTIO_NET_HDR_GSO_TCPV4, UDP, TCPV6; the upper bit is ECN.
        let frames: [(isIPv4: Bool, proto: UInt8, types: Set<UInt8>)] = [
            (true, 6, [1]), (false, 6, [4]), (true, 17, [3]), (false, 17, [3]), (true, 132, []),
            (true, 47, []),
        ]
        for (isIPv4, proto, types) in frames {
            let bytes = frame(isIPv4: isIPv4, proto: proto)
            for isLegacy in [true, false] {
                for type: UInt8 in 0...255 {
                    let isFine = types.contains(type & 0x7f) || type == 0
                    let sized = receive(
                        header(flags: 0, type: type, size: 1), bytes, isLegacy: isLegacy)
                    #expect((sized != nil) == isFine)
                    let empty = receive(header(flags: 0, type: type), bytes, isLegacy: isLegacy)
                    #expect((empty != nil) == (type == 0))
                }
            }
        }
    }

    @Test("packets cut anywhere never read beyond their end and never trap")
    func truncated() {
        for proto: UInt8 in [6, 17, 132, 47] {
            for isIPv4 in [true, false] {
                let whole = frame(isIPv4: isIPv4, proto: proto, tags: 1)
                for count in 1..<whole.count {
                    let bytes = Array(whole.prefix(count))
                    for isLegacy in [true, false] {
                        for type: UInt8 in [0, 1, 3, 4] {
                            _ = receive(
                                header(start: 0, type: type, size: 9), bytes, isLegacy: isLegacy)
                        }
                    }
                }
            }
        }
        let isBalanced = pool.own.availableCount == 4
        #expect(isBalanced)
    }

    @Test("compliant flags: NONE, GOOD, LRO, and a checksum done here for other protocols")
    func compliant() {
        let bytes = frame(isIPv4: true, proto: 6)
        let none = OffloadFlags.receiveL4None
        #expect(receive(header(start: 34, offset: 16), bytes, isLegacy: false)?.flags == none)
        #expect(
            receive(header(flags: 2), bytes, isLegacy: false)?.flags == OffloadFlags.receiveL4Good)
        let large = receive(
            header(start: 34, offset: 16, type: 1, size: 1448), bytes, isLegacy: false)
        #expect(large?.flags == none | OffloadFlags.receiveLRO)
        #expect(large?.offload.segmentSize == 1448)
        // RTE_PTYPE_L2_ETHER, L3_IPV4, L4_TCP
        let type: UInt32 = 0x111
        #expect(large?.type == type)
        let other = pool.packet(frame(isIPv4: true, proto: 47))
        let applied = ReceiveOffload.apply(
            header(start: 34, offset: 2), to: other, isLegacy: false)
        #expect(applied && other.offloadFlags == 0)
        #expect(other.allBytes[36...37] != [0, 0])
        other.freeChain()
    }

    @Test("what is sent: header fields for each combination of flags")
    func send() {
        let sums: [(UInt64, UInt16?)] = [
            (0, nil), (OffloadFlags.transmitTCPChecksum, 16),
            (OffloadFlags.transmitSCTPChecksum, 8), (OffloadFlags.transmitUDPChecksum, 6),
        ]
        let segmentations: [(UInt64, UInt8)] = [
            (0, 0), (OffloadFlags.transmitTCPSegmentation | OffloadFlags.transmitIPv4, 1),
            (OffloadFlags.transmitTCPSegmentation | OffloadFlags.transmitIPv6, 4),
            (OffloadFlags.transmitUDPSegmentation | OffloadFlags.transmitIPv4, 3),
        ]
        for (sum, offset) in sums {
            for (segmentation, type) in segmentations {
                let packet = pool.packet(frame(isIPv4: true, proto: 6))
                packet.offloadFlags = sum | segmentation
                packet.transmitOffload = TransmitOffload(l2: 14, l3: 20, l4: 20, segmentSize: 999)
                let header = SendOffload.header(for: packet)
                let isTCP = segmentation & OffloadFlags.transmitTCPSegmentation != 0
                let expected = isTCP ? 16 : offset
                #expect(header.flags == (expected == nil ? 0 : 1))
                #expect(header.checksumStart == (expected == nil ? 0 : 34))
                #expect(header.checksumOffset == expected ?? 0)
                #expect(header.segmentationType == type)
                #expect(header.segmentSize == (type == 0 ? 0 : 999))
                packet.freeChain()
            }
        }
    }

    @Test("an IPv4 checksum that is asked for is written, if the header lies in the first segment")
    func ipChecksum() {
        for cut in [13, 30, 34, 50] {
            let packet = pool.packet(frame(isIPv4: true, proto: 6), cuts: [cut])
            packet.offloadFlags = OffloadFlags.transmitIPChecksum | OffloadFlags.transmitIPv4
            packet.transmitOffload = TransmitOffload(l2: 14, l3: 20, l4: 0, segmentSize: 0)
            let header = SendOffload.header(for: packet)
            #expect(header.isPlain)
            #expect((packet.allBytes[24...25] != [0, 0]) == (cut >= 34))
            packet.freeChain()
        }
    }
}
