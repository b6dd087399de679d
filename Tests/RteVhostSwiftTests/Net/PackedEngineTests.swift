// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// The asynchronous calls on packed rings with an engine that refuses, waits and overtakes.
@Suite("Net: DMA engine, packed rings")
struct PackedEngineTests {
    /// A net device with an engine on both queues.
    private struct Bench {
        let net: MockPackedNet
        let engine: MockEngine

        init(
            vid: Int32, size: Int, threshold: UInt32 = 0, isRelaxed: Bool = false,
            start: (slot: Int, wrap: Bool) = (0, true)
        ) throws {
            let features = Feature.version1 | Feature.mergeableBuffers
            net = try MockPackedNet(vid: vid, features: features, size: size, start: start)
            engine = try net.addEngine(threshold: threshold, isRelaxed: isRelaxed)
        }

        func dequeue(limit: Int = 32) -> [[UInt8]] { net.engineDequeue(limit: limit) }
    }

    @Test("overtaking: small packets and bad chains are used before what the engine still copies")
    func relaxed() throws {
        let bench = try Bench(vid: 20, size: 5, threshold: 200, isRelaxed: true)
        let net = bench.net
        net.send(pattern(300, 1), id: 3, cuts: [12, 10])
        net.send(pattern(60, 2), id: 1)
        #expect(bench.dequeue() == [pattern(60, 2)])
        #expect(net.transmit.pollAll().map(\.id) == [1])
        // Its slot is free again; the id that the engine works on is not.
        net.send(pattern(60, 3), id: 1)
        #expect(bench.dequeue() == [pattern(60, 3)])
        #expect(net.transmit.pollAll().map(\.id) == [1])
        bench.engine.copy(1)
        #expect(bench.dequeue() == [pattern(300, 1)])
        #expect(net.transmit.pollAll().map(\.id) == [3])
        #expect(net.pool.own.availableCount == 64)
    }

    @Test("an id that the engine works on, offered again, breaks the ring")
    func twice() throws {
        let bench = try Bench(vid: 21, size: 5)
        bench.net.send(pattern(60, 1), id: 3)
        #expect(bench.dequeue().isEmpty)
        bench.net.transmit.describe(1, .init(address: 0x10_0000, byteCount: 72), id: 3)
        bench.net.transmit.setFlags(1, 0x80)
        #expect(bench.dequeue().isEmpty && bench.dequeue().isEmpty)
        let counted = bench.net.statistics(1).ringBroken
        #expect(counted == 1)
        // What was taken before still comes back.
        bench.engine.copy(1)
        #expect(bench.dequeue() == [pattern(60, 1)])
        #expect(bench.net.transmit.pollAll().map(\.id) == [3])
    }

    /// Random traffic from the guest while the engine refuses and copies as it likes.
    @Test("refusals at random: nothing lost, doubled or leaked", arguments: [1, 3, 5, 8, 16])
    func refusals(size: Int) throws {
        for variant in 0..<4 {
            let isRelaxed = variant & 1 == 1
            let bench = try Bench(
                vid: Int32(22 + size), size: size, threshold: variant < 2 ? 0 : 100,
                isRelaxed: isRelaxed, start: (size - 1, variant & 1 == 0))
            let net = bench.net
            var random = FixedRandom(seed: UInt64(size * 8 + variant))
            var sent: [[UInt8]] = []
            var found: [[UInt8]] = []
            var used = 0
            for step in 0..<600 {
                while step < 500, net.transmit.free >= min(3, size),
                    Int.random(in: 0..<4, using: &random) > 0
                {
                    let count = [60, 150, 400].randomElement(using: &random)!
                    let cuts =
                        size >= 3 ? [[], [12], [12, 20]].randomElement(using: &random)! : []
                    // Each packet is another, so that none may stand for another.
                    let number = [UInt8(sent.count & 255), UInt8(sent.count >> 8)]
                    let bytes = pattern(count, step) + number
                    net.send(
                        bytes, id: net.transmit.freeID, cuts: cuts,
                        isIndirect: Bool.random(using: &random))
                    sent.append(bytes)
                }
                let answers: [Int32?] = [nil, 0, 1, 2, -1]
                bench.engine.answer = step < 560 ? answers.randomElement(using: &random)! : nil
                found += bench.dequeue(limit: Int.random(in: 1...6, using: &random))
                used += net.transmit.pollAll().count
                bench.engine.copy(step < 560 ? Int.random(in: 0...2, using: &random) : 99)
            }
            #expect(used == sent.count && sent.count > 50)
            if isRelaxed {
                let order = { (a: [UInt8], b: [UInt8]) in a.lexicographicallyPrecedes(b) }
                #expect(found.sorted(by: order) == sent.sorted(by: order))
            } else {
                #expect(found == sent)
            }
            #expect(net.pool.own.availableCount == 64)
        }
    }

    @Test("to the guest over several chains each: refused ones are rewound as a whole")
    func enqueue() throws {
        for answer: Int32? in [nil, 0, 1, 2, -1] {
            for slot in 0..<7 {
                let bench = try Bench(
                    vid: 40, size: 7, start: (slot, slot & 1 == 0))
                let net = bench.net
                let source = try MockPool(count: 8)
                bench.engine.answer = answer
                for id in 0..<6 { net.offer(net.receive, id: UInt16(id), lengths: [100]) }
                let packets = (0..<3).map { source.packet(pattern(150, $0)) }
                let completed = MockNet.array([PacketBuffer?](repeating: nil, count: 4))
                let outcome = net.burst(0).engineEnqueue(
                    MockNet.array(packets), completed: completed)
                let taken = Int(max(0, answer ?? 3))
                #expect(outcome.taken == taken && net.receive.poll() == nil)
                bench.engine.copy(3)
                bench.engine.answer = nil
                #expect(net.burst(0).collect(completed).count == taken)
                #expect(net.receive.pollAll().map(\.id) == (0..<UInt16(2 * taken)).map { $0 })
                let rest = net.burst(0).engineEnqueue(
                    MockNet.array(Array(packets[taken...])), completed: completed)
                #expect(rest.taken == 3 - taken)
                bench.engine.copy(3)
                #expect(net.burst(0).collect(completed).count == 3 - taken)
                let used = net.receive.pollAll()
                #expect(used.map(\.id) == (UInt16(2 * taken)..<6).map { $0 })
                for packet in packets { packet.freeChain() }
            }
        }
    }
}
