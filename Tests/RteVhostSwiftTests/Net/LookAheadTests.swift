// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// In bursts of long packets to a packed ring, buffers are asked for a few turns ahead. A guest that
/// changes a descriptor after that is served by what its turn finds there. The guest here changes
/// them at a known moment: one of its buffers lies over the ring, and the packet that the library
/// copies there is the new descriptors.
@Suite("Net: descriptors that change after they were looked ahead at, packed rings")
struct LookAheadTests {
    /// Turns ahead, and so many slots behind the one whose buffer lies over them.
    private static let lead = PlainBuffers.lead
    /// The slot whose buffer that is: those behind it were all looked at by the turns up to its own.
    private static let writer = lead - 1
    private static let headerByteCount = 12
    private static let chains = 12
    /// Where a descriptor is moved to: no other buffer is so far up.
    private static let elsewhere = MockPackedNet.buffers + 0x3_0000

    private let source: MockPool

    init() throws { source = try MockPool(count: 64) }

    /// A burst of long packets, one of which is `Self.lead` descriptors.
    private struct Burst {
        let net: MockPackedNet
        /// Where the chains' buffers lie.
        var places: [UInt64] = []
        var packets: [[UInt8]] = []

        init() throws {
            net = try MockPackedNet(size: 16)
            let over = net.receive.descriptors + UInt64((writer + 1) * 16 - headerByteCount)
            for id in 0..<UInt16(chains) {
                if id == writer {
                    let length = UInt32(headerByteCount + lead * 16)
                    net.receive.offer(
                        [.init(address: over, byteCount: length, flags: 2)], id: id)
                    places.append(over)
                } else {
                    places += net.offer(net.receive, id: id, lengths: [200])
                }
            }
            for index in 0..<8 {
                packets.append((0..<100).map { UInt8(truncatingIfNeeded: $0 * 3 + index) })
            }
            let size = lead * 16
            packets[writer] = net.guest.read(size, at: over + UInt64(headerByteCount))
        }

        /// Puts bytes into the descriptor that slot `slot` will have.
        mutating func change(_ slot: Int, at offset: Int, to bytes: [UInt8]) {
            let start = (slot - writer - 1) * 16 + offset
            packets[writer].replaceSubrange(start..<(start + bytes.count), with: bytes)
        }

        /// How many packets were taken.
        func enqueue(from source: MockPool) -> Int {
            let buffers = packets.map { source.packet($0) }
            defer { for buffer in buffers { buffer.freeChain() } }
            return net.burst(0).enqueue(MockNet.array(buffers)).count
        }

        /// Fails unless the packet lies behind the header of a buffer there.
        func expect(_ packet: Int, at place: UInt64) {
            let found = net.guest.read(
                packets[packet].count, at: place + UInt64(headerByteCount))
            #expect(found == packets[packet])
        }
    }

    private static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static let slots = (writer + 1)...(writer + lead)

    @Test("unchanged, all arrive")
    func unchanged() throws {
        let burst = try Burst()
        #expect(burst.enqueue(from: source) == 8)
        for index in 0..<8 where index != Self.writer {
            burst.expect(index, at: burst.places[index])
        }
        let used = burst.net.receive.pollAll()
        #expect(used.map(\.id) == (0..<8).map { UInt16($0) })
    }

    @Test("another buffer: the packet goes there, and nothing to the old one", arguments: slots)
    func moved(slot: Int) throws {
        var burst = try Burst()
        burst.change(slot, at: 0, to: Self.bytes(Self.elsewhere))
        let before = burst.net.guest.read(200, at: burst.places[slot])
        #expect(burst.enqueue(from: source) == 8)
        burst.expect(slot, at: Self.elsewhere)
        #expect(burst.net.guest.read(200, at: burst.places[slot]) == before)
        let used = burst.net.receive.pollAll()
        #expect(used.map(\.id) == (0..<8).map { UInt16($0) })
    }

    @Test("another id: the chain goes back under that", arguments: slots)
    func renamed(slot: Int) throws {
        var burst = try Burst()
        burst.change(slot, at: 12, to: Self.bytes(UInt16(15)))
        #expect(burst.enqueue(from: source) == 8)
        let place = burst.net.receive.descriptors + UInt64(slot * 16)
        #expect(burst.net.guest.load(place + 12, as: UInt16.self) == 15)
    }

    @Test("not available any more, or too short: the burst ends in front of it", arguments: slots)
    func withdrawn(slot: Int) throws {
        var burst = try Burst()
        burst.change(slot, at: 14, to: Self.bytes(UInt16(2)))
        #expect(burst.enqueue(from: source) == slot)
        var other = try Burst()
        other.change(slot, at: 8, to: Self.bytes(UInt32(50)))
        #expect(other.enqueue(from: source) == slot)
        for burst in [burst, other] {
            let used = burst.net.receive.pollAll()
            #expect(used.map(\.id) == (0..<slot).map { UInt16($0) })
            let counted = burst.net.statistics(0).packets
            #expect(counted == UInt64(slot))
        }
    }

    @Test("no memory, or none to write: the chain goes back, the next is taken", arguments: slots)
    func refused(slot: Int) throws {
        var outside = try Burst()
        outside.change(slot, at: 0, to: Self.bytes(UInt64(0xffff_0000)))
        var readable = try Burst()
        readable.change(slot, at: 14, to: Self.bytes(MockPackedDriver.available))
        for burst in [outside, readable] {
            let before = burst.net.guest.read(200, at: burst.places[slot])
            #expect(burst.enqueue(from: source) == 8)
            #expect(burst.net.guest.read(200, at: burst.places[slot]) == before)
            for index in slot..<8 { burst.expect(index, at: burst.places[index + 1]) }
            let used = burst.net.receive.pollAll()
            #expect(used.map(\.byteCount)[slot] == 0 && used.count == 9)
        }
        let unmapped = outside.net.statistics(0).unmapped
        let direction = readable.net.statistics(0).direction
        #expect(unmapped == 1 && direction == 1)
    }
}
