// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Packets by size and receivers, counted in bursts, beside a model.
@Suite("Device: packets by size and receivers")
struct PacketClassesTests {
    private static let sizes = [
        1, 5, 6, 60, 63, 64, 65, 127, 128, 255, 256, 1024, 1518, 1519, 9000,
    ]
    private static let destinations: [UInt64] = [
        0x0100_0000_0002, 0xffff_ffff_fffe, 0x0100_005e_0001, 0xffff_ffff_ffff,
    ]

    @Test("Every size is in the class that its name says")
    func classes() {
        let limits = [63, 64, 127, 255, 511, 1023, 1518]
        for byteCount in 0...3_000 {
            let expected = limits.firstIndex { byteCount <= $0 } ?? limits.count
            #expect(PacketClasses.sizeClass(byteCount) == expected)
        }
    }

    @Test("Destinations: one station, several, all, and a frame too short for any")
    func destinations() {
        var classes = PacketClasses()
        classes.count(byteCount: 60, destination: 0x0100_0000_0002)
        classes.count(byteCount: 60, destination: 0x0100_005e_0001)
        classes.count(byteCount: 60, destination: 0xffff_ffff_ffff)
        classes.count(byteCount: 4, destination: nil)
        #expect(classes.multicast == 1)
        #expect(classes.broadcast == 1)
        #expect(classes.sizes[0] == 4)
    }

    @Test("Bursts of equal and of mixed packets: each is counted once, in its class")
    func random() {
        var random = FixedRandom(seed: 5)
        var classes = PacketClasses()
        var sizes = [UInt64](repeating: 0, count: 8)
        var (multicast, broadcast): (UInt64, UInt64) = (0, 0)
        for _ in 0..<20_000 {
            var size = Self.sizes.randomElement(using: &random)!
            var destination = Self.destinations[0]
            let isMixed = Bool.random(using: &random)
            var packets: [(Int, UInt64)] = []
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                if isMixed {
                    size = Self.sizes.randomElement(using: &random)!
                    destination = Self.destinations.randomElement(using: &random)!
                }
                packets.append((size, destination))
                sizes[PacketClasses.sizeClass(size)] += 1
                guard size >= 6, destination & 1 != 0 else { continue }
                if destination == 0xffff_ffff_ffff { broadcast += 1 } else { multicast += 1 }
            }
            Self.count(packets, in: &classes)
        }
        for index in 0..<8 { #expect(classes.sizes[index] == sizes[index]) }
        #expect(classes.multicast == multicast)
        #expect(classes.broadcast == broadcast)
    }

    /// As a burst does.
    private static func count(_ packets: [(size: Int, to: UInt64)], in classes: inout PacketClasses)
    {
        let sum = packets.reduce(0) { $0 + $1.size }
        let bits = packets.reduce(0) { $0 | $1.size }
        let isGroup = packets.contains { $0.to & 1 != 0 }
        if !isGroup, classes.count(packets: packets.count, byteCount: sum, sizeBits: bits) {
            return
        }
        for packet in packets {
            classes.count(byteCount: packet.size, destination: packet.size < 6 ? nil : packet.to)
        }
    }

    @Test("Sizes with the sum of as many common ones, or with their bits, are not taken for them")
    func lookalikes() {
        var classes = PacketClasses()
        classes.count(byteCount: 192, destination: nil)
        // 128 + 256 is 2 * 192, but 256 has another bit; 64 | 128 is 192, but the sum is not.
        let isOfOther = classes.count(packets: 2, byteCount: 384, sizeBits: 128 | 256)
        #expect(!isOfOther)
        let isOfParts = classes.count(packets: 2, byteCount: 192, sizeBits: 64 | 128)
        #expect(!isOfParts)
        let isCommon = classes.count(packets: 2, byteCount: 384, sizeBits: 192)
        #expect(isCommon)
        #expect(classes.sizes[3] == 3)
    }
}
