// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is told of a queue's engine.
struct EngineFacts {
    /// One is registered.
    let isRegistered: Bool
    /// RTE_VHOST_ASYNC_RELAXED_ORDER
    let isRelaxed: Bool
    /// Bytes of the shortest piece that it copies.
    let threshold: Int
    /// Packets in flight, those included whose copies are done and that nobody fetched.
    let inflightCount: Int
    /// Those of them that it has.
    let engineCount: Int

    /// Of an image.
    private init(_ net: borrowing NetQueue) {
        isRegistered = net.engine.isRegistered
        isRelaxed = net.engine.isRelaxed
        threshold = net.engine.threshold
        inflightCount = net.inflight.packetCount
        engineCount = net.inflight.engineCount
    }

    /// Of a queue's datapath that bursts run on.
    static func look(
        at datapath: OpaqueCell, _ scratch: borrowing FixedBuffer<UInt64>
    ) -> EngineFacts {
        datapath.cell(of: NetQueue.self).withImage(scratch) { EngineFacts($0) }
    }
}
