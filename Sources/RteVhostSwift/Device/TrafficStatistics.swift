// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a queue counts besides when its driver has RTE_VHOST_USER_NET_STATS_ENABLE: DPDK 22.11's
/// statistics. Written under the queue's lock.
struct TrafficStatistics: BitwiseCopyable {
    /// Packets.
    private(set) var packets: UInt64 = 0
    /// Their bytes without headers.
    private(set) var bytes: UInt64 = 0
    /// By size and receivers.
    private(set) var classes = PacketClasses()
    /// What the queue had counted when this was set to zero...
    private(set) var before = QueueStatistics()
    /// ...and its lookups of addresses.
    private(set) var lookupsBefore: (hits: UInt64, misses: UInt64) = (0, 0)

    /// Nothing counted since the queue was made.
    init() {}

    /// Nothing counted since the queue had counted so much.
    init(after before: QueueStatistics, _ lookups: (hits: UInt64, misses: UInt64)) {
        self.before = before
        lookupsBefore = lookups
    }

    /// Counts a packet: its bytes, and the six of its destination, first byte lowest.
    @inline(__always)
    mutating func count(byteCount: Int, destination: UInt64?) {
        packets &+= 1
        bytes &+= UInt64(truncatingIfNeeded: byteCount)
        classes.count(byteCount: byteCount, destination: destination)
    }
}
