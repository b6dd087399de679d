// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

extension SegmentList {
    /// All bytes behind the first `skipped` in one slice, where they lie in one buffer: with the
    /// header, or behind a buffer that holds just the header, as drivers write most packets.
    @inline(__always)
    func contiguous(after skipped: Int) -> GuestSlice? {
        if count == 1 {
            return self[0].part(from: skipped, count: self[0].count &- skipped)
        }
        return count == 2 && self[0].count == skipped ? self[1] : nil
    }
}

/// A place in a packet's guest buffers, moving forward piece by piece.
struct GuestCursor {
    private var index: Int
    private var offset: Int

    /// A cursor behind the first `skipped` bytes, which the list has.
    @inline(__always)
    init(_ segments: borrowing SegmentList, skipping skipped: Int) {
        index = 0
        offset = skipped
        while index < segments.count, offset >= segments[index].count {
            offset &-= segments[index].count
            index &+= 1
        }
    }

    /// The next bytes in a row, at most `limit`, at least one; nil at the end.
    @inline(__always)
    mutating func next(_ segments: borrowing SegmentList, limit: Int) -> GuestSlice? {
        guard index < segments.count else { return nil }
        let slice = segments[index]
        let count = min(limit, slice.count &- offset)
        let part = slice.part(from: offset, count: count)
        offset &+= count
        if offset == slice.count {
            offset = 0
            index &+= 1
        }
        return part
    }
}
