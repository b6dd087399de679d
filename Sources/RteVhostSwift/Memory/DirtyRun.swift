// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Writes of a run of packets for the dirty log. Buffers of a guest lie side by side more often than
/// not: pages that follow each other are added together, once, and the region is looked up once.
/// What is noted is among the burst's pages no later than after `end`.
struct DirtyRun {
    /// The region that the last bytes lay in.
    private var region = MemoryTable.Region()
    /// Pages that wait to be added, none while `last` is before `first`.
    private var first: UInt64 = 1
    private var last: UInt64 = 0

    /// Nothing noted yet.
    @inline(__always)
    init() {}

    /// Notes the header and the bytes that were written of a packet. Out of line: a loop that logs
    /// nothing needs its registers for something else.
    @inline(never)
    mutating func add(
        _ header: GuestSlice, _ payload: GuestSlice, _ log: DirtyLog, _ memory: MemoryTable,
        to pages: inout DirtyPages
    ) {
        add(header, log, memory, to: &pages)
        add(payload, log, memory, to: &pages)
    }

    /// Notes bytes that were written.
    @inline(__always)
    mutating func add(
        _ slice: GuestSlice, _ log: DirtyLog, _ memory: MemoryTable, to pages: inout DirtyPages
    ) {
        // SAFETY: an address to compare; it is not followed here.
        let offset = unsafe UInt64(UInt(bitPattern: slice.base) &- region.host)
        guard offset < region.byteCount, UInt64(slice.count) <= region.byteCount &- offset else {
            return addElsewhere(slice, log, memory, to: &pages)
        }
        let address = GuestAddress(rawValue: region.guest &+ offset)
        note(address, count: slice.count, log, &pages)
    }

    /// The same in another region, or in several.
    @inline(never)
    private mutating func addElsewhere(
        _ slice: GuestSlice, _ log: DirtyLog, _ memory: MemoryTable, to pages: inout DirtyPages
    ) {
        var rest = slice
        // Bounded by the regions: each turn ends one.
        while rest.count > 0, let found = memory.region(of: rest) {
            region = found
            // SAFETY: an address to subtract; it is not followed here.
            let offset = unsafe UInt64(UInt(bitPattern: rest.base) &- found.host)
            let count = Int(
                truncatingIfNeeded: min(found.byteCount &- offset, UInt64(rest.count)))
            note(GuestAddress(rawValue: found.guest &+ offset), count: count, log, &pages)
            rest = rest.dropping(count)
        }
    }

    @inline(__always)
    private mutating func note(
        _ address: GuestAddress, count: Int, _ log: DirtyLog, _ pages: inout DirtyPages
    ) {
        guard count > 0 else { return }
        let start = address.rawValue >> DirtyLog.pageShift
        // A region ends before 2^64.
        let end = (address.rawValue &+ UInt64(count &- 1)) >> DirtyLog.pageShift
        guard start >= first, start <= last &+ 1, last >= first else {
            pages.add(first, through: last, log)
            first = start
            last = end
            return
        }
        last = max(last, end)
    }

    /// Adds what waits; nothing may be noted after that.
    @inline(never)
    func end(_ log: DirtyLog, to pages: inout DirtyPages) {
        pages.add(first, through: last, log)
    }
}
