// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What a loop notes of the packets that pass, for `PacketClasses`: three sums, in few instructions.
@safe
struct PacketSight: BitwiseCopyable {
    private var sums = crte_sight()

    /// None yet.
    @inline(__always)
    init() {}

    /// Sum of their sizes.
    @inline(__always)
    var byteCount: Int { Int(truncatingIfNeeded: sums.byte_count) }

    /// Bits that any size has.
    @inline(__always)
    var sizeBits: Int { Int(truncatingIfNeeded: sums.size_bits) }

    /// True when any may be for a group of stations.
    @inline(__always)
    var hasGroups: Bool { sums.group_bits & 1 != 0 }

    /// Notes the size of a packet.
    @inline(__always)
    mutating func add(byteCount: Int) {
        // SAFETY: our own sums, which no index is applied to: they need no guard of the stack.
        unsafe _withUnprotectedUnsafeMutablePointer(to: &sums) {
            unsafe crte_note_size($0, UInt64(truncatingIfNeeded: byteCount))
        }
    }

    /// Notes the first byte, which lies there or is 0 where there is none.
    @inline(__always)
    mutating func add(firstOf data: PacketSlice) {
        guard data.count > 0 else { return }
        // SAFETY: checked on the line above; as in the other.
        unsafe _withUnprotectedUnsafeMutablePointer(to: &sums) {
            unsafe crte_note_byte($0, data.base)
        }
    }
}
