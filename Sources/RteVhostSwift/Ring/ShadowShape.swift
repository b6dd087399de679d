// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How a used entry of a packed ring that waits to be written will lie there.
struct ShadowShape: BitwiseCopyable {
    private let bits: UInt32

    /// A chain of one slot that is a packet by itself.
    static let single = ShadowShape(slotCount: 1, continues: false)

    /// A chain of so many slots; one that `continues` belongs to the same packet as the one before.
    @inline(__always)
    init(slotCount: UInt16, continues: Bool) {
        bits = UInt32(slotCount) | (continues ? 1 << 16 : 0)
    }

    /// Slots of the ring that the chain took.
    var slotCount: UInt16 { UInt16(truncatingIfNeeded: bits) }
    /// It belongs to the same packet as the one before.
    var continues: Bool { bits >> 16 != 0 }
}
