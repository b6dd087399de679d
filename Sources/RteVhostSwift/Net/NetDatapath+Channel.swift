// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Registration of DMA engines, and what a queue tells about itself.
extension NetDatapath {
    /// `rte_vhost_async_channel_register`. Throws `notFound`, `invalidArgument`, `exists`, `busy`,
    /// `outOfMemory`.
    static func register(
        _ vid: Int32, _ queue: UInt16, _ kind: EngineKind, threshold: UInt32,
        isRelaxed: Bool
    ) throws(VhostError) {
        let (device, cell) = try DeviceTable.queue(vid, queue)
        let flags = device.lock.withLock { device.value.flags }
        guard flags.allowsAsyncCopy else { throw .invalidArgument }
        try cell.lock.withLock { () throws(VhostError) in
            let state = cell.value.datapath.cell(of: NetQueue.self)
            // It may have closed since it was found.
            guard device.value.isOpen.load(ordering: .relaxed) else { throw .notFound }
            try state.value.register(kind, threshold: threshold, isRelaxed: isRelaxed)
        }
    }

    /// `rte_vhost_async_channel_unregister`. Throws `notFound`; `busy` while packets are in flight
    /// or, unless it may wait, while the lock is held.
    static func unregister(
        _ vid: Int32, _ queue: UInt16, mayWait: Bool
    ) throws(VhostError) {
        try withState(vid, queue, mayWait: mayWait) { state throws(VhostError) in
            guard state.value.engine.isRegistered else { return }
            guard state.value.inflight.count == 0 else { throw .busy }
            state.value.engine.unregister()
        }
    }

    /// `rte_vhost_async_get_inflight`: packets in flight. Throws `notFound`, and, unless it may
    /// wait, `busy` while the lock is held.
    static func inflightCount(
        _ vid: Int32, _ queue: UInt16, mayWait: Bool = false
    ) throws(VhostError) -> Int {
        try withState(vid, queue, mayWait: mayWait) { state throws(VhostError) in
            guard state.value.engine.isRegistered else { throw .notFound }
            return state.value.inflight.packetCount
        }
    }

    /// Runs `body` with the queue locked. Throws `notFound`, and, unless it may wait, `busy` while
    /// the lock is held.
    private static func withState<Value>(
        _ vid: Int32, _ queue: UInt16, mayWait: Bool,
        _ body: (HeapCell<NetQueue>) throws(VhostError) -> Value
    ) throws(VhostError) -> Value {
        let (_, cell) = try DeviceTable.queue(vid, queue)
        if mayWait {
            cell.lock.lock()
        } else if !cell.lock.tryLock() {
            throw .busy
        }
        defer { cell.lock.unlock() }
        return try body(cell.value.datapath.cell(of: NetQueue.self))
    }

    /// True while no packet of an asynchronous call is on its way. The queue's lock is held.
    static func isIdle(_ queue: HeapCell<VirtQueue>) -> Bool {
        queue.value.datapath.cell(of: NetQueue.self).value.inflight.count == 0
    }

    /// A queue's counters and packets in flight. Throws `notFound`.
    static func statistics(
        _ vid: Int32, _ queue: UInt16
    ) throws(VhostError) -> (QueueStatistics, inflight: Int) {
        let (_, cell) = try DeviceTable.queue(vid, queue)
        return cell.lock.withLock {
            let state = cell.value.datapath.cell(of: NetQueue.self)
            return (cell.value.statistics, state.value.inflight.packetCount)
        }
    }
}
