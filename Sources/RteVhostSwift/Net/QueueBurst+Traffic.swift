// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// DPDK 22.11's statistics. Out of line: only where the driver asked for them.
extension QueueBurst {
    /// Counts the first `count` packets of `packets`, which have arrived.
    @inline(__always)
    func countTraffic(_ packets: PacketArray, _ count: Int) {
        if profile.keepsStatistics { countEach(packets, count) }
    }

    @inline(never)
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
