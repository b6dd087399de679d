// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Bytes that an engine is to copy, as it is told of them.
@safe
struct EnginePiece: BitwiseCopyable {
    /// Where from.
    let source: iovec
    /// Where to: as many.
    let destination: iovec

    /// A piece that the engine finds where the processor would.
    @inline(__always)
    init(_ pair: CopyPair, _ direction: ChainDirection) {
        // SAFETY: the addresses are for the engine, and good until it is done: the control plane
        // waits for that before it takes memory away.
        unsafe self.init(
            guest: pair.guest.base, packet: pair.packet.base, count: pair.count, direction)
    }

    /// One at addresses of the engine's own.
    @inline(__always)
    init(
        guest: EngineAddress, packet: EngineAddress, count: Int, _ direction: ChainDirection
    ) {
        // SAFETY: as in the function above; nor are the addresses followed here.
        unsafe self.init(
            guest: UnsafeMutableRawPointer(bitPattern: guest.rawValue),
            packet: UnsafeMutableRawPointer(bitPattern: packet.rawValue), count: count, direction)
    }

    @inline(__always)
    private init(
        guest: UnsafeMutableRawPointer?, packet: UnsafeMutableRawPointer?, count: Int,
        _ direction: ChainDirection
    ) {
        let reads = direction == .deviceReads
        // SAFETY: nothing is followed here.
        unsafe source = iovec(iov_base: reads ? guest : packet, iov_len: count)
        unsafe destination = iovec(iov_base: reads ? packet : guest, iov_len: count)
    }

    /// Its bytes.
    // SAFETY: a number.
    @inline(__always)
    var byteCount: Int { unsafe source.iov_len }
}
