// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A used entry of a packed ring that waits to be written.
struct ShadowEntry: BitwiseCopyable {
    /// What the guest gets back: `PackedDescriptor.usedWord`.
    var word: UInt64 = 0
    /// How it lies in the ring.
    var shape = Shape(slotCount: 1, continues: false)

    /// Slots of the ring that a chain took, and whether its packet began before it.
    struct Shape: BitwiseCopyable {
        private let bits: UInt64

        /// A chain of so many slots.
        @inline(__always)
        init(slotCount: UInt16, continues: Bool) {
            bits = UInt64(slotCount) | (continues ? 1 << 16 : 0)
        }

        /// Slots of the ring that the chain took.
        var slotCount: UInt16 { UInt16(truncatingIfNeeded: bits) }
        /// It belongs to the same packet as the one before.
        var continues: Bool { bits >> 16 != 0 }
    }
}
