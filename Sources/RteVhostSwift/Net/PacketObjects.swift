// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Mbufs of a `PacketSupply` as they came from the pool: not prepared yet. Good until the supply
/// hands out one itself.
@safe
struct PacketObjects {
    private let base: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// How many there are.
    let count: Int

    /// For the supply alone.
    @inline(__always)
    init(base: UnsafeMutablePointer<UnsafeMutableRawPointer?>, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// The first `count` of them.
    @inline(__always)
    func first(_ count: Int) -> PacketObjects {
        precondition(count >= 0 && count <= self.count)
        // SAFETY: within these, by the line above.
        return unsafe PacketObjects(base: base, count: count)
    }

    /// The mbuf at `index`.
    @inline(__always)
    subscript(index: Int) -> PacketBuffer {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: checked on the line above; a pool's objects are not NULL.
        return unsafe PacketBuffer(object: base[index].unsafelyUnwrapped)
    }
}
