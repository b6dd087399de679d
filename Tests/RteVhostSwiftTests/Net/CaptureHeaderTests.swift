// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Headers that are told to one who captures: made again of what an mbuf says.
@Suite("Net: headers of captured packets")
struct CaptureHeaderTests {
    private let pool: MockPool

    init() throws { pool = try MockPool(count: 4) }

    /// A frame of TCP or UDP.
    private func frame(isIPv4: Bool, proto: UInt8) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 12) + (isIPv4 ? [0x08, 0] : [0x86, 0xdd])
        var header = [UInt8](repeating: 0, count: isIPv4 ? 20 : 40)
        header[0] = isIPv4 ? 0x45 : 0x60
        header[isIPv4 ? 9 : 6] = proto
        var layer4 = [UInt8](repeating: 0, count: 60)
        layer4[12] = 0x50
        bytes += header + layer4
        return bytes
    }

    @Test("what a guest asks for can be read off the mbuf in both conventions")
    func guestHeadersComeBack() {
        for isIPv4 in [true, false] {
            for (proto, offset, l4) in [(UInt8(6), UInt16(16), 20), (17, 6, 8)] {
                let start = 14 + (isIPv4 ? 20 : 40)
                let type =
                    proto == 17
                    ? NetHeader.segmentationUDP
                    : isIPv4 ? NetHeader.segmentationTCP4 : NetHeader.segmentationTCP6
                let checksum = NetHeader.ChecksumRequest(start: UInt16(start), offset: offset)
                let segmentation = NetHeader.SegmentationRequest(
                    type: type, size: 1000, headerByteCount: UInt16(start + l4))
                for header in [
                    NetHeader(), NetHeader(checksum: checksum, segmentation: nil),
                    NetHeader(checksum: checksum, segmentation: segmentation),
                ] {
                    for isLegacy in [true, false] {
                        let packet = pool.packet(frame(isIPv4: isIPv4, proto: proto))
                        defer { packet.freeChain() }
                        #expect(ReceiveOffload.apply(header, to: packet, isLegacy: isLegacy))
                        let told =
                            isLegacy
                            ? SendOffload.wish(of: packet) : ReceiveOffload.header(of: packet)
                        #expect(told == header)
                    }
                }
            }
        }
    }

    @Test("a checksum that was found good is told, and an mbuf's own wishes are")
    func othersAreTold() {
        let packet = pool.packet(frame(isIPv4: true, proto: 6))
        defer { packet.freeChain() }
        packet.offloadFlags = OffloadFlags.receiveL4Good
        #expect(ReceiveOffload.header(of: packet).flags == NetHeader.dataValid)
        // The sum of the IP header is asked for, and only looking leaves it alone.
        packet.offloadFlags =
            OffloadFlags.transmitIPChecksum | OffloadFlags.transmitIPv4
            | OffloadFlags.transmitTCPChecksum
        packet.transmitOffload = TransmitOffload(l2: 14, l3: 20, l4: 20, segmentSize: 0)
        #expect(SendOffload.wish(of: packet).checksumStart == 34)
        #expect(packet.data.bigEndian16(24) == 0)
        #expect(SendOffload.header(for: packet).checksumStart == 34)
        #expect(packet.data.bigEndian16(24) != 0)
    }
}
