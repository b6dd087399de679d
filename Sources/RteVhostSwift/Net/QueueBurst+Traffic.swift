// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Packets that have arrived are counted.
extension QueueBurst {
    /// Counts a packet that passes a loop at `index`, and those before it, and goes on behind it. Out
    /// of line: most are like those before them, and cost a loop no more than to see that.
    @inline(never)
    func count(_ packet: PacketBuffer, _ index: Int, _ sight: inout PacketSight) {
        count(upTo: index, sight)
        classify(packet)
        sight = PacketSight(queue.value.statistics.classes, first: index &+ 1)
    }

    /// Counts those that a loop has passed before `end`.
    @inline(__always)
    func count(upTo end: Int, _ sight: PacketSight) {
        queue.value.statistics.classes.add(common: end &- sight.first)
    }

    /// Counts a packet of one mbuf that arrived.
    @inline(__always)
    func countOne(_ packet: PacketBuffer) {
        let data = packet.data
        guard data.count == queue.value.statistics.classes.commonByteCount,
            let first = data.byte(0), first & 1 == 0
        else { return classify(packet) }
        queue.value.statistics.classes.add(common: 1)
    }

    /// Counts a packet that arrived.
    @inline(__always)
    func count(_ packet: PacketBuffer, engineByteCount: UInt32 = 0) {
        classify(packet)
        queue.value.statistics.engineBytes &+= UInt64(engineByteCount)
        queue.value.statistics.enginePackets &+= engineByteCount > 0 ? 1 : 0
    }

    @inline(never)
    private func classify(_ packet: PacketBuffer) {
        queue.value.statistics.classes.count(
            byteCount: packet.packetByteCount, destination: packet.data.destination)
    }

    /// Counts packets that an asynchronous call took, or gave back.
    @inline(__always)
    func countInflight(submitted: Int = 0, completed: Int = 0) {
        queue.value.statistics.submitted &+= UInt64(truncatingIfNeeded: submitted)
        queue.value.statistics.completed &+= UInt64(truncatingIfNeeded: completed)
    }
}
