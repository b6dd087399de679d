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
    mutating func add(_ piece: EnginePiece) -> Bool {
        // SAFETY: the views check the place.
        guard unsafe count < sources.count else { return false }
        unsafe sources[count] = piece.source
        unsafe destinations[count] = piece.destination
        byteCount &+= piece.byteCount
        count &+= 1
        return true
    }
}
