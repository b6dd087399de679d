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
    /// Sorts the first `count` elements, the latest first; as many behind them serve as room.
    /// Merges runs of 1, 2, 4 and so on: the counters are a frontend's, and no order of theirs may
    /// cost more than another. A message may start the rings of all queues, so this has to be fast.
    func sortLatestFirst(count: Int) {
        precondition(count >= 0 && count <= self.count / 2)
        var (source, target) = (0, count)
        var width = 1
        while width < count {
            var start = 0
            while start < count {
                merge(from: source + start, to: target + start, width, atMost: count - start)
                start += width * 2
            }
            swap(&source, &target)
            width *= 2
        }
        guard source > 0 else { return }
        for index in 0..<count { self[index] = self[source + index] }
    }

    /// Merges two sorted runs of `width` elements, or fewer where only `limit` are left.
    @inline(__always)
    private func merge(from source: Int, to target: Int, _ width: Int, atMost limit: Int) {
        let middle = source + min(width, limit)
        let end = source + min(width * 2, limit)
        var left = source
        var right = middle
        for offset in 0..<(end - source) {
            let takesRight =
                left == middle || (right < end && self[right].precedes(self[left]))
            self[target + offset] = self[takesRight ? right : left]
            if takesRight { right += 1 } else { left += 1 }
        }
    }
}
