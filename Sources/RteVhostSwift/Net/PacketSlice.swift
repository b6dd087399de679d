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
    /// Where a DMA engine finds them all in a row; nil when that has to be looked up page by page.
    let engine: EngineAddress?

    /// Where a DMA engine finds the first bytes, and how many of them lie there in a row; nil when
    /// nobody knows.
    @inline(__always)
    func engineRun() -> (address: EngineAddress, count: Int)? {
        if let engine { return (engine, count) }
        return lookUpEngineRun()
    }

    @inline(never)
    private func lookUpEngineRun() -> (address: EngineAddress, count: Int)? {
        // SAFETY: the address is looked up, not followed.
        let host = unsafe UInt(bitPattern: base)
        guard let address = EngineAddressing.physical(host) else { return nil }
        return (
            EngineAddress(rawValue: address),
            min(count, EngineAddressing.bytesLeftOnPage(after: host))
        )
    }

    /// The part from `offset` on, of `count` bytes. A range beyond the slice is a bug of ours.
    @inline(__always)
    func part(from offset: Int, count: Int) -> PacketSlice {
        precondition(offset >= 0 && count >= 0 && offset <= self.count - count)
        let address = engine.map { EngineAddress(rawValue: $0.rawValue &+ UInt(offset)) }
        // SAFETY: within self, by the line above.
        return unsafe PacketSlice(base: base + offset, count: count, engine: address)
    }
}
