// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// What a window gives is what a lookup gives, or nothing.
@Suite("Memory: windows")
struct MemoryWindowTests {
    /// Two regions with a hole between them.
    private let guest: MockMemory
    private static let regions: [(guest: UInt64, byteCount: Int)] = [
        (0x10_0000, 0x8000), (0x20_0000, 0x6000),
    ]

    init() throws { guest = try MockMemory(Self.regions) }

    /// Addresses in and around what lies at `places`.
    private func addresses(
        around places: [UInt64], _ random: inout FixedRandom
    ) -> [UInt64] {
        places.flatMap { place in
            [place, place &- 1, place &+ 1, place &+ UInt64.random(in: 0..<0x9000, using: &random)]
        } + [0, UInt64.max]
    }

    private func check(
        _ memory: AddressSpace, _ window: MemoryWindow, _ addresses: [UInt64],
        _ permission: AccessPermission
    ) -> Int {
        var found = 0
        for address in addresses {
            let address = GuestAddress(rawValue: address)
            for count: UInt32 in [0, 1, 0x800, 0x3000, .max] {
                guard let slice = window.whole(at: address, count: count) else { continue }
                let expected = memory.slice(at: address, count: max(Int(count), 1), permission)
                #expect(slice.count == Int(count))
                guard let expected else {
                    Issue.record("a window on what is not mapped: \(address)")
                    continue
                }
                #expect(expected.part(from: 0, count: Int(count)).isSame(as: slice))
                found += 1
            }
        }
        return found
    }

    @Test("on regions")
    func untranslated() {
        var random = FixedRandom(seed: 1)
        let memory = AddressSpace(guest.memory)
        var found = 0
        let places = Self.regions.flatMap { [$0.guest, $0.guest + UInt64($0.byteCount)] }
        for _ in 0..<200 {
            let around = addresses(around: places, &random)
            for address in around {
                let window = memory.window(at: GuestAddress(rawValue: address), .readWrite)
                let known = memory.slice(
                    at: GuestAddress(rawValue: address), count: 1, .readWrite)
                #expect((window != nil) == (known != nil))
                if let window { found += check(memory, window, around, .readWrite) }
            }
        }
        #expect(found > 1000)
        #expect(MemoryWindow().whole(at: GuestAddress(rawValue: 0), count: 0) == nil)
    }

    /// Entries of all sizes, over the ends of regions and beyond memory, with any permission.
    @Test("on entries of an IOTLB", arguments: 0..<40)
    func translated(seed: Int) throws {
        var random = FixedRandom(seed: UInt64(seed) + 7)
        let iotlb = try HeapCell(try IOTLB())
        var places: [UInt64] = []
        for _ in 0..<12 {
            let first = UInt64.random(in: 0..<0x4_0000, using: &random)
            let region = Self.regions[Int.random(in: 0..<2, using: &random)].guest
            let place = region &+ UInt64.random(in: 0..<0x9000, using: &random) &- 0x800
            let entry = IOTLBEntry(
                address: GuestAddress(rawValue: first),
                byteCount: UInt64.random(in: 1..<0x9000, using: &random),
                frontend: FrontendAddress(rawValue: place &+ MockMemory.frontendOffset),
                permission: AccessPermission(
                    rawValue: UInt8.random(in: 1...3, using: &random)))
            try iotlb.value.insert(try #require(entry))
            places.append(first)
        }
        let memory = AddressSpace(guest.memory, iotlb: iotlb)
        var found = 0
        for permission in [AccessPermission.read, .write, .readWrite] {
            let around = addresses(around: places, &random)
            for address in around {
                let window = memory.window(at: GuestAddress(rawValue: address), permission)
                let known = memory.slice(
                    at: GuestAddress(rawValue: address), count: 1, permission)
                #expect((window != nil) == (known != nil))
                if let window { found += check(memory, window, around, permission) }
            }
        }
        #expect(found > 0)
    }
}
