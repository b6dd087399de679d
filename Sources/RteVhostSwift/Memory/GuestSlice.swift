// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Host bytes that a guest shares with us: mapped, in range and permitted. Only translation makes
/// one, so whoever has a slice may touch all of it, for as long as the queue's lock keeps the
/// memory table from changing.
@safe
struct GuestSlice: BitwiseCopyable {
    /// First byte.
    let base: UnsafeMutableRawPointer

    /// Number of bytes.
    let count: Int

    /// For translation alone.
    @inline(__always)
    init(proven base: UnsafeMutableRawPointer, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// A slice without bytes: what a ring has before its addresses are set.
    static var empty: GuestSlice {
        // SAFETY: no byte of a slice of count 0 is ever touched.
        unsafe GuestSlice(proven: UnsafeMutableRawPointer(bitPattern: 64)!, count: 0)
    }

    /// Where it begins, as a number.
    var address: UInt {
        // SAFETY: the address is kept as a number.
        unsafe UInt(bitPattern: base)
    }

    /// The part from `offset` on, of `count` bytes. A range beyond the slice is a bug of ours.
    @inline(__always)
    func part(from offset: Int, count: Int) -> GuestSlice {
        precondition(offset >= 0 && count >= 0 && offset <= self.count - count)
        // SAFETY: within self, by the line above.
        return unsafe GuestSlice(proven: base + offset, count: count)
    }

    /// The first `count` bytes. More than there are is a bug of ours.
    @inline(__always)
    func first(_ count: Int) -> GuestSlice {
        precondition(count >= 0 && count <= self.count)
        // SAFETY: within self, by the line above.
        return unsafe GuestSlice(proven: base, count: count)
    }

    /// What lies behind the first `skipped` bytes. More than there are is a bug of ours.
    @inline(__always)
    func dropping(_ skipped: Int) -> GuestSlice {
        precondition(skipped >= 0 && skipped <= count)
        // SAFETY: within self, by the line above.
        return unsafe GuestSlice(proven: base + skipped, count: count &- skipped)
    }

    /// How far behind the first byte `other` begins; nil unless all of it lies in self.
    func offset(of other: GuestSlice) -> Int? {
        let offset = unsafe UInt(bitPattern: other.base) &- UInt(bitPattern: base)
        guard other.count <= count, offset <= UInt(count - other.count) else { return nil }
        return Int(offset)
    }

    /// This slice and the one that follows it in the host's addresses; nil when `next` does not.
    func joined(_ next: GuestSlice) -> GuestSlice? {
        // SAFETY: addresses are compared; both ranges were proven.
        guard unsafe base + count == next.base else { return nil }
        return unsafe GuestSlice(proven: base, count: count + next.count)
    }

    /// True when both are the same bytes.
    func isSame(as other: GuestSlice) -> Bool {
        // SAFETY: addresses are compared, not followed.
        unsafe base == other.base && count == other.count
    }

    /// True when the first byte lies on a multiple of `alignment`.
    func isAligned(to alignment: Int) -> Bool {
        unsafe UInt(bitPattern: base) & UInt(alignment - 1) == 0
    }
}
