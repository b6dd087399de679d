// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Net: checksums")
struct ChecksumTests {
    /// RFC 1071 over an array, written for clarity.
    private func reference(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var sum: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            sum += index % 2 == 0 ? UInt64(byte) << 8 : UInt64(byte)
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return ~UInt16(sum)
    }

    @Test("every start, every cut into segments, a field in one segment or over two")
    func complete() throws {
        let pool = try MockPool(count: 8)
        var random = FixedRandom(seed: 1071)
        let bytes = (0..<37).map { _ in UInt8.random(in: 0...255, using: &random) }
        for start in 0..<30 {
            for cut in 1..<37 {
                let field = (start * 7 + cut) % 36
                let packet = pool.packet(bytes, cuts: [cut])
                Checksum.complete(packet, start: start, field: field)
                var expected = bytes
                let zero = reference(bytes[start...])
                let sum = zero == 0 ? 0xffff : zero
                expected[field] = UInt8(sum >> 8)
                expected[field + 1] = UInt8(sum & 0xff)
                #expect(packet.allBytes == expected)
                packet.freeChain()
            }
        }
    }

    @Test("three segments, one of them empty, and bytes that overflow the sum")
    func overflow() throws {
        let pool = try MockPool(count: 4, dataRoom: 9000)
        let bytes = [UInt8](repeating: 0xff, count: 8001)
        let packet = pool.packet(bytes, cuts: [3001, 0])
        Checksum.complete(packet, start: 1, field: 4000)
        // RFC 768: a sum of 0 is sent as all ones, because 0 says that there is none.
        #expect(packet.allBytes[4000...4001] == [0xff, 0xff])
        #expect(reference(bytes[1...]) == 0)
    }

    @Test("IPv4 header: the field itself counts as zero; a header beyond the data has none")
    func ipv4() throws {
        let pool = try MockPool(count: 1)
        // RFC 1071's favourite: 10.1.1.1 to 10.1.1.2.
        var header: [UInt8] = [
            0x45, 0, 0, 0x54, 0x1c, 0x46, 0x40, 0, 0x40, 6, 0xab, 0xcd, 10, 1, 1, 1, 10, 1, 1, 2,
        ]
        let packet = pool.packet([0, 0] + header)
        let sum = Checksum.ofIPv4(packet.data, at: 2, length: 20)
        header[10] = 0
        header[11] = 0
        #expect(sum == reference(header))
        #expect(Checksum.ofIPv4(packet.data, at: 3, length: 20) == nil)
        #expect(Checksum.ofIPv4(packet.data, at: 2, length: 24) == nil)
    }
}
