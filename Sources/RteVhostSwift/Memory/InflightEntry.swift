// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A chain that was taken and not returned.
struct InflightEntry: BitwiseCopyable {
    /// Its head; the first element of its record in a packed ring.
    var index: UInt16 = 0
    /// When it was taken; higher is later.
    var counter: UInt64 = 0

    /// True when this one goes in front: later first, and of two that claim the same moment, as
    /// only a hostile record has them, the higher index.
    func precedes(_ other: InflightEntry) -> Bool {
        counter != other.counter ? counter > other.counter : index > other.index
    }
}

extension FixedBuffer where Element == InflightEntry {
    /// Sorts the first `count` elements, the latest first. A heap: the counters are a frontend's,
    /// and no order of theirs may cost more than another.
    func sortLatestFirst(count: Int) {
        var end = count
        var root = count / 2
        while end > 1 {
            if root > 0 {
                root -= 1
            } else {
                end -= 1
                swapElements(0, end)
            }
            sink(root, below: end)
        }
    }

    private func swapElements(_ first: Int, _ second: Int) {
        let element = self[first]
        self[first] = self[second]
        self[second] = element
    }

    /// Lets an element sink until none below it belongs further back.
    private func sink(_ start: Int, below end: Int) {
        var root = start
        while root * 2 + 1 < end {
            var child = root * 2 + 1
            if child + 1 < end, self[child].precedes(self[child + 1]) { child += 1 }
            guard self[root].precedes(self[child]) else { return }
            swapElements(root, child)
            root = child
        }
    }
}
