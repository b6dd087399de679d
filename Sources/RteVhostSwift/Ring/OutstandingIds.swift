// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The ids of `OutstandingChains`, for a loop: good until chains are shown to the guest.
struct OutstandingIds: BitwiseCopyable {
    private let states: FixedView<UInt32>
    private let generation: UInt32
    /// What is taken in order, and where the next chain goes.
    private let taken: FixedView<UInt32>
    private let sequence: UInt16

    /// State of an id that is out.
    static let out = UInt32.max

    /// The ids as they are in this generation, and after `sequence` chains, which are in `taken`.
    @inline(__always)
    init(
        _ states: FixedView<UInt32>, generation: UInt32, taken: FixedView<UInt32>, sequence: UInt16
    ) {
        self.states = states
        self.generation = generation
        self.taken = taken
        self.sequence = sequence
    }

    /// True when a chain with this id may be taken.
    @inline(__always)
    func isFree(_ id: UInt16) -> Bool {
        Int(id) < states.count && states[Int(id)] < generation
    }

    /// Marks an id as used by an entry that the guest has not seen yet.
    @inline(__always)
    func giveBack(_ id: UInt16) { states[Int(id)] = generation }

    /// Notes a chain with a free id as taken, behind `count` others.
    @inline(__always)
    func take(_ id: UInt16, slots: UInt16, behind count: Int) {
        states[Int(id)] = Self.out
        let place = sequence &+ UInt16(truncatingIfNeeded: count)
        // A power of two of places.
        taken[Int(place) & (taken.count &- 1)] = UInt32(id) | UInt32(slots) << 16
    }
}
