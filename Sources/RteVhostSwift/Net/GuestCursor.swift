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

/// A place in a packet's guest buffers, moving forward piece by piece. Good until the list changes.
struct GuestCursor {
    private let slices: FixedView<GuestSlice>
    /// What is left of the buffer at hand; without bytes at the end of the list alone.
    private var rest = GuestSlice.empty
    /// Where the buffer behind it stands in the list.
    private var index = 0

    /// A cursor behind the first `skipped` bytes, which the list has.
    @inline(__always)
    init(_ segments: borrowing SegmentList, skipping skipped: Int) {
        slices = segments.view
        var left = skipped
        while index < slices.count {
            let slice = slices[index]
            index &+= 1
            guard left >= slice.count else {
                rest = slice.dropping(left)
                return
            }
            left &-= slice.count
        }
    }

    /// The next bytes in a row, at most `limit`, at least one; nil at the end.
    @inline(__always)
    mutating func next(limit: Int) -> GuestSlice? {
        guard rest.count > 0 else { return nil }
        let part = rest.first(min(limit, rest.count))
        rest = rest.dropping(part.count)
        if rest.count == 0, index < slices.count {
            rest = slices[index]
            index &+= 1
        }
        return part
    }
}
