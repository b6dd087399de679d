// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a queue counts besides when its driver has RTE_VHOST_USER_NET_STATS_ENABLE: DPDK 22.11's
/// statistics. Written under the queue's lock.
struct TrafficStatistics: BitwiseCopyable {
    /// Packets.
    private(set) var packets: UInt64 = 0
    /// Their bytes without headers.
    private(set) var bytes: UInt64 = 0
    /// Packets for a group of stations.
    private(set) var multicast: UInt64 = 0
    /// Packets for all stations.
    private(set) var broadcast: UInt64 = 0
    /// Packets by size: shorter than 64 bytes, 64, to 127, to 255, to 511, to 1023, to 1518, more.
    private(set) var sizes = InlineArray<8, UInt64>(repeating: 0)
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
        sizes[Self.sizeClass(byteCount)] &+= 1
        // IEEE 802.3, 3.2.3: the first bit sent says that there are several receivers.
        guard let destination, destination & 1 != 0 else { return }
        if destination == 0xffff_ffff_ffff { broadcast &+= 1 } else { multicast &+= 1 }
    }

    /// Place in `sizes`.
    @inline(__always)
    static func sizeClass(_ byteCount: Int) -> Int {
        if byteCount < 64 { return 0 }
        if byteCount == 64 { return 1 }
        if byteCount > 1518 { return 7 }
        // 65 to 127: the highest bit is bit 6. From 1024 on it is bit 10, up to 1518.
        return Int.bitWidth &- 1 &- byteCount.leadingZeroBitCount &- 4
    }
}
