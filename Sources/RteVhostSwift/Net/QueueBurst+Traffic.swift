// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Packets that have arrived are counted.
extension QueueBurst {
    /// Counts the first `count` packets of `packets`, which have arrived, and of which a loop noted
    /// `sight`.
    @inline(__always)
    func count(_ packets: PacketArray, _ count: Int, _ sight: PacketSight) {
        queue.value.statistics.packets &+= UInt64(truncatingIfNeeded: count)
        queue.value.statistics.bytes &+= UInt64(truncatingIfNeeded: sight.byteCount)
        guard !sight.hasGroups,
            queue.value.statistics.classes.count(
                packets: count, byteCount: sight.byteCount, sizeBits: sight.sizeBits)
        else { return classify(packets, count) }
    }

    /// Counts a packet that arrived; a byte at least of it is in the first mbuf.
    @inline(__always)
    func countOne(_ packet: PacketBuffer, byteCount: Int, firstByte: UInt8) {
        queue.value.statistics.packets &+= 1
        queue.value.statistics.bytes &+= UInt64(truncatingIfNeeded: byteCount)
        if !queue.value.statistics.classes.countOne(byteCount: byteCount, firstByte: firstByte) {
            classify(packet)
        }
    }

    /// Counts a packet that arrived.
    @inline(__always)
    func count(_ packet: PacketBuffer, engineByteCount: UInt32 = 0) {
        countOne(
            packet, byteCount: packet.packetByteCount, firstByte: packet.data.byte(0) ?? 0)
        queue.value.statistics.engineBytes &+= UInt64(engineByteCount)
        queue.value.statistics.enginePackets &+= engineByteCount > 0 ? 1 : 0
    }

    /// Packets of several sizes, or of another size than those before, or for groups of stations.
    /// Out of line: the loops pay nothing for what they do not need.
    @inline(never)
    private func classify(_ packets: PacketArray, _ count: Int) {
        for index in 0..<count {
            guard let packet = packets[index] else { continue }
            queue.value.statistics.classes.count(
                byteCount: packet.packetByteCount, destination: packet.data.destination)
        }
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
