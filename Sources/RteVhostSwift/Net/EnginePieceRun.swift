// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The ends of both arrays of pieces while a packet's are set, where the engine finds them where the
/// processor would.
@safe
struct EnginePieceRun {
    private let sources: FixedView<iovec>
    private let destinations: FixedView<iovec>
    /// Pieces that were set.
    private(set) var count = 0
    /// Their bytes together.
    private(set) var byteCount = 0

    /// A run over as many places on both sides.
    @inline(__always)
    init(sources: FixedView<iovec>, destinations: FixedView<iovec>) {
        // SAFETY: only the counts are read; the places are written with addresses alone.
        precondition(unsafe sources.count == destinations.count)
        unsafe self.sources = sources
        unsafe self.destinations = destinations
    }

    /// Sets the next piece; false when there is no place for it.
    @inline(__always)
    mutating func add(_ pair: CopyPair, _ direction: ChainDirection) -> Bool {
        guard unsafe count < sources.count else { return false }
        // SAFETY: the addresses are for the engine, and good until it is done: the control plane
        // waits for that before it takes memory away.
        let guest = unsafe iovec(iov_base: pair.guest.base, iov_len: pair.count)
        let packet = unsafe iovec(iov_base: pair.packet.base, iov_len: pair.count)
        unsafe add(guest, packet, direction)
        return true
    }

    /// The same for addresses of the engine's own: as many bytes as lie in a row on both sides.
    mutating func add(
        guest: (address: EngineAddress, count: Int), packet: (address: EngineAddress, count: Int),
        _ direction: ChainDirection
    ) -> Bool {
        guard unsafe count < sources.count else { return false }
        let length = min(guest.count, packet.count)
        // SAFETY: as in the function above; nor are the addresses followed here.
        unsafe add(
            iovec(
                iov_base: UnsafeMutableRawPointer(bitPattern: guest.address.rawValue),
                iov_len: length),
            iovec(
                iov_base: UnsafeMutableRawPointer(bitPattern: packet.address.rawValue),
                iov_len: length), direction)
        return true
    }

    @inline(__always)
    private mutating func add(_ guest: iovec, _ packet: iovec, _ direction: ChainDirection) {
        let reads = direction == .deviceReads
        // SAFETY: the views check the place.
        unsafe sources[count] = reads ? guest : packet
        unsafe destinations[count] = reads ? packet : guest
        byteCount &+= unsafe guest.iov_len
        count &+= 1
    }
}
