// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Packets, their bytes, and how many there are of each size, and for several stations. Written under
/// the queue's lock. Each number only grows, by itself: who looks without the lock sees none too
/// many, and never one go back.
struct PacketClasses: BitwiseCopyable {
    /// Packets for a group of stations.
    private(set) var multicast: UInt64 = 0
    /// Packets for all stations.
    private(set) var broadcast: UInt64 = 0
    /// Packets by size: shorter than 64 bytes, 64, to 127, to 255, to 511, to 1023, to 1518, more.
    private(set) var sizes = InlineArray<8, UInt64>(repeating: 0)
    /// Their bytes without headers.
    private(set) var bytes: UInt64 = 0
    /// The size of the packet that was counted last, but for packets without bytes, at least 1: most
    /// have the size of the one before, and are for one station.
    private(set) var commonByteCount = 64
    /// Its place in `sizes`.
    private var commonClass = 1

    /// Nothing counted.
    init() {}

    /// Packets.
    var packets: UInt64 {
        var sum: UInt64 = 0
        for index in 0..<8 { sum &+= sizes[index] }
        return sum
    }

    /// Counts packets of the common size, each for one station.
    @inline(__always)
    mutating func add(common count: Int) {
        sizes[commonClass & 7] &+= UInt64(truncatingIfNeeded: count)
        bytes &+= UInt64(truncatingIfNeeded: count &* commonByteCount)
    }

    /// Counts a packet: its bytes, and the six of its destination, first byte lowest.
    mutating func count(byteCount: Int, destination: UInt64?) {
        if byteCount == 0 {
            sizes[Self.sizeClass(0)] &+= 1
        } else {
            if byteCount != commonByteCount {
                commonByteCount = byteCount
                commonClass = Self.sizeClass(byteCount)
            }
            add(common: 1)
        }
        // IEEE 802.3, 3.2.3: the first bit sent says that there are several receivers.
        guard let destination, destination & 1 != 0 else { return }
        if destination == 0xffff_ffff_ffff { broadcast &+= 1 } else { multicast &+= 1 }
    }

    /// Place in `sizes`.
    static func sizeClass(_ byteCount: Int) -> Int {
        if byteCount < 64 { return 0 }
        if byteCount == 64 { return 1 }
        if byteCount > 1518 { return 7 }
        // 65 to 127: the highest bit is bit 6. From 1024 on it is bit 10, up to 1518.
        return Int.bitWidth &- 1 &- byteCount.leadingZeroBitCount &- 4
    }
}
