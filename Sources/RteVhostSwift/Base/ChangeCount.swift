// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Lets somebody who holds no lock know that what was looked at did not change meanwhile: odd while
/// it changes, another even number afterwards. Changes are made under a lock.
struct ChangeCount: ~Copyable {
    private let count = Atomic<UInt64>(0)

    /// Nothing has changed yet.
    init() {}

    /// Before the first thing changes.
    func begin() {
        count.store(count.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
    }

    /// After the last one did.
    func end() { count.store(count.load(ordering: .relaxed) &+ 1, ordering: .releasing) }

    /// To be taken before a look; nil while it changes.
    var mark: UInt64? {
        let count = count.load(ordering: .acquiring)
        return count & 1 == 0 ? count : nil
    }

    /// After the look: true when nothing changed since the mark was taken.
    func isSame(since mark: UInt64?) -> Bool {
        atomicMemoryFence(ordering: .acquiring)
        return count.load(ordering: .relaxed) == mark
    }
}
