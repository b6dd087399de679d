// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Record of a packed ring's chains in flight. vhost-user, inflight I/O tracking: QueueRegionPacked,
/// a head of 32 bytes and 32 for each entry. An entry holds a copy of a descriptor; the entries of a
/// chain hang together by `next`, and so do the free ones.
struct PackedInflightLog: BitwiseCopyable {
    /// The region.
    let region: GuestSlice
    /// Slots of the ring.
    let size: Int
    private var nextCounter: UInt64 = 0

    /// Where the head's fields lie.
    private enum Head {
        static let count = 10
        static let free = 12
        static let oldFree = 14
        static let used = 16
        static let oldUsed = 18
        static let usedWrap = 20
        static let oldUsedWrap = 21
    }

    /// Where an entry's fields lie; id, flags and length are one word at 16.
    private enum Entry {
        static let inflight = 0
        static let next = 2
        static let last = 4
        static let count = 6
        static let counter = 8
        static let contents = 16
        static let address = 24
    }

    /// The record of a ring with so many slots, for which the region has room.
    init(_ region: GuestSlice, size: Int) {
        precondition(size > 0 && 32 + size * 32 <= region.count)
        self.region = region
        self.size = size
    }

    private func entry(_ index: Int) -> Int { 32 + index * 32 }

    /// Where the next used descriptor goes, with the wrap counter in bit 15. Throws `badValue` for
    /// a place that the ring does not have.
    func position() throws(VhostError) -> UInt16 {
        let index = region.load16(at: Head.oldUsed)
        guard Int(index) < size else { throw .frontend(.badValue) }
        return index | UInt16(region.load8(at: Head.oldUsedWrap) & 1) << 15
    }

    /// Makes a blank region a record that begins at `position`, or repairs what an earlier process
    /// left half done. Chains that are in flight are put into `entries`, which has room for
    /// twice as many as there are slots, latest first; returns how many. Throws `badValue`.
    mutating func start(
        position: UInt16, _ ring: GuestArray<GuestWords>,
        _ entries: borrowing FixedBuffer<InflightEntry>
    ) throws(VhostError) -> Int {
        guard try InflightLog.isInitialized(region) else {
            initialize(position: position)
            return 0
        }
        region.store16(UInt16(size), at: Head.count)
        try finishReturn(ring)
        clearFree()
        return try collect(entries)
    }

    private func initialize(position: UInt16) {
        region.store16(UInt16(size), at: Head.count)
        region.store16(0, at: Head.free)
        region.store16(0, at: Head.oldFree)
        for offset in 0..<2 {
            region.store16(position & 0x7fff, at: Head.used + offset * 2)
            region.store8(UInt8(position >> 15), at: Head.usedWrap + offset)
        }
        for index in 0..<size {
            region.store8(0, at: entry(index) + Entry.inflight)
            // DPDK 21.08: behind the last one comes an index that there is not.
            region.store16(UInt16(index + 1), at: entry(index) + Entry.next)
        }
        crte_fence()
        region.store16(InflightLog.version, at: 8)
    }

    /// vhost-user, "When reconnecting": what was being returned is returned where the ring shows it
    /// so, and otherwise was not.
    private func finishReturn(_ ring: GuestArray<GuestWords>) throws(VhostError) {
        let (used, usedWrap) = (region.load16(at: Head.used), region.load8(at: Head.usedWrap) & 1)
        let old = region.load16(at: Head.oldUsed)
        let oldWrap = region.load8(at: Head.oldUsedWrap) & 1
        guard Int(used) < size, Int(old) < size else { throw .frontend(.badValue) }
        if (used != old || usedWrap != oldWrap) && !isAvailable(ring.load(Int(old)), oldWrap) {
            region.store16(region.load16(at: Head.free), at: Head.oldFree)
            region.store16(used, at: Head.oldUsed)
            region.store8(usedWrap, at: Head.oldUsedWrap)
        }
        region.store16(region.load16(at: Head.oldFree), at: Head.free)
        region.store16(region.load16(at: Head.oldUsed), at: Head.used)
        region.store8(region.load8(at: Head.oldUsedWrap) & 1, at: Head.usedWrap)
    }

    /// virtio 1.2, 2.8.1: available while AVAIL equals the wrap counter and USED does not.
    private func isAvailable(_ descriptor: GuestWords, _ wrap: UInt8) -> Bool {
        let flags = UInt16(truncatingIfNeeded: descriptor.second >> 48)
        return flags & (1 << 7 | 1 << 15) == (wrap == 1 ? 1 << 7 : 1 << 15)
    }

    /// Free entries are not in flight, whatever a crash left in them.
    private func clearFree() {
        var index = Int(region.load16(at: Head.free))
        for _ in 0..<size {
            guard index < size else { return }
            region.store8(0, at: entry(index) + Entry.inflight)
            index = Int(region.load16(at: entry(index) + Entry.next))
        }
    }

    /// Throws `badValue` for chains that are none, or share entries: applications follow them.
    private mutating func collect(
        _ entries: borrowing FixedBuffer<InflightEntry>
    ) throws(VhostError) -> Int {
        var count = 0
        var total = 0
        for index in 0..<size where region.load8(at: entry(index) + Entry.inflight) == 1 {
            total += try length(ofChain: index, atMost: size - total)
            entries[count] = InflightEntry(
                index: UInt16(index), counter: region.load64(at: entry(index) + Entry.counter))
            count += 1
        }
        entries.sortLatestFirst(count: count)
        nextCounter = count > 0 ? entries[0].counter &+ 1 : 0
        return count
    }

    /// Entries of a chain, followed to its end.
    private func length(ofChain head: Int, atMost limit: Int) throws(VhostError) -> Int {
        let count = Int(region.load16(at: entry(head) + Entry.count))
        let last = Int(region.load16(at: entry(head) + Entry.last))
        guard count > 0, count <= limit else { throw .frontend(.badValue) }
        var index = head
        for _ in 1..<count {
            index = Int(region.load16(at: entry(index) + Entry.next))
            guard index < size else { throw .frontend(.badValue) }
        }
        guard index == last else { throw .frontend(.badValue) }
        return count
    }

    /// The descriptors from `head` to `last` of the ring were taken as one chain; returns the first
    /// entry of its record. Throws `invalidArgument`, `limitReached` when no entries are free.
    mutating func take(
        _ head: UInt16, through last: UInt16, _ ring: GuestArray<GuestWords>
    ) throws(VhostError) -> UInt16 {
        guard Int(head) < size, Int(last) < size else { throw .invalidArgument }
        let count = (Int(last) - Int(head) + size) % size + 1
        let first = region.load16(at: Head.oldFree)
        var free = Int(first)
        var lastEntry = free
        for offset in 0..<count {
            guard free < size else { throw .limitReached }
            let descriptor = ring.load((Int(head) + offset) % size)
            let contents = descriptor.second >> 32 | descriptor.second << 32
            region.store64(descriptor.first, at: entry(free) + Entry.address)
            region.store64(contents, at: entry(free) + Entry.contents)
            lastEntry = free
            free = Int(region.load16(at: entry(free) + Entry.next))
        }
        let start = entry(Int(first))
        region.store16(UInt16(lastEntry), at: start + Entry.last)
        region.store16(UInt16(count), at: start + Entry.count)
        region.store64(nextCounter, at: start + Entry.counter)
        nextCounter &+= 1
        crte_fence()
        // Until old_free_head moves, a crash finds the entry free.
        region.store8(1, at: start + Entry.inflight)
        region.store16(UInt16(free), at: Head.free)
        crte_fence()
        region.store16(UInt16(free), at: Head.oldFree)
        return first
    }

    /// A chain goes back: its entries are free once the ring shows it. Throws `invalidArgument` for
    /// what is no chain in flight, `badValue` for a record that the frontend spoiled.
    func beginReturn(_ head: UInt16) throws(VhostError) {
        guard Int(head) < size, region.load8(at: entry(Int(head)) + Entry.inflight) == 1 else {
            throw .invalidArgument
        }
        let last = Int(region.load16(at: entry(Int(head)) + Entry.last))
        let count = Int(region.load16(at: entry(Int(head)) + Entry.count))
        let used = Int(region.load16(at: Head.used))
        guard last < size, count > 0, count <= size, used < size else {
            throw .frontend(.badValue)
        }
        region.store16(region.load16(at: Head.free), at: entry(last) + Entry.next)
        region.store16(head, at: Head.free)
        let wraps = used + count >= size
        region.store16(UInt16(wraps ? used + count - size : used + count), at: Head.used)
        if wraps {
            region.store8(~region.load8(at: Head.usedWrap) & 1, at: Head.usedWrap)
        }
        crte_fence()
    }

    /// The ring shows the chain as used. Throws `invalidArgument`.
    func endReturn(_ head: UInt16) throws(VhostError) {
        guard Int(head) < size else { throw .invalidArgument }
        crte_fence()
        region.store8(0, at: entry(Int(head)) + Entry.inflight)
        crte_fence()
        region.store16(region.load16(at: Head.free), at: Head.oldFree)
        region.store16(region.load16(at: Head.used), at: Head.oldUsed)
        region.store8(region.load8(at: Head.usedWrap) & 1, at: Head.oldUsedWrap)
    }
}
