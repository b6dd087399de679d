// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Pages that a burst wrote and that the dirty log does not have yet. A locked instruction waits
/// for all stores before it, which is long where they go to lines that another core has: pages are
/// collected here, and marked once for the whole burst. What was added is in the log no later than
/// after `end`, which comes before the guest is shown a packet.
struct DirtyPages: BitwiseCopyable {
    private static let slotCount = 16

    /// Bytes of the log, each in the slot of its lowest bits...
    private var offsets = InlineArray<16, UInt64>(repeating: 0)
    /// ...what is to be set in them...
    private var bits = InlineArray<16, UInt8>(repeating: 0)
    /// ...and which slots are taken.
    private var taken: UInt16 = 0

    /// No pages.
    init() {}

    /// Adds bytes at a guest-physical address. Pages that the log does not have are left out.
    mutating func add(_ address: GuestAddress, count: Int, _ log: DirtyLog) {
        guard count > 0 else { return }
        let end = address.rawValue &+ UInt64(count &- 1)
        add(address.rawValue >> DirtyLog.pageShift, through: end >> DirtyLog.pageShift, log)
    }

    /// Adds pages by number; none where the last is before the first.
    mutating func add(_ first: UInt64, through last: UInt64, _ log: DirtyLog) {
        var page = first
        // Bounded by the packet that was written: each turn is a byte of the log.
        while page <= last {
            let offset = page >> 3
            let lastHere = min(last, page | 7)
            add(DirtyLog.bits(from: page, through: lastHere), at: offset, log)
            page = lastHere &+ 1
        }
    }

    @inline(__always)
    private mutating func add(_ more: UInt8, at offset: UInt64, _ log: DirtyLog) {
        let slot = Int(truncatingIfNeeded: offset) & (Self.slotCount &- 1)
        let bit = UInt16(1) << UInt16(truncatingIfNeeded: slot)
        if taken & bit == 0 || offsets[slot] != offset {
            if taken & bit != 0 { log.set(bits[slot], at: offsets[slot]) }
            offsets[slot] = offset
            bits[slot] = 0
            taken |= bit
        }
        bits[slot] |= more
    }

    /// Marks all of them. None are left.
    @inline(never)
    mutating func end(_ log: DirtyLog) {
        while taken != 0 {
            let slot = taken.trailingZeroBitCount & (Self.slotCount &- 1)
            log.set(bits[slot], at: offsets[slot])
            taken &= taken &- 1
        }
    }
}
