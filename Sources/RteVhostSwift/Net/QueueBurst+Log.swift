// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// What a burst writes into guest memory, in the dirty log. Out of line: only while a guest is
/// migrated.
extension QueueBurst {
    /// Adds a packet that was given to the guest, header included, to what is marked next: what
    /// the processor copied now, what the engine copies when it is done.
    @inline(never)
    func logPacket<E: CopyEngine & ~Copyable>(_ packet: PacketBuffer, _ engine: inout E) {
        let byteCount = packet.packetByteCount &+ profile.headerByteCount
        if !engine.remember(state.value.segments, byteCount: byteCount) {
            engine.cancelPacket()
            var processor = ProcessorCopy()
            copy(packet, &processor)
        }
        let log = queue.value.dirtyLog
        let table = device.value.memory.table
        var writes = DirtyRun()
        var left = byteCount
        var index = 0
        while left > 0, index < state.value.segments.count {
            let slice = state.value.segments[index]
            let count = min(slice.count, left)
            writes.add(
                slice.part(from: 0, count: count), log, table, to: &state.value.written)
            left &-= count
            index &+= 1
        }
        writes.end(log, to: &state.value.written)
    }

    /// Marks what a run wrote, as `logWritten` does.
    @inline(never)
    func logRun(_ writes: DirtyRun) {
        writes.end(queue.value.dirtyLog, to: &state.value.written)
        logWritten()
    }

    /// Marks what the burst wrote so far, as must be done before the guest is shown it.
    @inline(never)
    func logWritten() { state.value.written.end(queue.value.dirtyLog) }

    /// Marks what the ring wrote.
    @inline(never)
    func logRing<R: Ring & ~Copyable>(_ ring: inout R) {
        let writes = ring.takeWrites()
        queue.value.log(
            writes, in: device.value.memory.table,
            features: device.value.features.load(ordering: .relaxed))
    }

    /// Marks what the engine wrote for its next `packets` packets.
    @inline(never)
    func logFinished(_ packets: Int) {
        state.value.engine.logFinished(
            packets, in: queue.value.dirtyLog, device.value.memory.table)
    }
}
