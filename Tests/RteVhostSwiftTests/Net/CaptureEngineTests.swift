// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// What is captured and counted of packets that an engine copies.
@Suite struct CaptureEngineTests {
    /// The application gets all of its packets back; the guest does not get those that failed, and
    /// nobody who captures, or asks for DPDK 22.11's statistics, is told that it did.
    @Test func whatFailedIsNotSeen() throws {
        let net = try MockNet(vid: 31)
        let engine = MockEngine(vid: 31)
        let burst = net.burst(0)
        try burst.state.value.register(
            .callbacks(try MockEngine.callbacks()), threshold: 0, isRelaxed: false)
        let ring = try HeapCell(CaptureRing())
        let isOpen = try ring.value.open(limit: 100)
        let queue = net.frontend.queue(0)
        queue.value.capture.store(ring)
        queue.value.isCaptured.store(true, ordering: .releasing)
        for head in 0..<6 { net.offer(net.receive, head: head, lengths: [200]) }
        let packets = MockNet.array(
            (0..<6).map { net.pool.packet([UInt8](repeating: UInt8($0), count: 64)) })
        let completed = MockNet.array([PacketBuffer?](repeating: nil, count: 6))
        let outcome = burst.engineEnqueue(packets, completed: completed)
        #expect(isOpen && outcome.taken == 6 && outcome.result.count == 0)
        engine.copy(6)
        for isFailed in [true, false, false, true, true, false] {
            burst.state.value.inflight.complete(1, isFailed: isFailed)
        }
        let result = burst.collect(completed)
        #expect(MockNet.consume(completed, result.count).map { $0[0] } == [0, 1, 2, 3, 4, 5])
        var found: [UInt8] = []
        while ring.value.pending.count > 0 {
            found.append(ring.value.pending[CaptureRing.headByteCount])
            ring.value.drop(CaptureRing.recordByteCount(64))
        }
        #expect(found == [1, 2, 5])
        let failures = net.statistics(0).notCopied
        #expect(failures == 3)
        let arrived = net.statistics(0)
        #expect(arrived.packets == 3 && arrived.bytes == 3 * 64)
        let traffic = try (0..<2).map {
            queue.value.traffic(try #require(TrafficCounter(rawValue: $0)))
        }
        #expect(traffic == [3, 3 * 64])
        #expect(net.pool.own.availableCount == 64)
    }
}
