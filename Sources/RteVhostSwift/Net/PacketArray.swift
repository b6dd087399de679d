// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The application's array of mbuf pointers, `pkts` and `count` of a call.
@safe
struct PacketArray {
    private let base: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>

    /// Places in the array.
    let count: Int

    /// Wraps the array; nil for NULL.
    @inline(__always)
    init?(_ base: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, count: UInt16) {
        // SAFETY: the application promised `count` places.
        guard let base = unsafe base else { return nil }
        unsafe self.base = base
        self.count = Int(count)
    }

    /// The packet at `index`; nil where the application put NULL.
    @inline(__always)
    subscript(index: Int) -> PacketBuffer? {
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // SAFETY: checked on the line above; the application promised `count` places.
            return unsafe base[index].map { unsafe PacketBuffer($0) }
        }
        nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // SAFETY: as above.
            unsafe base[index] = newValue.map { unsafe $0.pointer }
        }
    }

    /// True when the first packet is a long one, and the others most likely are.
    @inline(__always)
    var beginsLong: Bool {
        guard count > 0, let packet = self[0] else { return false }
        return packet.byteCount > LongBuffers.threshold
    }

    /// The places behind the first `skipped`.
    @inline(__always)
    func dropping(_ skipped: Int) -> PacketArray {
        precondition(skipped >= 0 && skipped <= count)
        // SAFETY: within the array, by the line above.
        return unsafe PacketArray(unchecked: base + skipped, count: count &- skipped)
    }

    /// The first `count` places.
    @inline(__always)
    func first(_ count: Int) -> PacketArray {
        precondition(count >= 0 && count <= self.count)
        // SAFETY: within the array, by the line above.
        return unsafe PacketArray(unchecked: base, count: count)
    }

    @inline(__always)
    private init(
        unchecked base: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>, count: Int
    ) {
        unsafe self.base = base
        self.count = count
    }
}
