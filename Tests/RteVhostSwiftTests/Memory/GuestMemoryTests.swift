// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Memory: translation")
struct GuestMemoryTests {
    /// Two regions side by side, a gap, and one at the end of what 64 bits can name.
    private static let layout: [(guest: UInt64, byteCount: Int)] = [
        (0x1000, 0x2000), (0x3000, 0x1000), (0x10_0000, 0x1000),
        (UInt64.max - 0x1fff, 0x1000),
    ]

    private func expectedRun(_ address: UInt64, _ count: Int) -> Int? {
        for (guest, byteCount) in Self.layout where address >= guest {
            let offset = address - guest
            if offset < UInt64(byteCount) { return min(count, byteCount - Int(offset)) }
        }
        return nil
    }

    /// Addresses at and around every border.
    private var borders: [UInt64] {
        var addresses: [UInt64] = [0, 1, UInt64.max, UInt64.max - 1, 1 << 63]
        for (guest, byteCount) in Self.layout {
            for delta: UInt64 in [0, 1, 2, 15] {
                addresses += [
                    guest &- delta, guest &+ delta, guest &+ UInt64(byteCount) &- delta,
                    guest &+ UInt64(byteCount) &+ delta,
                ]
            }
        }
        return addresses
    }

    @Test("guest addresses: the run ends with its region, at every border and count")
    func guestAddresses() throws {
        let mock = try MockMemory(Self.layout)
        let counts = [0, 1, 2, 16, 0xfff, 0x1000, 0x1001, 0x3000, Int(UInt32.max), Int.max]
        for address in borders {
            for count in counts {
                let slice = mock.memory.slice(at: GuestAddress(rawValue: address), count: count)
                #expect(slice?.count == expectedRun(address, count))
                guard let slice else { continue }
                let place = mock.address(of: slice)
                #expect(place == address)
            }
        }
    }

    @Test("frontend addresses: all of the range in one region, or nothing")
    func frontendAddresses() throws {
        let mock = try MockMemory(Array(Self.layout.prefix(3)))
        for address in borders {
            for count in [0, 1, 2, 16, 0x1000, 0x1001, 0x2000, 0x3000, Int.max] {
                let place = FrontendAddress(rawValue: address &+ MockMemory.frontendOffset)
                let found = mock.memory.slice(at: place, count: count)
                let isTop = address >= UInt64.max - 0x1fff && address < UInt64.max - 0xfff
                let expected = isTop ? nil : expectedRun(address, count)
                #expect(found?.count == (expected == count ? count : nil))
            }
        }
    }

    @Test("slices share the guest's bytes, behind the file's offset")
    func sharing() throws {
        let mock = try MockMemory([(guest: 0x8000, byteCount: 0x2000)], fileOffset: 0x3000)
        mock.store(UInt64(0x1122_3344_5566_7788), at: 0x9001)
        let slice = mock.memory.slice(at: GuestAddress(rawValue: 0x9001), count: 8)!
        #expect(slice.load64(at: 0) == 0x1122_3344_5566_7788)
        #expect(slice.load16(at: 1) == 0x6677)
        #expect(slice.load8(at: 7) == 0x11)
        slice.store16(0xaabb, at: 0)
        slice.store8(0xcc, at: 2)
        #expect(mock.load(0x9001, as: UInt32.self) == 0x55cc_aabb)
        slice.store64(1, at: 0)
        #expect(mock.load(0x9001, as: UInt64.self) == 1)
        let part = slice.part(from: 2, count: 6)
        #expect(part.count == 6)
        let address = mock.address(of: part)
        #expect(address == 0x9003)
        #expect(!part.isAligned(to: 4) && part.isAligned(to: 1))
    }

    @Test("VhostError.limitReached: the 510th region is refused, the others stay")
    func limit() throws {
        let mock = try MockMemory([])
        for index in 0..<509 {
            let region = try Self.region(guest: UInt64(index) << 20, byteCount: 4096)
            #expect(Self.add(region, to: mock) == nil)
        }
        let extra = try Self.region(guest: 600 << 20, byteCount: 4096)
        let error = Self.add(extra, to: mock)
        #expect(error == .limitReached)
        let count = mock.memory.count
        #expect(count == 509)
    }

    /// What translation should give, by looking at every region.
    private static func expected(
        _ table: MemoryTable, _ address: UInt64, _ wanted: Int
    ) -> (host: UInt, count: Int)? {
        for index in 0..<table.count {
            let region = table[index]
            guard address >= region.guest, address - region.guest < region.byteCount else {
                continue
            }
            let offset = address - region.guest
            return (region.host + UInt(offset), min(wanted, Int(region.byteCount - offset)))
        }
        return nil
    }

    @Test("translation finds what is there, with any number of regions that came in any order")
    func manyRegions() throws {
        var random = SystemRandomNumberGenerator()
        let mock = try MockMemory([])
        var places = (0..<200).map { UInt64($0) * 0x3000 + 0x10_0000 }
        places.shuffle(using: &random)
        for (number, place) in places.enumerated() {
            let byteCount = number % 3 == 0 ? 0x3000 : 0x1000
            #expect(Self.add(try Self.region(guest: place, byteCount: byteCount), to: mock) == nil)
            if number % 4 == 3 {
                _ = mock.owner.remove(at: Int.random(in: 0..<mock.memory.count, using: &random))
            }
            for _ in 0..<50 {
                let address = UInt64.random(in: 0x0f_f000..<0x1a_0000, using: &random)
                let table = mock.memory
                let found = table.slice(at: GuestAddress(rawValue: address), count: 0x1800)
                let wanted = Self.expected(table, address, 0x1800)
                #expect(found.map { UInt(bitPattern: $0.base) } == wanted?.host)
                #expect(found?.count == wanted?.count)
            }
            for index in 1..<max(mock.memory.count, 1) {
                #expect(mock.memory[index - 1].guest < mock.memory[index].guest)
            }
        }
        let outside: [UInt64] = [0, 0x0f_ffff, 0x10_0000 + 200 * 0x3000, UInt64.max]
        for address in outside {
            let isNothing = mock.memory.slice(at: GuestAddress(rawValue: address), count: 1) == nil
            #expect(isNothing)
        }
    }

    @Test("FrontendFault.badValue: regions that share a guest byte are refused")
    func overlap() throws {
        let places: [(UInt64, Int, Bool)] = [
            (0x10_0000, 0x2000, false), (0x0f_f000, 0x1001, false), (0x10_1fff, 0x1000, false),
            (0x0f_0000, 0x2_0000, false), (0x10_0800, 0x10, false), (0x0f_f000, 0x1000, true),
            (0x10_2000, 0x1000, true),
        ]
        for (guest, byteCount, isFine) in places {
            let mock = try MockMemory([(guest: 0x10_0000, byteCount: 0x2000)])
            let error = Self.add(try Self.region(guest: guest, byteCount: byteCount), to: mock)
            #expect(error == (isFine ? nil : .frontend(.badValue)))
        }
    }

    @Test("a memory table without regions translates nothing")
    func empty() throws {
        let owner = try GuestMemory()
        let memory = owner.table
        let slice = memory.slice(at: GuestAddress(rawValue: 0), count: 1)
        let other = memory.slice(at: FrontendAddress(rawValue: 0), count: 0)
        let isNothing = slice == nil && other == nil
        #expect(isNothing)
    }

    private static func region(guest: UInt64, byteCount: Int) throws -> MappedRegion {
        let file = try MockMemory.makeFile(byteCount: byteCount)
        let description = MappedRegion.Description(
            guest: GuestAddress(rawValue: guest), byteCount: UInt64(byteCount),
            frontend: FrontendAddress(rawValue: guest), fileOffset: 0)
        return try MappedRegion(description, file: FileDescriptor(owning: file))
    }

    private static func add(_ region: consuming MappedRegion, to mock: MockMemory) -> VhostError? {
        do throws(VhostError) {
            try mock.owner.add(region)
            return nil
        } catch {
            return error
        }
    }
}
