// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Addresses in this process of a ring's parts. The memory may be gone by the time that they are
/// looked at, so the kernel reads there.
struct RingPlaces: Equatable {
    /// The descriptor table or ring.
    let descriptors: UInt
    /// The available ring, or the driver's events.
    let available: UInt
    /// The used ring, or the device's events.
    let used: UInt

    /// Of slices that are not followed.
    init(_ parts: RingParts) {
        descriptors = parts.descriptors.address
        available = parts.available.address
        used = parts.used.address
    }

    /// A split ring's `avail.flags` and `avail.idx`, `used.idx`: virtio 1.2, 2.7.6 and 2.7.8.
    func indexes() -> (flags: UInt16, available: UInt16, used: UInt16)? {
        guard let flags = System.peek16(available), let next = System.peek16(available &+ 2),
            let done = System.peek16(used &+ 2)
        else { return nil }
        return (flags, next, done)
    }

    /// Slots from a position on that the guest made available in a packed ring, as far as the first
    /// ones in a row up to the ring's end tell: virtio 1.2, 2.8.1.
    func available(
        from position: PackedPosition, size: Int, _ words: borrowing FixedBuffer<UInt64>
    ) -> Int? {
        let count = min(size - Int(position.index), words.count / 2)
        guard count > 0,
            System.peek(
                descriptors &+ UInt(position.index) * 16, count: count * 2, into: words)
        else { return nil }
        for index in 0..<count {
            // The flags are the last two bytes of the sixteen.
            let flags = words[index * 2 + 1] >> 48
            let isAvailable = flags & 0x80 != 0
            let isUsed = flags & 0x8000 != 0
            guard isAvailable == position.wrapCounter, isUsed != position.wrapCounter else {
                return index
            }
        }
        return count
    }
}
