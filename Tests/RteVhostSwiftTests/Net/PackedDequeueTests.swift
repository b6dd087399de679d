// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Net: from the guest, packed rings")
struct PackedDequeueTests {
    @Test("packets of many lengths, the header cut in every place, direct and in tables")
    func lengths() throws {
        let net = try MockPackedNet(size: 5)
        for isIndirect in [false, true] {
            for count in [1, 59, 60, 1500, 2048, 2049, 5000, 65_535, 65_557] {
                for cuts in [[], [1], [11], [12], [13], [4, 4], [10, 2], [1, 1, 1]] {
                    guard cuts.reduce(0, +) < count + 12 else { continue }
                    let id = net.transmit.freeID
                    net.send(pattern(count, count), id: id, cuts: cuts, isIndirect: isIndirect)
                    #expect(net.dequeue() == [pattern(count, count)])
                    let used = net.transmit.poll()
                    #expect(used == .init(id: id, byteCount: 0, isWritten: false))
                }
            }
        }
        #expect(net.pool.own.availableCount == 64)
    }

    /// Chains of random kinds; what must come out, and what must come back.
    private func burst(
        _ net: MockPackedNet, _ random: inout FixedRandom, _ seed: inout Int
    ) -> (packets: [[UInt8]], ids: [UInt16]) {
        var packets: [[UInt8]] = []
        var ids: [UInt16] = []
        while net.transmit.free >= 3, Int.random(in: 0..<20, using: &random) > 0 {
            seed += 1
            let id = net.transmit.freeID
            ids.append(id)
            let count = [1, 40, 60, 2048, 2060].randomElement(using: &random)!
            switch Int.random(in: 0..<16, using: &random) {
            case 0: net.offer(net.transmit, id: id, lengths: [12])
            case 1: net.offer(net.transmit, id: id, lengths: [72], isWritable: true)
            case 2: net.transmit.offer([.init(address: 0xffff_0000, byteCount: 72)], id: id)
            case 3: net.transmit.offer([.init(address: 0x10_0000, byteCount: 0)], id: id)
            case 4:
                packets.append(pattern(count, seed))
                net.send(packets.last!, id: id, cuts: [12, 1])
            case 5:
                packets.append(pattern(count, seed))
                net.send(packets.last!, id: id, cuts: [11], isIndirect: true)
            default:
                packets.append(pattern(count, seed))
                net.send(packets.last!, id: id)
            }
        }
        return (packets, ids)
    }

    @Test("plain, cut, indirect and bad chains mixed, at every start", arguments: [3, 5, 8, 16])
    func mixed(size: Int) throws {
        for slot in 0..<size {
            let net = try MockPackedNet(size: size, start: (slot, slot & 1 == 0))
            var random = FixedRandom(seed: UInt64(size * 100 + slot))
            var seed = 0
            for _ in 0..<12 {
                let (packets, ids) = burst(net, &random, &seed)
                var found: [[UInt8]] = []
                var used: [UInt16] = []
                // Limits around a batch's four, in several calls.
                for _ in 0..<40 where used.count < ids.count {
                    found += net.dequeue(limit: Int.random(in: 1...9, using: &random))
                    used += net.transmit.pollAll().map(\.id)
                }
                #expect(found == packets && used == ids)
            }
            #expect(net.pool.own.availableCount == 64)
        }
    }

    @Test("an empty pool takes nothing; the same packets come once there are mbufs")
    func poolEmpty() throws {
        for free in 0...6 {
            let net = try MockPackedNet(size: 7, mbufs: 8)
            let held = (0..<(8 - free)).map { _ in net.pool.packet()! }
            for id in 0..<7 { net.send(pattern(60, id), id: UInt16(id)) }
            #expect(net.dequeue() == (0..<free).map { pattern(60, $0) })
            #expect(net.transmit.pollAll().count == free)
            for packet in held { packet.freeChain() }
            #expect(net.dequeue() == (free..<7).map { pattern(60, $0) })
            #expect(net.transmit.pollAll().count == 7 - free)
            let counted = net.statistics(1).packets
            #expect(counted == 7 && net.pool.own.availableCount == 8)
        }
    }

    @Test("a packet behind a batch that finds no mbufs leaves the batch done")
    func batchThenEmpty() throws {
        let net = try MockPackedNet(size: 5, mbufs: 6)
        for id in 0..<4 { net.send(pattern(60, id), id: UInt16(id)) }
        net.send(pattern(2048 * 5), id: 4)
        #expect(net.dequeue() == (0..<4).map { pattern(60, $0) })
        #expect(net.transmit.pollAll().map(\.id) == [0, 1, 2, 3])
        #expect(net.dequeue() == [pattern(2048 * 5)])
        #expect(net.transmit.pollAll().map(\.id) == [4])
    }

    @Test("a ring that the guest broke stops, is counted once, and starts anew")
    func broken() throws {
        let net = try MockPackedNet(size: 5)
        net.send(pattern(60, 1), id: 0)
        net.send(pattern(60, 2), id: 1)
        // An id that the ring does not have, in the third slot.
        net.transmit.describe(2, .init(address: 0x10_0000, byteCount: 72), id: 5)
        net.transmit.setFlags(2, 0x80)
        #expect(net.dequeue() == [pattern(60, 1), pattern(60, 2)])
        #expect(net.transmit.pollAll().map(\.id) == [0, 1])
        for _ in 0..<3 { #expect(net.dequeue().isEmpty) }
        let counted = net.statistics(1).ringBroken
        #expect(counted == 1)
        #expect(net.frontend.state(11, 1, 0) == nil)
        net.transmit.start(slot: 0, wrap: true)
        let restarted = try net.frontend.startQueue(1, net.transmit, base: 0x8000)
        #expect(restarted == nil)
        net.send(pattern(60), id: 4)
        #expect(net.dequeue() == [pattern(60)])
    }
}
