// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The ids of `OutstandingChains`, for a loop: good until chains are shown to the guest.
struct OutstandingIds: BitwiseCopyable {
    private let states: FixedView<UInt32>
    private let generation: UInt32

    /// The ids as they are in this generation.
    @inline(__always)
    init(_ states: FixedView<UInt32>, generation: UInt32) {
        self.states = states
        self.generation = generation
    }

    /// True when a chain with this id may be taken.
    @inline(__always)
    func isFree(_ id: UInt16) -> Bool {
        Int(id) < states.count && states[Int(id)] < generation
    }

    /// Marks an id as used by an entry that the guest has not seen yet.
    @inline(__always)
    func giveBack(_ id: UInt16) { states[Int(id)] = generation }
}
