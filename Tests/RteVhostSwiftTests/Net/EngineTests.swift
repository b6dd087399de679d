// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// The asynchronous calls with an engine that a test steps.
@Suite("Net: DMA engine")
struct EngineTests {
    /// A net device with an engine on both queues.
    private struct Bench {
        let net: MockNet
        let engine: MockEngine

        init(
            vid: Int32, threshold: UInt32 = 0, isRelaxed: Bool = false,
            features: UInt64 = Feature.version1, mbufs: Int = 64
        ) throws {
            net = try MockNet(vid: vid, features: features, mbufs: mbufs)
            engine = try net.addEngine(threshold: threshold, isRelaxed: isRelaxed)
        }

        func dequeue(limit: Int = 32) -> [[UInt8]] { net.engineDequeue(limit: limit) }

        func inflight(_ queue: Int) -> Int { net.inflight(queue) }
    }

    @Test("packets come in order, each when the engine has copied it, not before")
    func order() throws {
        let bench = try Bench(vid: 1)
        for number in 0..<5 {
            let bytes = pattern(100 + number, number)
            bench.net.send(bytes, head: number * 3, cuts: [12, 50])
        }
        #expect(bench.dequeue().isEmpty)
        #expect(bench.inflight(1) == 5 && bench.net.transmit.usedIndex == 0)
        #expect(bench.engine.taken == [2, 2, 2, 2, 2])
        for step in 0..<5 {
            bench.engine.copy(1)
            #expect(bench.dequeue() == [pattern(100 + step, step)])
            #expect(bench.net.transmit.usedIndex == UInt16(step + 1))
            #expect(bench.inflight(1) == 4 - step)
        }
        #expect(bench.net.pool.own.availableCount == 64)
    }

    @Test("pieces below the threshold are the processor's; such packets wait for their turn")
    func threshold() throws {
        let bench = try Bench(vid: 2, threshold: 200)
        bench.net.send(pattern(199), head: 0)
        #expect(bench.dequeue() == [pattern(199)])
        bench.net.send(pattern(200, 1), head: 1)
        bench.net.send(pattern(10, 2), head: 2)
        #expect(bench.dequeue().isEmpty)
        #expect(bench.engine.waiting.count == 1 && bench.inflight(1) == 2)
        bench.engine.copy(1)
        #expect(bench.dequeue() == [pattern(200, 1), pattern(10, 2)])
        let counted = bench.net.statistics(1)
        #expect(counted.packets == 3 && counted.engineBytes == 200 && counted.bytes == 409)
    }

    @Test("what the engine refuses is offered again: nothing lost, doubled or leaked")
    func refused() throws {
        let bench = try Bench(vid: 3)
        for head in 0..<8 { bench.net.send(pattern(64, head), head: head) }
        var found: [[UInt8]] = []
        for answer: Int32 in [0, 3, -1, 2, 0] {
            bench.engine.answer = answer
            found += bench.dequeue()
        }
        #expect(bench.inflight(1) == 5)
        #expect(bench.net.pool.own.availableCount == 59)
        bench.engine.answer = nil
        bench.engine.copy(5)
        found += bench.dequeue()
        bench.engine.copy(8)
        found += bench.dequeue()
        #expect(found == (0..<8).map { pattern(64, $0) })
        let used = (0..<8).map { Int(bench.net.transmit.usedEntry(UInt16($0)).id) }
        #expect(used == Array(0..<8))
        let counted = bench.net.statistics(1)
        #expect(counted.engineErrors == 1)
        #expect(counted.engineRefused == 8 + 5 + 5 + 3 + 3)
        #expect(bench.net.pool.own.availableCount == 64)
    }

    @Test("an engine that reports nonsense is counted, and believed only within reason")
    func nonsense() throws {
        let bench = try Bench(vid: 4)
        for head in 0..<4 { bench.net.send(pattern(64, head), head: head) }
        #expect(bench.dequeue().isEmpty)
        bench.engine.copy(4)
        bench.engine.report = -5
        #expect(bench.dequeue().isEmpty)
        bench.engine.report = 100
        #expect(bench.dequeue(limit: 2).count == 2)
        #expect(bench.dequeue(limit: 2).count == 2)
        #expect(bench.dequeue().isEmpty)
        let counted = bench.net.statistics(1).engineErrors
        #expect(counted == 3)
        #expect(bench.inflight(1) == 0)
    }

    @Test("a bad chain between packets keeps its place in the order")
    func badChain() throws {
        for isRelaxed in [false, true] {
            let bench = try Bench(vid: isRelaxed ? 6 : 5, isRelaxed: isRelaxed)
            bench.net.send(pattern(64, 1), head: 0)
            bench.net.offer(bench.net.transmit, head: 5, lengths: [3])
            bench.net.send(pattern(64, 2), head: 9)
            #expect(bench.dequeue().isEmpty)
            #expect(bench.net.transmit.usedIndex == (isRelaxed ? 1 : 0))
            bench.engine.copy(2)
            #expect(bench.dequeue() == [pattern(64, 1), pattern(64, 2)])
            let used = (0..<3).map { Int(bench.net.transmit.usedEntry(UInt16($0)).id) }
            #expect(used == (isRelaxed ? [5, 0, 9] : [0, 5, 9]))
            let counted = bench.net.statistics(1).short
            #expect(counted == 1)
        }
    }

    @Test("IN_ORDER overrules relaxed order")
    func inOrder() throws {
        let bench = try Bench(
            vid: 7, isRelaxed: true, features: Feature.version1 | Feature.inOrder)
        bench.net.send(pattern(64, 1), head: 0)
        bench.net.offer(bench.net.transmit, head: 5, lengths: [3])
        #expect(bench.dequeue().isEmpty)
        #expect(bench.net.transmit.usedIndex == 0)
        bench.engine.copy(1)
        #expect(bench.dequeue().count == 1 && bench.net.transmit.usedIndex == 2)
    }

    @Test("a synchronous call waits for what an asynchronous one has in flight")
    func mixed() throws {
        let bench = try Bench(vid: 8)
        bench.net.send(pattern(64, 1), head: 0)
        #expect(bench.dequeue().isEmpty)
        bench.net.send(pattern(64, 2), head: 1)
        #expect(bench.net.dequeue().isEmpty)
        bench.engine.copy(1)
        #expect(bench.dequeue(limit: 1) == [pattern(64, 1)])
        #expect(bench.net.dequeue().isEmpty)
        bench.engine.copy(1)
        #expect(bench.dequeue() == [pattern(64, 2)])
    }

    @Test("to the guest: submitted packets come back when they are copied, refused ones stay")
    func enqueue() throws {
        for answer: Int32? in [nil, 0, 1, 3, -1] {
            let bench = try Bench(vid: 9)
            let source = try MockPool(count: 8)
            bench.engine.answer = answer
            let places = (0..<4).flatMap {
                bench.net.offer(bench.net.receive, head: $0 * 2, lengths: [12, 80])
            }
            let packets = (0..<4).map { source.packet(pattern(64, $0), cuts: [30]) }
            let completed = MockNet.array([PacketBuffer?](repeating: nil, count: 4))
            let outcome = bench.net.burst(0).engineEnqueue(
                MockNet.array(packets), completed: completed)
            let taken = Int(max(0, answer ?? 4))
            #expect(outcome.taken == taken && outcome.result.count == 0)
            #expect(bench.inflight(0) == taken && bench.net.receive.usedIndex == 0)
            bench.engine.copy(4)
            let result = bench.net.burst(0).collect(completed)
            #expect(result.count == taken)
            for index in 0..<taken {
                #expect(completed[index]?.pointer == packets[index].pointer)
                let used = bench.net.receive.usedEntry(UInt16(index))
                #expect(used.id == UInt32(index * 2) && used.byteCount == 76)
                let found = bench.net.guest.read(64, at: places[2 * index + 1])
                #expect(found == pattern(64, index))
            }
            #expect(bench.net.receive.usedIndex == UInt16(taken))
            for packet in packets { packet.freeChain() }
            #expect(source.own.availableCount == 8)
        }
    }

    @Test("GET_VRING_BASE waits for the engine; what nobody fetched is freed at the end")
    func stop() throws {
        let bench = try Bench(vid: 10)
        for head in 0..<3 { bench.net.send(pattern(64, head), head: head) }
        #expect(bench.dequeue().isEmpty)
        bench.engine.copy(3)
        #expect(bench.net.frontend.state(11, 1, 0) == nil)
        #expect(bench.net.transmit.usedIndex == 3)
        #expect(bench.net.frontend.answer()?.words == [1, 3])
        #expect(bench.inflight(1) == 3)
        let isIdle = bench.net.frontend.device.finishClosing()
        #expect(isIdle)
        #expect(bench.net.pool.own.availableCount == 64)
    }

    @Test("VhostError.exists: one engine a queue, until it is let go")
    func registration() throws {
        let bench = try Bench(vid: 11)
        func register() -> VhostError? {
            fault { () throws(VhostError) in
                guard let callbacks = try? MockEngine.callbacks() else { throw .outOfMemory }
                try bench.net.burst(1).state.value.register(
                    .callbacks(callbacks), threshold: 0, isRelaxed: false)
            }
        }
        #expect(register() == .exists)
        bench.net.burst(1).state.value.engine.unregister()
        #expect(register() == nil)
    }
}
