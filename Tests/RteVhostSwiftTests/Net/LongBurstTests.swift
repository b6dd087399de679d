// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// What one synchronous call takes of packets that are longer than an mbuf.
@Suite("Net: bursts of long packets from the guest")
struct LongBurstTests {
    /// Mbufs of 2 KiB.
    private static let mbufs = 200
    private let short = [UInt8](repeating: 1, count: 60)
    private let long = [UInt8](repeating: 2, count: 5000)

    private func splitNet(flags: UInt64 = 0) throws -> MockNet {
        try MockNet(flags: flags, size: 64, mbufs: Self.mbufs)
    }

    @Test("a split ring: 32 packets of several mbufs a call, and the rest the next time")
    func split() throws {
        let net = try splitNet()
        for head in 0..<40 { net.send(long, head: head) }
        let first = net.dequeue(limit: 64)
        #expect(first.count == 32 && first.allSatisfy { $0 == long })
        #expect(net.transmit.usedIndex == 32)
        let second = net.dequeue(limit: 64)
        #expect(second.count == 8 && second.allSatisfy { $0 == long })
        #expect(net.pool.own.availableCount == Self.mbufs)
    }

    @Test("packets of one mbuf are not counted among them, in whatever buffers they come")
    func shortOnes() throws {
        for cuts in [[], [12], [4, 4], [1, 1, 1, 1]] {
            let net = try splitNet()
            let count = 64 / (cuts.count + 1)
            for index in 0..<count { net.send(short, head: index * (cuts.count + 1), cuts: cuts) }
            let found = net.dequeue(limit: 64)
            #expect(found.count == count)
        }
        let net = try splitNet()
        for head in 0..<64 { net.send(head & 1 == 0 ? long : short, head: head) }
        // The 32nd long packet is the last but one.
        let first = net.dequeue(limit: 64)
        #expect(first.count == 63)
        #expect(first == (0..<63).map { $0 & 1 == 0 ? long : short })
        let second = net.dequeue(limit: 64)
        #expect(second == [short])
    }

    @Test("nor are long ones in one external buffer: RTE_VHOST_USER_EXTBUF_SUPPORT")
    func external() throws {
        let net = try splitNet(flags: 1 << 5)
        for head in 0..<40 { net.send(long, head: head) }
        let found = net.dequeue(limit: 64)
        #expect(found.count == 40)
    }

    @Test("a packed ring gives as many as are asked for")
    func packed() throws {
        let net = try MockPackedNet(size: 64, mbufs: Self.mbufs)
        for id in 0..<UInt16(40) { net.send(long, id: id) }
        let found = net.dequeue(limit: 64)
        #expect(found.count == 40 && found.allSatisfy { $0 == long })
        #expect(net.pool.own.availableCount == Self.mbufs)
    }
}
