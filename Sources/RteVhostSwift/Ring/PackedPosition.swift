// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A place in a packed ring: slot and wrap counter. virtio 1.2, 2.8.1.
struct PackedPosition: BitwiseCopyable, Equatable {
    /// The slot.
    var index: UInt16 = 0
    /// Inverted with each lap; 1 in the first.
    var wrapCounter = true

    /// The first slot of the first lap.
    init() {}

    /// From the 16 bits that vhost-user and DPDK carry: slot in bits 0 to 14, counter in bit 15.
    init(bits: UInt16) {
        index = bits & 0x7fff
        wrapCounter = bits & 0x8000 != 0
    }

    /// The same 16 bits.
    var bits: UInt16 { index | (wrapCounter ? 0x8000 : 0) }

    /// Moves on by at most one lap in a ring of `size` slots.
    @inline(__always)
    mutating func advance(by count: Int, size: Int) {
        var next = Int(index) &+ count
        if next >= size {
            next &-= size
            wrapCounter = !wrapCounter
        }
        index = UInt16(truncatingIfNeeded: next)
    }

    /// Moves back by at most one lap in a ring of `size` slots.
    @inline(__always)
    mutating func retreat(by count: Int, size: Int) {
        var next = Int(index) &- count
        if next < 0 {
            next &+= size
            wrapCounter = !wrapCounter
        }
        index = UInt16(truncatingIfNeeded: next)
    }

    /// Slots counted over two laps, after which slot and counter are the same again.
    @inline(__always)
    private func doubleLap(size: Int) -> Int { Int(index) &+ (wrapCounter ? 0 : size) }

    /// Slots from here to another place, modulo two laps; both are below `size`.
    @inline(__always)
    func distance(to other: PackedPosition, size: Int) -> Int {
        let count = other.doubleLap(size: size) &- doubleLap(size: size)
        return count >= 0 ? count : count &+ 2 &* size
    }
}
