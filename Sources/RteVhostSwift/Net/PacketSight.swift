// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// How a loop counts the packets that pass: those of the common size, each for one station, are as
/// many as there are between two others, so that it has to remember nothing of them.
@safe
struct PacketSight: BitwiseCopyable {
    /// Of most packets. It stays where it lies: see `crte_is_same`.
    private var commonByteCount: Int
    /// Index of the first packet that is not counted yet.
    let first: Int

    /// From `first` on none is counted.
    @inline(__always)
    init(_ classes: PacketClasses, first: Int = 0) {
        precondition(classes.commonByteCount > 0)
        commonByteCount = classes.commonByteCount
        self.first = first
    }

    /// True where the packet is like most: the size says that there is a first byte to look at.
    @inline(__always)
    mutating func isCommon(_ data: PacketSlice) -> Bool {
        // SAFETY: our own number, which no index is applied to: it needs no guard of the stack.
        let isSame = unsafe _withUnprotectedUnsafeMutablePointer(to: &commonByteCount) {
            unsafe crte_is_same($0, data.count)
        }
        guard isSame else { return false }
        // SAFETY: as many bytes as the line above says, which is at least one, as `init` checked.
        return unsafe data.base.load(as: UInt8.self) & 1 == 0
    }
}
