// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// How a loop counts the packets that pass: those of the common size, each for one station, are as
/// many as there are between two others, so that it has to remember nothing of them.
@safe
struct PacketSight: BitwiseCopyable {
    private var values: crte_sight

    /// From `first` on none is counted.
    @inline(__always)
    init(_ classes: PacketClasses, first: Int = 0) {
        precondition(classes.commonByteCount > 0)
        values = crte_sight(
            byte_count: UInt64(truncatingIfNeeded: classes.commonByteCount),
            first: UInt64(truncatingIfNeeded: first))
    }

    /// Index of the first packet that is not counted yet.
    @inline(__always)
    var first: Int { Int(truncatingIfNeeded: values.first) }

    /// True where the packet is like most: the size says that there is a first byte to look at.
    @inline(__always)
    mutating func isCommon(_ data: PacketSlice) -> Bool {
        // SAFETY: our own two numbers, which no index is applied to: they need no guard of the stack.
        let isSame = unsafe _withUnprotectedUnsafeMutablePointer(to: &values) {
            unsafe crte_is_common_size($0, UInt64(truncatingIfNeeded: data.count))
        }
        guard isSame else { return false }
        // SAFETY: as many bytes as the line above says, which is at least one, as `init` checked.
        return unsafe data.base.load(as: UInt8.self) & 1 == 0
    }
}
