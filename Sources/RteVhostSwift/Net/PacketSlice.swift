// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Host bytes of a packet, in one mbuf.
@safe
struct PacketSlice: BitwiseCopyable {
    /// First byte.
    let base: UnsafeMutableRawPointer
    /// Number of bytes.
    let count: Int

    /// The part from `offset` on, of `count` bytes. A range beyond the slice is a bug of ours.
    @inline(__always)
    func part(from offset: Int, count: Int) -> PacketSlice {
        precondition(offset >= 0 && count >= 0 && offset <= self.count - count)
        // SAFETY: within self, by the line above.
        return unsafe PacketSlice(base: base + offset, count: count)
    }

    /// The first `count` bytes. More than there are is a bug of ours.
    @inline(__always)
    func first(_ count: Int) -> PacketSlice {
        precondition(count >= 0 && count <= self.count)
        // SAFETY: within self, by the line above.
        return unsafe PacketSlice(base: base, count: count)
    }

    /// What lies behind the first `skipped` bytes. More than there are is a bug of ours.
    @inline(__always)
    func dropping(_ skipped: Int) -> PacketSlice {
        precondition(skipped >= 0 && skipped <= count)
        // SAFETY: within self, by the line above.
        return unsafe PacketSlice(base: base + skipped, count: count &- skipped)
    }
}
