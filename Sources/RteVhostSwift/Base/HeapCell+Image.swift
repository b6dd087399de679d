// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Looking at a value without its lock: whoever polls a queue gives nothing when it finds it locked,
/// so nobody who is only curious may lock it.
extension HeapCell where Value: ~Copyable {
    /// Words that an image takes.
    static var imageWordCount: Int { (MemoryLayout<Value>.size + 7) / 8 }

    /// Calls `body` with a copy of the value's bytes. Each word of it is whole; together they may be
    /// from different moments, so numbers are compared with those of a second image where that
    /// matters, and no pointer of it is followed. Nothing of it may be changed, closed or kept.
    func withImage<Result>(
        _ scratch: borrowing FixedBuffer<UInt64>, _ body: (borrowing Value) -> Result
    ) -> Result {
        precondition(Self.imageWordCount <= scratch.count)
        // SAFETY: a cell's allocation is a multiple of 64 bytes and lives for ever. The scratch
        // buffer has room and is aligned to 64; the image in it is never destroyed, so it owns
        // nothing.
        unsafe crte_copy_words(scratch.base, opaque, Self.imageWordCount)
        return unsafe UnsafeRawPointer(scratch.base).assumingMemoryBound(to: Value.self)
            .withMemoryImage(body)
    }

    /// What `body` makes of an image that is the same, in what `isSame` compares, as the one before
    /// it; of the fifth where they keep changing.
    func settled<Result>(
        _ scratch: borrowing FixedBuffer<UInt64>, _ isSame: (Result, Result) -> Bool,
        _ body: (borrowing Value) -> Result
    ) -> Result {
        var result = withImage(scratch, body)
        for _ in 0..<4 {
            let again = withImage(scratch, body)
            let isSettled = isSame(result, again)
            result = again
            if isSettled { break }
        }
        return result
    }
}

extension UnsafePointer where Pointee: ~Copyable {
    /// The value in place, lent.
    fileprivate func withMemoryImage<Result>(_ body: (borrowing Pointee) -> Result) -> Result {
        // SAFETY: the caller's memory holds a value.
        unsafe body(pointee)
    }
}
