// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is done with packets that have arrived: DPDK 22.11's statistics, and copies for somebody who
/// captures. Out of line: only where somebody asked for it.
extension QueueBurst {
    /// Counts the first `count` packets of `packets`, which have arrived, and has those behind the
    /// first `captured` captured.
    @inline(__always)
    func countTraffic(_ packets: PacketArray, _ count: Int, captured: Int = 0) {
        if queue.value.watch.isAny { watch(packets, count, captured) }
    }

    @inline(never)
    private func watch(_ packets: PacketArray, _ count: Int, _ captured: Int) {
        if queue.value.watch.has(.statistics) { countEach(packets, count) }
        if queue.value.watch.has(.capture) { capture(packets, captured, count) }
    }

    /// Leaves the packet at `index` out of what is captured, which an engine failed to copy; those
    /// in front of it, but for the first `captured`, are captured. How many packets that makes.
    @inline(never)
    func passOver(_ index: Int, of packets: PacketArray, _ captured: Int) -> Int {
        if queue.value.watch.has(.capture) { capture(packets, captured, index) }
        return index &+ 1
    }

    private func countEach(_ packets: PacketArray, _ count: Int) {
        for index in 0..<count {
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
