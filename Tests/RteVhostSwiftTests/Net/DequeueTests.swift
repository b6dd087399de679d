// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Net: from the guest")
struct DequeueTests {
    @Test("packets of many lengths, the header cut in every place, come out as they went in")
    func lengths() throws {
        let net = try MockNet()
        for count in [1, 2, 59, 60, 1500, 2047, 2048, 2049, 5000, 65_535, 65_557] {
            let bytes = pattern(count, count)
            for cuts in [[], [1], [11], [12], [13], [4, 4], [10, 2], [1, 1, 1]] {
                guard cuts.reduce(0, +) < count + 12 else { continue }
                net.send(bytes, head: 0, cuts: cuts)
                let found = net.dequeue()
                #expect(found == [bytes])
            }
        }
        #expect(net.pool.own.availableCount == 64)
        let last = net.transmit.usedEntry(net.transmit.usedIndex &- 1)
        #expect(last.id == 0 && last.byteCount == 0)
    }

    @Test("a burst takes chains in order, at most the limit, and gives all back at once")
    func order() throws {
        let net = try MockNet()
        for head in 0..<16 { net.send(pattern(60, head), head: (head * 5) % 16) }
        let first = net.dequeue(limit: 10)
        #expect(first == (0..<10).map { pattern(60, $0) })
        #expect(net.transmit.usedIndex == 10)
        let second = net.dequeue()
        #expect(second == (10..<16).map { pattern(60, $0) })
        let used = (0..<16).map { Int(net.transmit.usedEntry(UInt16($0)).id) }
        #expect(used == (0..<16).map { ($0 * 5) % 16 })
        let counted = net.statistics(1).packets
        #expect(counted == 16)
    }

    /// Lets `spoil` offer a bad chain between two good packets; what is counted for it.
    private func counted(_ spoil: (MockNet) -> Void) throws -> QueueStatistics {
        let net = try MockNet()
        net.send(pattern(60, 1), head: 0)
        spoil(net)
        net.send(pattern(60, 2), head: 15)
        let found = net.dequeue()
        #expect(found == [pattern(60, 1), pattern(60, 2)])
        #expect(net.transmit.usedIndex == 3)
        let bad = net.transmit.usedEntry(1)
        #expect(bad.id == 4 && bad.byteCount == 0)
        #expect(net.pool.own.availableCount == 64)
        return net.statistics(1)
    }

    @Test("ChainFault.short: a header without payload, or less than a header")
    func short() throws {
        for lengths in [[12], [11], [1], [6, 6], [0], [12, 0]] {
            let found = try counted { $0.offer($0.transmit, head: 4, lengths: lengths) }
            #expect(found.short == 1)
        }
    }

    @Test("ChainFault.tooLong: more than 65,557 bytes behind the header")
    func tooLong() throws {
        let one = try counted { $0.offer($0.transmit, head: 4, lengths: [12, 65_558]) }
        #expect(one.tooLong == 1)
        let many = try counted { net in
            net.offer(net.transmit, head: 4, lengths: [12, 40_000, 40_000])
        }
        #expect(many.tooLong == 1)
    }

    @Test("ChainFault.direction: a buffer that only the device may write")
    func direction() throws {
        let found = try counted {
            $0.offer($0.transmit, head: 4, lengths: [72], isWritable: true)
        }
        #expect(found.direction == 1)
    }

    @Test("ChainFault.unmapped: a buffer outside guest memory")
    func unmapped() throws {
        let found = try counted { net in
            let outside = MockDescriptor(address: 0xffff_0000, byteCount: 72)
            net.transmit.describe(4, outside)
            net.transmit.offer(4)
        }
        #expect(found.unmapped == 1)
    }

    @Test("ChainFault.badChain: a loop")
    func badChain() throws {
        let found = try counted { net in
            let loop = MockDescriptor(
                address: MockNet.buffers, byteCount: 4, flags: MockDescriptor.next, next: 4)
            net.transmit.describe(4, loop)
            net.transmit.offer(4)
        }
        #expect(found.badChain == 1)
    }

    @Test("other memory between two bursts: nothing is read where the first found its chain")
    func movedMemory() throws {
        for cuts in [[], [12], [5, 7], [12, 10, 10]] {
            let net = try MockNet()
            net.send(pattern(100), head: 0, cuts: cuts)
            let before = net.dequeue()
            #expect(before == [pattern(100)])
            net.send(pattern(50), head: 8, cuts: cuts)
            let other = try net.moveMemory()
            let after = net.dequeue()
            #expect(after == [pattern(50)])
            #expect(other.load(net.transmit.used + 2, as: UInt16.self) == 2)
            #expect(net.transmit.usedIndex == 1)
        }
    }

    @Test("an empty pool takes nothing; the same packet comes once there are mbufs")
    func poolEmpty() throws {
        let net = try MockNet(mbufs: 3)
        let held = (0..<3).map { _ in net.pool.packet()! }
        net.send(pattern(5000), head: 0)
        for available in 0..<3 {
            let found = net.dequeue()
            #expect(found.isEmpty)
            #expect(net.transmit.usedIndex == 0)
            #expect(net.pool.own.availableCount == available)
            held[available].freeChain()
        }
        let counted = net.statistics(1).poolEmpty
        #expect(counted == 3)
        let found = net.dequeue()
        #expect(found == [pattern(5000)])
    }

    @Test("long packets: a chain, one external buffer, or none, as the driver's flags say")
    func longPackets() throws {
        // RTE_VHOST_USER_EXTBUF_SUPPORT, LINEARBUF_SUPPORT
        let external: UInt64 = 1 << 5
        let linear: UInt64 = 1 << 6
        let cases: [(UInt64, Int, Int)] = [
            (0, 5000, 3), (external, 5000, 1), (external | linear, 5000, 1), (linear, 5000, 0),
            (linear, 2048, 1), (external, 65_535, 32), (external | linear, 65_535, 0),
            (0, 65_557, 33),
            (0, 65_558, 0),
        ]
        for (flags, byteCount, segments) in cases {
            let net = try MockNet(flags: flags)
            net.send(pattern(byteCount), head: 0)
            let array = MockNet.array([nil])
            let result = net.burst(1).dequeue(pool: net.pool.pool, into: array)
            #expect(result.count == (segments == 0 ? 0 : 1))
            #expect(array[0]?.segmentCount ?? 0 == segments)
            let found = MockNet.consume(array, result.count)
            #expect(found == (segments == 0 ? [] : [pattern(byteCount)]))
            let counted = net.statistics(1).tooLong
            #expect(counted == (segments == 0 ? 1 : 0))
            #expect(net.pool.own.availableCount == 64)
        }
    }

    @Test("a ring that the guest broke stops, is counted once, and starts anew")
    func broken() throws {
        let net = try MockNet()
        net.send(pattern(60), head: 0)
        net.transmit.setAvailableIndex(17)
        for _ in 0..<3 {
            let found = net.dequeue()
            #expect(found.isEmpty)
        }
        let counted = net.statistics(1).ringBroken
        #expect(counted == 1)
        #expect(net.frontend.state(11, 1, 0) == nil)
        net.transmit.setAvailableIndex(1)
        let restarted = try net.frontend.startQueue(1, net.transmit)
        #expect(restarted == nil)
        let found = net.dequeue()
        #expect(found == [pattern(60)])
    }

    @Test("a disabled queue gives nothing until it is enabled again")
    func disabled() throws {
        let net = try MockNet()
        net.send(pattern(60), head: 0)
        #expect(net.frontend.state(18, 1, 0) == nil)
        #expect(net.dequeue().isEmpty)
        #expect(net.frontend.state(18, 1, 1) == nil)
        #expect(net.dequeue() == [pattern(60)])
    }
}
