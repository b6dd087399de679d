// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Packets by size, and by how many stations they are for. Written under the queue's lock.
struct PacketClasses: BitwiseCopyable {
    /// Packets for a group of stations.
    private(set) var multicast: UInt64 = 0
    /// Packets for all stations.
    private(set) var broadcast: UInt64 = 0
    /// Packets by size: shorter than 64 bytes, 64, to 127, to 255, to 511, to 1023, to 1518, more.
    private(set) var sizes = InlineArray<8, UInt64>(repeating: 0)
    /// Size of the packet that was counted last by itself, and its class: most have the size of
    /// the one before.
    private var commonByteCount = 0
    private var commonClass = 0

    /// Nothing counted.
    init() {}

    /// Counts packets of which a loop saw that none is for a group, where each has the size of those
    /// before: `sizeBits` are all bits that any size has, and no size is larger than those; where
    /// their sum is that of as many of the largest, all are that. False where they have to be
    /// counted one by one.
    @inline(__always)
    mutating func count(packets: Int, byteCount: Int, sizeBits: Int) -> Bool {
        guard sizeBits == commonByteCount, byteCount == packets &* commonByteCount else {
            return false
        }
        sizes[commonClass & 7] &+= UInt64(truncatingIfNeeded: packets)
        return true
    }

    /// The same for one packet, of which the first byte is known.
    @inline(__always)
    mutating func countOne(byteCount: Int, firstByte: UInt8) -> Bool {
        guard byteCount == commonByteCount, firstByte & 1 == 0 else { return false }
        sizes[commonClass & 7] &+= 1
        return true
    }

    /// Counts a packet: its bytes, and the six of its destination, first byte lowest.
    @inline(__always)
    mutating func count(byteCount: Int, destination: UInt64?) {
        if byteCount != commonByteCount || commonByteCount == 0 {
            commonByteCount = byteCount
            commonClass = Self.sizeClass(byteCount)
        }
        sizes[commonClass & 7] &+= 1
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
