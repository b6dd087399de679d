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
        var left = byteCount
        var index = 0
        while left > 0, index < state.value.segments.count {
            let slice = state.value.segments[index]
            let count = min(slice.count, left)
            state.value.written.add(slice.part(from: 0, count: count), log, table)
            left &-= count
            index &+= 1
        }
    }

    /// Adds a packet of one chain to what is marked next.
    @inline(never)
    func logPlain(_ chain: PlainChain, _ headerByteCount: Int, _ target: GuestSlice) {
        let log = queue.value.dirtyLog
        let table = device.value.memory.table
        state.value.written.add(chain.header.first(headerByteCount), log, table)
        state.value.written.add(target, log, table)
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
