// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Memory: IOTLB")
struct IOTLBTests {
    /// Guest memory of 64 pages whose frontend addresses are the guest's plus an offset.
    private let guest: MockMemory
    private static let base: UInt64 = 0x10_0000
    private static let byteCount = 0x4_0000

    init() throws {
        guest = try MockMemory([(guest: Self.base, byteCount: Self.byteCount)])
    }

    private func entry(
        _ address: UInt64, _ byteCount: UInt64, _ place: UInt64,
        _ permission: AccessPermission = .readWrite
    ) -> IOTLBEntry? {
        IOTLBEntry(
            address: GuestAddress(rawValue: address), byteCount: byteCount,
            frontend: FrontendAddress(rawValue: place &+ MockMemory.frontendOffset),
            permission: permission)
    }

    /// Where a byte goes; nil for a miss.
    private func lookup(
        _ iotlb: HeapCell<IOTLB>, _ address: UInt64, _ permission: AccessPermission = .read,
        count: Int = 1
    ) -> (place: UInt64, count: Int)? {
        let slice = iotlb.value.slice(
            at: GuestAddress(rawValue: address), count: count, permission, in: guest.memory)
        guard let slice, let place = guest.address(of: slice) else { return nil }
        return (place, slice.count)
    }

    @Test("an entry that is empty, wraps on either side, or has no known permission is none")
    func badEntries() {
        #expect(entry(0, 0, 0) == nil)
        #expect(entry(UInt64.max, 2, 0) == nil)
        #expect(entry(UInt64.max, 1, 0) != nil)
        #expect(entry(1, UInt64.max, 0) == nil)
        #expect(entry(0, UInt64.max, UInt64.max / 2) == nil)
        for raw: UInt8 in [0, 4, 5, 255] {
            #expect(entry(0, 1, 0, AccessPermission(rawValue: raw)) == nil)
        }
    }

    @Test("a run ends with its entry, its region, or what was wanted")
    func runs() throws {
        let iotlb = try HeapCell(try IOTLB())
        try iotlb.value.insert(try #require(entry(0x5003, 0x100, Self.base + 7)))
        #expect(lookup(iotlb, 0x5002) == nil)
        #expect(lookup(iotlb, 0x5103) == nil)
        let whole = try #require(lookup(iotlb, 0x5003, count: 0x1000))
        #expect(whole == (Self.base + 7, 0x100))
        let part = try #require(lookup(iotlb, 0x5010, count: 16))
        #expect(part == (Self.base + 7 + 0xd, 16))
        let last = try #require(lookup(iotlb, 0x5102, count: Int.max))
        #expect(last == (Self.base + 7 + 0xff, 1))
        // An entry that runs out of the memory table: it was larger when the entry came.
        let end = Self.base + UInt64(Self.byteCount)
        try iotlb.value.insert(try #require(entry(UInt64.max - 0xfff, 0x1000, end - 0x800)))
        let cut = try #require(lookup(iotlb, UInt64.max - 0xfff, count: 0x1000))
        #expect(cut == (end - 0x800, 0x800))
        #expect(lookup(iotlb, UInt64.max) == nil)
    }

    @Test("every permission against every wish")
    func permissions() throws {
        for granted: UInt8 in 1...3 {
            for wanted: UInt8 in 1...3 {
                let iotlb = try HeapCell(try IOTLB())
                let permission = AccessPermission(rawValue: granted)
                try iotlb.value.insert(try #require(entry(0, 16, Self.base, permission)))
                let found = lookup(iotlb, 0, AccessPermission(rawValue: wanted))
                #expect((found != nil) == (granted & wanted == wanted))
                let misses = iotlb.value.takeMisses()
                #expect(misses.count == (found == nil ? 1 : 0))
            }
        }
    }

    @Test("neighbours that follow each other on both sides become one; others do not")
    func joining() throws {
        let iotlb = try HeapCell(try IOTLB())
        try iotlb.value.insert(try #require(entry(0x2000, 0x1000, Self.base + 0x2000)))
        try iotlb.value.insert(try #require(entry(0x0000, 0x1000, Self.base)))
        #expect(iotlb.value.count == 2)
        try iotlb.value.insert(try #require(entry(0x1000, 0x1000, Self.base + 0x1000)))
        #expect(iotlb.value.count == 1)
        try iotlb.value.insert(try #require(entry(0x3000, 0x1000, Self.base + 0x3000, .read)))
        try iotlb.value.insert(try #require(entry(0x4000, 0x1000, Self.base + 0x5000, .read)))
        #expect(iotlb.value.count == 3)
        let run = try #require(lookup(iotlb, 0x800, count: 0x1_0000))
        #expect(run == (Self.base + 0x800, 0x2800))
    }

    @Test("a full table takes more, keeps its size, and keeps what came last")
    func eviction() throws {
        let iotlb = try HeapCell(try IOTLB())
        let more = IOTLB.capacity * 3
        for index in 0..<more {
            // Every other page, so that no two can be joined.
            let address = UInt64(index) * 0x2000
            let place = Self.base + UInt64(index % 64) * 0x1000
            try iotlb.value.insert(try #require(entry(address, 0x1000, place)))
            #expect(iotlb.value.count == min(index + 1, IOTLB.capacity))
            let found = try #require(lookup(iotlb, address))
            #expect(found == (place, 1))
        }
        // A hole in a full table: what is right of it is forgotten, nothing else.
        let whole = iotlb.value[1000]
        iotlb.value.invalidate(first: whole.first + 0x100, last: whole.first + 0x1ff, now: 1)
        #expect(iotlb.value.count == IOTLB.capacity)
        #expect(lookup(iotlb, whole.first + 0xff) != nil)
        #expect(lookup(iotlb, whole.first + 0x100) == nil)
        #expect(lookup(iotlb, whole.first + 0x200) == nil)
    }

    /// What a byte of the small address space translates to.
    private struct ModelByte: Equatable {
        var place: UInt64
        var permission: AccessPermission
    }

    @Test("random inserts and invalidations against a map of single bytes")
    func againstModel() throws {
        var random = FixedRandom(seed: 20)
        for round in 0..<60 {
            let iotlb = try HeapCell(try IOTLB())
            // At the bottom, at the top of 64 bits, and in between.
            let start: UInt64 = [0, UInt64.max - 255, 0x7000][round % 3]
            var model = [ModelByte?](repeating: nil, count: 256)
            for _ in 0..<300 {
                let first = Int.random(in: 0..<256, using: &random)
                let count = Int.random(in: 1...min(256 - first, 64), using: &random)
                let address = start + UInt64(first)
                if Int.random(in: 0..<3, using: &random) == 0 {
                    iotlb.value.invalidate(
                        first: address, last: address + UInt64(count - 1), now: 1)
                    for byte in first..<first + count { model[byte] = nil }
                } else {
                    // Often next to itself, so that neighbours join.
                    let shift = UInt64.random(in: 0..<3, using: &random) * 0x1000
                    let place = Self.base + shift + UInt64(first)
                    let permission = AccessPermission(
                        rawValue: UInt8.random(in: 1...3, using: &random))
                    let new = try #require(entry(address, UInt64(count), place, permission))
                    try iotlb.value.insert(new)
                    for byte in first..<first + count {
                        model[byte] = ModelByte(
                            place: place + UInt64(byte - first), permission: permission)
                    }
                }
                let isRight = compare(iotlb, model, start)
                try #require(isRight)
            }
        }
    }

    /// True when each byte translates as the model says, and the table is in order and joined.
    private func compare(_ iotlb: HeapCell<IOTLB>, _ model: [ModelByte?], _ start: UInt64) -> Bool {
        for byte in 0..<256 {
            for wanted: UInt8 in 1...3 {
                let permission = AccessPermission(rawValue: wanted)
                var expected = model[byte]
                if expected?.permission.allows(permission) != true { expected = nil }
                let found = lookup(iotlb, start + UInt64(byte), permission)
                guard found?.place == expected?.place else { return false }
            }
        }
        for index in 1..<max(iotlb.value.count, 1) {
            let left = iotlb.value[index - 1]
            guard left.last < iotlb.value[index].first, left.joined(iotlb.value[index]) == nil
            else {
                return false
            }
        }
        return true
    }

    @Test("100,000 updates at random places: the table stays in order and in its bounds")
    func manyUpdates() throws {
        var random = FixedRandom(seed: 21)
        let iotlb = try HeapCell(try IOTLB())
        for _ in 0..<100_000 {
            let address = UInt64.random(in: 0..<1 << 24, using: &random)
            let byteCount = UInt64.random(in: 1...0x4000, using: &random)
            let place = Self.base + UInt64.random(in: 0..<0x3_0000, using: &random)
            try iotlb.value.insert(try #require(entry(address, byteCount, place)))
        }
        #expect(iotlb.value.count <= IOTLB.capacity)
        for index in 1..<iotlb.value.count {
            #expect(iotlb.value[index - 1].last < iotlb.value[index].first)
        }
        iotlb.value.release()
        let count = iotlb.value.count
        #expect(count == 0)
        #expect(lookup(iotlb, 0) == nil)
    }
}
