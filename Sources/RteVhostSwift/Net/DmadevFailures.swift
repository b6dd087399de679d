// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Copies that failed, by number: the last runs of them. What is older than those counts as failed.
struct DmadevFailures {
    private static let limit = 64

    private var firsts = InlineArray<64, UInt64>(repeating: 0)
    private var lasts = InlineArray<64, UInt64>(repeating: 0)
    /// Runs that were added.
    private var count = 0
    /// Number below which failures were forgotten.
    private var horizon: UInt64 = 0

    /// None.
    init() {}

    /// Adds a run; runs come in order.
    mutating func add(_ first: UInt64, through last: UInt64) {
        let previous = (count &- 1) % Self.limit
        if count > 0, lasts[previous] &+ 1 == first {
            lasts[previous] = last
            return
        }
        let slot = count % Self.limit
        if count >= Self.limit { horizon = lasts[slot] }
        firsts[slot] = first
        lasts[slot] = last
        count &+= 1
    }

    /// True when one of these copies failed, or when nobody knows any more.
    func has(_ first: UInt64, through last: UInt64) -> Bool {
        if first <= horizon { return true }
        for slot in 0..<min(count, Self.limit)
        where firsts[slot] <= last && lasts[slot] >= first {
            return true
        }
        return false
    }
}
