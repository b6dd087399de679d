// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A queue's cache of translations: entries that do not overlap, in the order of their addresses.
/// All of it is guarded by the queue's lock. It holds frontend addresses, not host ones, so an entry
/// that is older than the memory table cannot name memory that is gone.
struct IOTLB: ~Copyable {
    /// Most entries: as in DPDK 21.08.
    static let capacity = 2048

    /// Without room until the first entry comes.
    private var entries: FixedBuffer<IOTLBEntry>
    /// Entries in the table.
    private(set) var count = 0
    /// Picks what has to go from a full table. xorshift; the frontend may know it: what it throws
    /// out of its own cache harms itself.
    private var random: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// Lookups since this was set to zero: those that found what they wanted, and the others.
    private(set) var lookups: (hits: UInt64, misses: UInt64) = (0, 0)

    /// What lookups wanted in vain.
    private var misses = FreshMisses()
    private var pending = PendingMisses()

    /// An empty cache. Throws `outOfMemory`.
    init() throws(VhostError) {
        entries = try FixedBuffer(count: 0, repeating: .unused)
    }

    /// The entry at `index`, which is below `count`.
    subscript(index: Int) -> IOTLBEntry {
        precondition(index < count)
        return entries[index]
    }

    /// Forgets all and gives the memory back.
    mutating func release() {
        removeAll()
        // Without memory for less memory, what there is stays.
        if let empty = try? FixedBuffer(count: 0, repeating: IOTLBEntry.unused) {
            entries = empty
        }
    }

    /// Forgets all.
    mutating func removeAll() {
        count = 0
        misses = FreshMisses()
        pending = PendingMisses()
    }
}

extension IOTLB {
    /// The bytes at an address: `wanted` of them, or fewer when they do not lie in a row; nil, and a
    /// miss is noted, when the first is not known or the permission is not enough.
    mutating func slice(
        at address: GuestAddress, count wanted: Int, _ permission: AccessPermission,
        in table: MemoryTable
    ) -> GuestSlice? {
        let index = position(of: address.rawValue)
        if index < count {
            let entry = entries[index]
            if entry.first <= address.rawValue, entry.permission.allows(permission) {
                let rest = entry.last &- address.rawValue
                let length = min(UInt64(truncatingIfNeeded: max(wanted, 1)) &- 1, rest) &+ 1
                let place = entry.frontendAddress(of: address.rawValue)
                let found = table.run(
                    at: place, count: min(wanted, Int(truncatingIfNeeded: length)))
                // An entry that is older than the memory table may name what is not in it.
                if let found {
                    lookups.hits &+= 1
                    return found
                }
            }
        }
        lookups.misses &+= 1
        // No bytes are waited for by nobody.
        if wanted > 0 { misses.add(TranslationMiss(address: address, permission: permission)) }
        return nil
    }

    /// A window on the part of an entry that lies in one region, with this address in it; nil when
    /// it is not known or the permission is not enough.
    func window(
        at address: GuestAddress, _ permission: AccessPermission, in table: MemoryTable
    ) -> MemoryWindow? {
        let index = position(of: address.rawValue)
        guard index < count else { return nil }
        let entry = entries[index]
        guard entry.first <= address.rawValue, entry.permission.allows(permission) else {
            return nil
        }
        // From its beginning, where that lies in the same region; else from the address on.
        let whole = Int(clamping: min(entry.last &- entry.first, 1 << 62))
        if let all = table.run(at: entry.frontendAddress(of: entry.first), count: whole &+ 1),
            address.rawValue &- entry.first < UInt64(all.count)
        {
            return MemoryWindow(GuestAddress(rawValue: entry.first), all)
        }
        let rest = Int(clamping: min(entry.last &- address.rawValue, 1 << 62))
        guard
            let part = table.run(
                at: entry.frontendAddress(of: address.rawValue), count: rest &+ 1)
        else { return nil }
        return MemoryWindow(address, part)
    }

    /// Counts lookups that were spared.
    mutating func count(hits: Int) { lookups.hits &+= UInt64(truncatingIfNeeded: hits) }

    /// Counts lookups from zero on.
    mutating func resetLookups() { lookups = (0, 0) }

    /// True when a lookup was in vain since the last time that the frontend was to be told.
    var hasMiss: Bool { misses.count > 0 }

    /// Misses that the frontend was told of and has not answered.
    var openMissCount: Int { pending.openCount }

    /// True when one more page that a lookup wants in vain would be noted.
    var notesMisses: Bool { misses.count < FreshMisses.capacity }

    /// The lookups in vain since this was asked last: those that `begin` lets through are told.
    mutating func takeMisses() -> FreshMisses {
        let taken = misses
        misses = FreshMisses()
        return taken
    }

    /// True when the frontend has to be told of a miss now; it counts as told.
    mutating func begin(_ miss: TranslationMiss, now: UInt64) -> Bool {
        pending.begin(miss, now: now)
    }

    /// A miss could not be told: the next lookup may try again.
    mutating func cancel(_ miss: TranslationMiss) { pending.cancel(miss) }

    /// Index of the first entry that ends at `address` or behind it; `count` when there is none.
    private func position(of address: UInt64) -> Int {
        var low = 0
        var high = count
        // Halves the range each time.
        while low < high {
            let middle = (low &+ high) >> 1
            if entries[middle].last < address { low = middle &+ 1 } else { high = middle }
        }
        return low
    }
}

extension IOTLB {
    /// Takes an entry in. It replaces what it overlaps; what is left of that on either side stays.
    /// Of a full table any other entry goes. Throws `outOfMemory`.
    mutating func insert(_ entry: IOTLBEntry) throws(VhostError) {
        if entries.count == 0 {
            entries = try FixedBuffer(count: Self.capacity, repeating: .unused)
        }
        remove(first: entry.first, last: entry.last)
        // What a burst noted and did not come to tell: the next one notes what it still wants. The
        // rest may be used by then, and unmapped.
        misses = FreshMisses()
        pending.end(first: entry.first, last: entry.last, entry.permission)
        var entry = entry
        var index = position(of: entry.first)
        if index < count, let whole = entry.joined(entries[index]) {
            entry = whole
            close(index, 1)
        }
        if index > 0, let whole = entries[index - 1].joined(entry) {
            entries[index - 1] = whole
            return
        }
        if count == Self.capacity {
            let victim = nextRandom(below: count)
            close(victim, 1)
            if victim < index { index -= 1 }
        }
        open(index)
        entries[index] = entry
    }

    /// Forgets all from `first` to `last`.
    mutating func invalidate(first: UInt64, last: UInt64, now: UInt64) {
        remove(first: first, last: last)
        misses = FreshMisses()
        pending.invalidate(first: first, last: last, now: now)
    }

    private mutating func remove(first: UInt64, last: UInt64) {
        let start = position(of: first)
        var end = start
        while end < count, entries[end].first <= last { end += 1 }
        guard end > start else { return }
        let left = entries[start].below(first)
        let right = entries[end - 1].above(last)
        var place = start
        if let left {
            entries[place] = left
            place += 1
        }
        if let right {
            if place == end {
                // A hole in the middle of an entry needs a place more. A cache may forget.
                guard count < Self.capacity else { return }
                open(place)
                end += 1
            }
            entries[place] = right
            place += 1
        }
        close(place, end - place)
    }

    /// Makes a place at `index`; there is room.
    private mutating func open(_ index: Int) {
        var place = count
        while place > index {
            entries[place] = entries[place - 1]
            place -= 1
        }
        count += 1
    }

    /// Closes `places` places from `index` on.
    private mutating func close(_ index: Int, _ places: Int) {
        guard places > 0 else { return }
        for place in index..<(count - places) { entries[place] = entries[place + places] }
        count -= places
    }

    private mutating func nextRandom(below limit: Int) -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int(random % UInt64(limit))
    }
}
