// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is done with packets that have arrived: they are counted; and out of line, only where
/// somebody asked for it, there are DPDK 22.11's statistics, and copies for somebody who captures.
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

    /// Shows the first `count` packets of `packets`, which have arrived, to those who watch, but for
    /// the first `seen`, which they saw.
    @inline(__always)
    func countTraffic(_ packets: PacketArray, _ count: Int, seen: Int = 0) {
        if queue.value.watch.isAny { watch(packets, seen, count) }
    }

    @inline(never)
    private func watch(_ packets: PacketArray, _ first: Int, _ end: Int) {
        if queue.value.watch.has(.statistics) { countEach(packets, first, end) }
        if queue.value.watch.has(.capture) { capture(packets, first, end) }
    }

    /// Passes over the packet at `index`, which an engine failed to copy: it has not arrived. Those
    /// in front of it, but for the first `seen`, are shown. How many were seen then.
    @inline(never)
    func passOver(_ index: Int, of packets: PacketArray, _ seen: Int) -> Int {
        if queue.value.watch.isAny { watch(packets, seen, index) }
        return index &+ 1
    }

    private func countEach(_ packets: PacketArray, _ first: Int, _ end: Int) {
        guard first < end else { return }
        for index in first..<end {
            guard let packet = packets[index] else { continue }
            queue.value.traffic.count(
                byteCount: packet.packetByteCount, destination: packet.data.destination)
        }
    }

    /// Counts packets that an asynchronous call took, or gave back.
    @inline(__always)
    func countInflight(submitted: Int = 0, completed: Int = 0) {
        queue.value.statistics.submitted &+= UInt64(truncatingIfNeeded: submitted)
        queue.value.statistics.completed &+= UInt64(truncatingIfNeeded: completed)
    }
}
