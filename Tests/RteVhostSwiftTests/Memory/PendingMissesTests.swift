// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Memory: misses that wait for the frontend")
struct PendingMissesTests {
    private func miss(_ address: UInt64, _ permission: AccessPermission = .read) -> TranslationMiss
    {
        TranslationMiss(address: GuestAddress(rawValue: address), permission: permission)
    }

    private func begin(
        _ pending: HeapCell<PendingMisses>, _ miss: TranslationMiss, now: UInt64
    ) -> Bool { pending.value.begin(miss, now: now) }

    private func takeMiss(_ iotlb: HeapCell<IOTLB>, now: UInt64) -> TranslationMiss? {
        let misses = iotlb.value.takeMisses()
        guard misses.count > 0, iotlb.value.begin(misses[0], now: now) else { return nil }
        return misses.count == 1 ? misses[0] : nil
    }

    /// Macros cannot look into what is not copyable.
    private func hasMiss(_ iotlb: HeapCell<IOTLB>) -> Bool { iotlb.value.hasMiss }
    private func notesMisses(_ iotlb: HeapCell<IOTLB>) -> Bool { iotlb.value.notesMisses }

    @Test("a miss is told once, and again when its time is over")
    func once() throws {
        let pending = try HeapCell(PendingMisses())
        #expect(begin(pending, miss(0x1000), now: 5))
        for now: UInt64 in [5, 6, 4 + PendingMisses.patience] {
            let isTold = begin(pending, miss(0x1000), now: now)
            #expect(!isTold)
        }
        #expect(begin(pending, miss(0x1000, .write), now: 6))
        #expect(!begin(pending, miss(0x1fff), now: 6))
        #expect(begin(pending, miss(0x2000), now: 6))
        #expect(begin(pending, miss(0x1000), now: 5 + PendingMisses.patience))
    }

    @Test("a full list tells nothing more until one leaves it")
    func full() throws {
        let pending = try HeapCell(PendingMisses())
        for index in 0..<UInt64(PendingMisses.capacity) {
            #expect(begin(pending, miss(index << 12), now: 1))
        }
        #expect(!begin(pending, miss(1 << 40), now: 2))
        pending.value.cancel(miss(7 << 12))
        #expect(begin(pending, miss(1 << 40), now: 2))
        #expect(!begin(pending, miss(7 << 12), now: 2))
    }

    @Test("an answer ends what it satisfies; one that grants too little does not")
    func answers() throws {
        let pending = try HeapCell(PendingMisses())
        #expect(begin(pending, miss(0x1fff, .write), now: 1))
        #expect(begin(pending, miss(0x2000, .read), now: 1))
        pending.value.end(first: 0x1000, last: 0x1fff, .read)
        #expect(!begin(pending, miss(0x1fff, .write), now: 2))
        pending.value.end(first: 0x1000, last: 0x1fff, .write)
        #expect(begin(pending, miss(0x1fff, .write), now: 2))
        #expect(!begin(pending, miss(0x2000, .read), now: 2))
        pending.value.end(first: 0, last: UInt64.max, .readWrite)
        #expect(begin(pending, miss(0x2000, .read), now: 2))
    }

    @Test("lookups in vain are kept in order, each page and wish once, as many as can be told")
    func lookupsOfMany() throws {
        let guest = try MockMemory([(guest: 0x1000, byteCount: 0x1000)])
        let iotlb = try HeapCell(try IOTLB())
        func look(_ address: UInt64, _ permission: AccessPermission = .read) {
            let slice = iotlb.value.slice(
                at: GuestAddress(rawValue: address), count: 1, permission, in: guest.memory)
            let isFound = slice != nil
            #expect(!isFound)
        }
        look(0x5ffe)
        look(0x5fff)
        look(0x6000)
        look(0x5000, .write)
        look(0x5001)
        var misses = iotlb.value.takeMisses()
        #expect(misses.count == 3)
        #expect(misses[0] == miss(0x5ffe))
        #expect(misses[1] == miss(0x6000))
        #expect(misses[2] == miss(0x5000, .write))
        #expect(!hasMiss(iotlb))
        for page: UInt64 in 0..<100 {
            #expect(notesMisses(iotlb) == (page < UInt64(FreshMisses.capacity)))
            look(page * 0x1000 + 5)
        }
        misses = iotlb.value.takeMisses()
        #expect(misses.count == FreshMisses.capacity)
        #expect(misses[FreshMisses.capacity - 1] == miss(0x1f005))
        #expect(notesMisses(iotlb))
    }

    @Test("a lookup in vain is told once; an update or an invalidation lets it be told again")
    func lookups() throws {
        let guest = try MockMemory([(guest: 0x1000, byteCount: 0x1000)])
        let iotlb = try HeapCell(try IOTLB())
        let address = GuestAddress(rawValue: 0x9000)
        func look(_ iotlb: HeapCell<IOTLB>) -> Bool {
            iotlb.value.slice(at: address, count: 8, .write, in: guest.memory) != nil
        }
        #expect(takeMiss(iotlb, now: 1) == nil)
        #expect(!look(iotlb))
        #expect(takeMiss(iotlb, now: 1) == miss(0x9000, .write))
        #expect(takeMiss(iotlb, now: 1) == nil)
        #expect(!look(iotlb))
        #expect(takeMiss(iotlb, now: 2) == nil)
        iotlb.value.invalidate(first: 0x8000, last: 0x9000, now: 3)
        let soon = 3 + PendingMisses.patienceAfterChange
        #expect(!look(iotlb))
        #expect(takeMiss(iotlb, now: soon - 1) == nil)
        #expect(!look(iotlb))
        #expect(takeMiss(iotlb, now: soon) == miss(0x9000, .write))
        iotlb.value.cancel(miss(0x9000, .write))
        #expect(!look(iotlb))
        #expect(takeMiss(iotlb, now: 3) == miss(0x9000, .write))
        let update = try #require(
            IOTLBEntry(
                address: address, byteCount: 0x1000,
                frontend: FrontendAddress(rawValue: 0x1000 + MockMemory.frontendOffset),
                permission: .readWrite))
        try iotlb.value.insert(update)
        #expect(look(iotlb))
        iotlb.value.invalidate(first: 0, last: UInt64.max, now: 4)
        #expect(!look(iotlb))
        #expect(takeMiss(iotlb, now: 4) == miss(0x9000, .write))
    }

    @Test("after an invalidation nothing is told twice while its answer is open")
    func invalidations() throws {
        let pending = try HeapCell(PendingMisses())
        let soon = 10 + PendingMisses.patienceAfterChange
        #expect(begin(pending, miss(0x1000, .write), now: 1))
        #expect(begin(pending, miss(0x2000, .write), now: 1))
        #expect(begin(pending, miss(0x3000, .write), now: 1))
        // Too little was granted, so no answer is open.
        pending.value.end(first: 0x1000, last: 0x1fff, .read)
        pending.value.invalidate(first: 0x1000, last: 0x2fff, now: 10)
        #expect(begin(pending, miss(0x1000, .write), now: 10))
        #expect(!begin(pending, miss(0x2000, .write), now: 10))
        #expect(!begin(pending, miss(0x2000, .write), now: soon - 1))
        // No invalidation makes it later.
        pending.value.invalidate(first: 0x1000, last: 0x2fff, now: soon - 1)
        #expect(begin(pending, miss(0x2000, .write), now: soon))
        #expect(!begin(pending, miss(0x3000, .write), now: soon))
        #expect(begin(pending, miss(0x3000, .write), now: 1 + PendingMisses.patience))
    }

    @Test("what was noted and not told is forgotten when a translation changes; so is nothing")
    func leftovers() throws {
        let guest = try MockMemory([(guest: 0x1000, byteCount: 0x1000)])
        let iotlb = try HeapCell(try IOTLB())
        func look(_ count: Int) {
            let slice = iotlb.value.slice(
                at: GuestAddress(rawValue: 0x9000), count: count, .read, in: guest.memory)
            #expect(slice == nil)
        }
        look(0)
        #expect(!hasMiss(iotlb))
        look(1)
        #expect(hasMiss(iotlb))
        let update = try #require(
            IOTLBEntry(
                address: GuestAddress(rawValue: 0x5000), byteCount: 0x1000,
                frontend: FrontendAddress(rawValue: 0x1000 + MockMemory.frontendOffset),
                permission: .readWrite))
        try iotlb.value.insert(update)
        #expect(!hasMiss(iotlb))
        look(1)
        iotlb.value.invalidate(first: 0x5000, last: 0x5fff, now: 1)
        #expect(!hasMiss(iotlb))
    }
}
