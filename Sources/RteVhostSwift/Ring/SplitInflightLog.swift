// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Record of a split ring's chains in flight. vhost-user, inflight I/O tracking: QueueRegionSplit,
/// a head of 16 bytes (features, version at 8, desc_num at 10, last_batch_head at 12, used_idx at
/// 14) and 16 for each slot (inflight at 0, next at 6, counter at 8).
struct SplitInflightLog: BitwiseCopyable {
    /// The region.
    let region: GuestSlice
    /// Slots of the ring.
    let size: Int
    private var nextCounter: UInt64 = 0

    /// The record of a ring with so many slots, for which the region has room.
    init(_ region: GuestSlice, size: Int) {
        precondition(size > 0 && 16 + size * 16 <= region.count)
        self.region = region
        self.size = size
    }

    private func entry(_ index: Int) -> Int { 16 + index * 16 }

    /// Makes a blank region a record, or repairs what an earlier process left half done; `usedIndex`
    /// is the used ring's. Chains that are in flight are put into `entries`, which has room for
    /// twice as many as there are slots, latest first; returns how many. Throws `badValue`.
    mutating func start(
        usedIndex: UInt16, _ entries: borrowing FixedBuffer<InflightEntry>
    ) throws(VhostError) -> Int {
        guard try InflightLog.isInitialized(region) else {
            region.store16(UInt16(size), at: 10)
            // Here and not 0: a ring may have been used before it got a record.
            region.store16(usedIndex, at: 14)
            crte_fence()
            region.store16(InflightLog.version, at: 8)
            return 0
        }
        region.store16(UInt16(size), at: 10)
        finishReturn(usedIndex: usedIndex)
        return collect(entries)
    }

    /// vhost-user, "When reconnecting": chains that the used ring shows as returned are in flight no
    /// more. The batch hangs together by `next`.
    private func finishReturn(usedIndex: UInt16) {
        let count = Int(usedIndex &- region.load16(at: 14))
        guard count > 0 else { return }
        var head = Int(region.load16(at: 12))
        for _ in 0..<min(count, size) {
            guard head < size else { break }
            region.store8(0, at: entry(head))
            head = Int(region.load16(at: entry(head) + 6))
        }
        crte_fence()
        region.store16(usedIndex, at: 14)
    }

    private mutating func collect(_ entries: borrowing FixedBuffer<InflightEntry>) -> Int {
        var count = 0
        for index in 0..<size where region.load8(at: entry(index)) == 1 {
            entries[count] = InflightEntry(
                index: UInt16(index), counter: region.load64(at: entry(index) + 8))
            count += 1
        }
        entries.sortLatestFirst(count: count)
        nextCounter = count > 0 ? entries[0].counter &+ 1 : 0
        return count
    }

    /// A chain was taken from the available ring. Throws `invalidArgument`.
    mutating func take(_ head: UInt16) throws(VhostError) {
        guard Int(head) < size else { throw .invalidArgument }
        region.store64(nextCounter, at: entry(Int(head)) + 8)
        nextCounter &+= 1
        crte_fence()
        region.store8(1, at: entry(Int(head)))
    }

    /// A chain goes back: the next one of a batch, which ends when the used ring's index moves.
    /// Throws `invalidArgument`.
    func beginReturn(_ head: UInt16) throws(VhostError) {
        guard Int(head) < size else { throw .invalidArgument }
        // vhost-user: whoever finds the batch unfinished follows `next`. DPDK 21.08 leaves it out,
        // and so knows only the last one.
        region.store16(region.load16(at: 12), at: entry(Int(head)) + 6)
        crte_fence()
        region.store16(head, at: 12)
        crte_fence()
    }

    /// The used ring shows the chain; its index is `usedIndex` now. Throws `invalidArgument`.
    func endReturn(_ head: UInt16, usedIndex: UInt16) throws(VhostError) {
        guard Int(head) < size else { throw .invalidArgument }
        crte_fence()
        region.store8(0, at: entry(Int(head)))
        crte_fence()
        region.store16(usedIndex, at: 14)
    }
}
