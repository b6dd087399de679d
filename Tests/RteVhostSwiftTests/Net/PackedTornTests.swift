// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// A backend that is killed while it shows the guest a packet in several buffers leaves the used
/// descriptors of the last of them. Whoever serves the ring next completes the packet.
@Suite("Net: packets that a killed backend left half-shown, packed rings")
struct PackedTornTests {
    private static let size = 16
    private let source: MockPool

    init() throws { source = try MockPool(count: 64, dataRoom: 9000) }

    private func bytes(_ count: Int, _ seed: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 * 11 + seed) }
    }

    private func enqueue(_ net: MockPackedNet, _ packets: [[UInt8]]) -> Int {
        let buffers = packets.map { source.packet($0) }
        let result = net.burst(0).enqueue(MockNet.array(buffers))
        for buffer in buffers { buffer.freeChain() }
        return result.count
    }

    /// The word of a slot that holds length, id and flags.
    private func word(_ net: MockPackedNet, _ slot: Int) -> UInt64 {
        net.guest.load(net.receive.descriptors + UInt64(slot * 16 + 8), as: UInt64.self)
    }

    private func setWord(_ net: MockPackedNet, _ slot: Int, _ word: UInt64) {
        net.guest.store(word, at: net.receive.descriptors + UInt64(slot * 16 + 8))
    }

    /// A device whose guest offers `rooms` buffers of 100 bytes from a slot on: where they lie.
    private func device(
        slot: Int, rooms: Int, isIndirect: Bool = false
    ) throws -> (net: MockPackedNet, places: [UInt64]) {
        let net = try MockPackedNet(
            features: Feature.version1 | Feature.mergeableBuffers, size: Self.size,
            start: (slot, true))
        let places = (0..<rooms).map { id in
            net.offer(
                net.receive, id: UInt16(id), lengths: [100], isIndirect: isIndirect)[0]
        }
        return (net, places)
    }

    /// Stops the ring, makes the memory what it was when `open` of the used descriptors of a packet
    /// were not written yet, and starts it again where the guest is. The first refusal.
    private func tear(
        _ net: MockPackedNet, slot: Int, open: Int, _ before: [UInt64]
    ) throws -> VhostError? {
        #expect(net.frontend.state(11, 0, 0) == nil)
        _ = net.frontend.answer()
        for index in 0..<open {
            let place = (slot + index) % Self.size
            setWord(net, place, before[place])
        }
        return try net.frontend.startQueue(0, net.receive, base: UInt32(slot) | 0x8000)
    }

    @Test(
        "the packet arrives whole, and those behind it as well",
        arguments: [0, 5, 13, 15], [false, true])
    func completed(slot: Int, isIndirect: Bool) throws {
        for chains in 2...6 {
            for open in 1..<chains {
                let (net, places) = try device(slot: slot, rooms: 10, isIndirect: isIndirect)
                let before = (0..<Self.size).map { word(net, $0) }
                // The last buffer is not full.
                let packet = bytes(chains * 100 - 12 - 33, chains)
                #expect(enqueue(net, [packet]) == 1)
                try #expect(tear(net, slot: slot, open: open, before) == nil)
                let used = net.receive.pollAll()
                #expect(used.map { Int($0.id) } == Array(0..<chains))
                #expect(used.filter { !$0.isWritten }.isEmpty)
                let lengths = [Int](repeating: 100, count: chains - 1) + [67]
                #expect(used.map { Int($0.byteCount) } == lengths)
                let all = zip(places, lengths).flatMap { net.guest.read($1, at: $0) }
                #expect(Array(all.dropFirst(12)) == packet)
                // The ring goes on behind it.
                let next = bytes(60, 1)
                #expect(enqueue(net, [next]) == 1)
                let more = net.receive.pollAll()
                #expect(more.map { Int($0.id) } == [chains])
                #expect(net.guest.read(60, at: places[chains] + 12) == next)
            }
        }
    }

    @Test("what is no such packet is left alone: another number of chains, chains of two slots")
    func leftAlone() throws {
        for (offset, value): (Int, UInt16) in [(10, 3), (10, 5), (10, 1), (10, 0), (10, 0xffff)] {
            let (net, places) = try device(slot: 3, rooms: 8)
            let before = (0..<Self.size).map { word(net, $0) }
            #expect(enqueue(net, [bytes(4 * 100 - 12, 0)]) == 1)
            net.guest.store(value, at: places[0] + UInt64(offset))
            let torn = (0..<Self.size).map { (3..<5).contains($0) ? before[$0] : word(net, $0) }
            try #expect(tear(net, slot: 3, open: 2, before) == nil)
            #expect((0..<Self.size).map { word(net, $0) } == torn)
            #expect(net.receive.pollAll().isEmpty)
        }
        // A chain of two slots in front: which slots belong to those behind is not known.
        let net = try MockPackedNet(
            features: Feature.version1 | Feature.mergeableBuffers, size: Self.size, start: (3, true)
        )
        for id in 0..<4 { net.offer(net.receive, id: UInt16(id), lengths: [50, 50]) }
        let before = (0..<Self.size).map { word(net, $0) }
        #expect(enqueue(net, [bytes(3 * 100 - 12, 0)]) == 1)
        try #expect(tear(net, slot: 3, open: 2, before) == nil)
        #expect(net.receive.pollAll().isEmpty)
    }

    @Test("a guest whose buffers are not there, or that offers one id twice, harms itself alone")
    func hostile() throws {
        for isTwice in [false, true] {
            let (net, _) = try device(slot: 2, rooms: 8)
            let before = (0..<Self.size).map { word(net, $0) }
            #expect(enqueue(net, [bytes(4 * 100 - 12, 0)]) == 1)
            var torn = before
            if isTwice {
                torn[3] = torn[3] & ~(0xffff << 32) | torn[2] & 0xffff << 32
            } else {
                net.guest.store(UInt64.max - 50, at: net.receive.descriptors + 3 * 16)
            }
            try #expect(tear(net, slot: 2, open: 2, torn) == nil)
            #expect(net.receive.pollAll().isEmpty)
            // What is offered correctly is taken as ever.
            #expect(enqueue(net, [bytes(60, 0)]) == 1)
            #expect(net.receive.pollAll().first?.id == 0)
        }
    }
}
