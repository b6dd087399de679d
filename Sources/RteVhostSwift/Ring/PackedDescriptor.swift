// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A descriptor of the packed ring, copied out of guest memory once. virtio 1.2, 2.8.13.
struct PackedDescriptor: RingDescriptor {
    /// Guest-physical address of the buffer, or of an indirect table.
    let address: GuestAddress
    /// Bytes of the buffer or table.
    let byteCount: UInt32
    /// The buffer's id; that of a chain stands in its last descriptor.
    let id: UInt16
    /// VIRTQ_DESC_F_…
    let flags: UInt16

    /// Takes the fields out of the two words that were read.
    @inline(__always)
    init(_ words: GuestWords) {
        address = GuestAddress(rawValue: words.first)
        byteCount = UInt32(truncatingIfNeeded: words.second)
        id = UInt16(truncatingIfNeeded: words.second >> 32)
        flags = UInt16(truncatingIfNeeded: words.second >> 48)
    }

    /// True when the driver made it available in the lap of this wrap counter: VIRTQ_DESC_F_AVAIL
    /// equals the counter, VIRTQ_DESC_F_USED does not.
    @inline(__always)
    func isAvailable(_ wrapCounter: Bool) -> Bool {
        flags & 0x8080 == (wrapCounter ? 0x0080 : 0x8000)
    }

    /// True when the device used it in the lap of this wrap counter: both equal the counter.
    @inline(__always)
    func isUsed(_ wrapCounter: Bool) -> Bool {
        flags & 0x8080 == (wrapCounter ? 0x8080 : 0)
    }

    /// VIRTQ_DESC_F_NEXT, WRITE, INDIRECT, AVAIL and USED.
    static let meaningfulFlags: UInt16 = 0x8087

    /// Those of them that change with the lap.
    static let lapFlags: UInt16 = 0x8080

    /// These flags of an available descriptor that is a chain by itself.
    @inline(__always)
    static func plainFlags(_ direction: ChainDirection, _ wrapCounter: Bool) -> UInt16 {
        (wrapCounter ? 0x0080 : 0x8000) | (direction == .deviceWrites ? 2 : 0)
    }

    /// The second word of a used descriptor, but for `usedFlags`: id and length, and
    /// VIRTQ_DESC_F_WRITE where the device wrote anything.
    @inline(__always)
    static func usedWord(_ entry: UsedEntry) -> UInt64 {
        let flags = entry.byteCount > 0 ? usedWrite : 0
        return UInt64(entry.byteCount) | UInt64(entry.id) << 32 | flags
    }

    /// VIRTQ_DESC_F_WRITE in such a word.
    static let usedWrite: UInt64 = 2 << 48

    /// VIRTQ_DESC_F_AVAIL and VIRTQ_DESC_F_USED of that word in the lap of this wrap counter.
    @inline(__always)
    static func usedFlags(_ wrapCounter: Bool) -> UInt64 { wrapCounter ? 0x8080 << 48 : 0 }
}
