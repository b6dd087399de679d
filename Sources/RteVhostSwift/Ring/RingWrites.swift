// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a ring wrote into guest memory, for the dirty log: a few slices, empty ones among them.
struct RingWrites: BitwiseCopyable {
    /// Slices, at most.
    static let count = 4

    private var slices = InlineArray<4, GuestSlice>(repeating: .empty)

    /// The used ring of a split queue, to whose beginning SET_VRING_ADDR gives a log address; empty
    /// for packed ones.
    private let used: GuestSlice

    /// Nothing yet.
    init(used: GuestSlice) { self.used = used }

    /// One of the slices.
    subscript(index: Int) -> GuestSlice {
        get { slices[index] }
        set { slices[index] = newValue }
    }

    /// How far behind the used ring's first byte a slice begins; nil when it is none of its parts.
    func usedOffset(of slice: GuestSlice) -> Int? { used.offset(of: slice) }
}
