// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What lookups wanted in vain since the frontend was last to be told: each page once, in the order
/// in which it was wanted.
struct FreshMisses: BitwiseCopyable {
    /// Most misses; more would not be told anyway.
    static let capacity = PendingMisses.capacity

    private var misses = InlineArray<32, TranslationMiss>(
        repeating: TranslationMiss(
            address: GuestAddress(rawValue: 0), permission: AccessPermission(rawValue: 0)))
    /// Misses in the list.
    private(set) var count = 0

    /// Notes a miss, unless its page is noted or the list is full.
    mutating func add(_ miss: TranslationMiss) {
        guard count < Self.capacity else { return }
        for index in 0..<count where misses[index].isSamePage(as: miss) { return }
        misses[count] = miss
        count += 1
    }

    /// The miss at `index`, which is below `count`.
    subscript(index: Int) -> TranslationMiss {
        precondition(index < count)
        return misses[index]
    }
}
