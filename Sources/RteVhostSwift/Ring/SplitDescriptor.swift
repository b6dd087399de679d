// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A descriptor of the split ring, copied out of guest memory once. virtio 1.2, 2.7.5.
struct SplitDescriptor: RingDescriptor {
    /// Guest-physical address of the buffer, or of an indirect table.
    let address: GuestAddress
    /// Bytes of the buffer or table.
    let byteCount: UInt32
    /// VIRTQ_DESC_F_…
    let flags: UInt16
    /// Index of the next descriptor, when `hasNext`.
    let next: UInt16

    /// Takes the fields out of the two words that were read.
    @inline(__always)
    init(_ words: GuestWords) {
        address = GuestAddress(rawValue: words.first)
        byteCount = UInt32(truncatingIfNeeded: words.second)
        flags = UInt16(truncatingIfNeeded: words.second >> 32)
        next = UInt16(truncatingIfNeeded: words.second >> 48)
    }

    /// VIRTQ_DESC_F_NEXT, WRITE and INDIRECT.
    static let meaningfulFlags: UInt16 = 7

    /// These flags of a descriptor that is a chain by itself.
    @inline(__always)
    static func plainFlags(_ direction: ChainDirection) -> UInt16 {
        direction == .deviceWrites ? 2 : 0
    }
}
