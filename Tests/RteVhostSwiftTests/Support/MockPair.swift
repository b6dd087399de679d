// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import RteVhostSwift

/// What net devices with one pair of queues have in common, whatever their rings' format.
protocol MockPair: AnyObject {
    var frontend: MockFrontend { get }
    var pool: MockPool { get }
}

extension MockPair {
    /// A burst on queue 0 or 1.
    func burst(_ queue: Int) -> QueueBurst {
        QueueBurst(device: frontend.device, queue: frontend.queue(queue))
    }

    /// Counters of a queue.
    func statistics(_ queue: Int) -> QueueStatistics { frontend.queue(queue).value.statistics }

    /// Takes up to `limit` packets from the guest: their bytes.
    func dequeue(limit: Int = 32) -> [[UInt8]] {
        let array = MockNet.array([PacketBuffer?](repeating: nil, count: limit))
        let result = burst(1).dequeue(pool: pool.pool, into: array)
        return MockNet.consume(array, result.count)
    }

    /// The same by the engine: bytes of what is complete.
    func engineDequeue(limit: Int = 32) -> [[UInt8]] {
        let array = MockNet.array([PacketBuffer?](repeating: nil, count: limit))
        let result = burst(1).engineDequeue(pool: pool.pool, into: array)
        return MockNet.consume(array, result.count)
    }

    /// An engine on both queues.
    func addEngine(threshold: UInt32, isRelaxed: Bool) throws -> MockEngine {
        let engine = MockEngine(vid: frontend.device.value.vid)
        for queue in 0..<2 {
            try burst(queue).state.value.register(
                .callbacks(try MockEngine.callbacks()), threshold: threshold,
                isRelaxed: isRelaxed)
        }
        return engine
    }

    /// Packets in flight on a queue.
    func inflight(_ queue: Int) -> Int { burst(queue).state.value.inflight.packetCount }
}
