// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The regions of a SET_MEM_TABLE in the order in which they came; a table has them by address.
struct RegionOrder {
    private var descriptions = InlineArray<8, MappedRegion.Description?>(repeating: nil)

    /// Number of regions.
    private(set) var count = 0

    /// No regions.
    init() {}

    /// Adds one; at most eight.
    mutating func append(_ description: MappedRegion.Description) {
        precondition(count < GuestMemory.maximumRegionCount)
        descriptions[count] = description
        count += 1
    }

    /// The region at `index`, which is below `count`.
    subscript(index: Int) -> MappedRegion.Description {
        guard index < count, let description = descriptions[index] else {
            preconditionFailure("an index below count")
        }
        return description
    }
}
