// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Chains that no honest driver writes, against a walk written independently.
@Suite("Ring: hostile chains")
struct ChainWalkTests {
    private static let base: UInt64 = 0x1_0000
    private static let byteCount = 0x4000
    private static let buffers: UInt64 = 0x1_1000
    private static let table: UInt64 = 0x1_2000

    private let guest: MockMemory
    private var reference: ReferenceWalk

    init() throws {
        guest = try MockMemory([(guest: Self.base, byteCount: Self.byteCount)])
        let end = Self.base + UInt64(Self.byteCount)
        reference = ReferenceWalk(ring: [], regions: [Self.base..<end])
    }

    /// Takes the chain at `head` from a ring over `ring` and compares it with the reference.
    private mutating func compare(
        _ driver: MockDriver, _ descriptors: [MockDescriptor], head: UInt16,
        _ direction: ChainDirection, _ segments: inout SegmentList
    ) throws -> Bool {
        reference.ring = descriptors
        driver.start(at: 0)
        driver.offer(head)
        var ring = try driver.makeRing()
        guard ring.refreshAvailable(limit: 32_768) == 1 else { return false }
        segments.removeAll()
        let result = ring.takeChain(direction, into: &segments, from: guest.memory)
        let expected = reference.walk(head, direction)
        switch (result, expected) {
        case (.chain(let entry), .pieces(let pieces)):
            guard entry.id == head, segments.count == pieces.count else { return false }
            for index in 0..<pieces.count {
                guard segments[index].count == pieces[index].byteCount,
                    guest.address(of: segments[index]) == pieces[index].address
                else { return false }
            }
            return ring.nextAvailable == 1
        case (.bad(let entry, let found), .fault(let wanted)):
            return entry.id == head && found == wanted && ring.nextAvailable == 1
        default:
            return false
        }
    }

    @Test("four slots: every graph of next links, every direction, every head")
    mutating func everyGraph() throws {
        let size = 4
        let driver = MockDriver(guest, size: size, at: Self.base)
        var segments = try SegmentList(ringSize: size)
        // Per slot: no next, or next in 0...4 where 4 is out of range; readable or writable.
        let states: [MockDescriptor] = (0..<12).map { state in
            let link = state % 6
            let flags = (link < 5 ? MockDescriptor.next : 0) | (state / 6 == 1 ? 2 : 0)
            return MockDescriptor(
                address: Self.buffers, byteCount: 8, flags: flags,
                next: link == 4 ? 4 : UInt16(link % 5))
        }
        var descriptors = [MockDescriptor](repeating: states[0], count: size)
        var wrong = 0
        for number in 0..<(12 * 12 * 12 * 12) {
            var rest = number
            for slot in 0..<size {
                descriptors[slot] = states[rest % 12]
                driver.describe(slot, descriptors[slot])
                rest /= 12
            }
            let head = UInt16(number % 4)
            let direction: ChainDirection = number / 4 % 2 == 0 ? .deviceReads : .deviceWrites
            if try !compare(driver, descriptors, head: head, direction, &segments) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("two slots: every combination of flags, next, zero length, unmapped, head")
    mutating func everyFlag() throws {
        let driver = MockDriver(guest, size: 2, at: Self.base)
        var segments = try SegmentList(ringSize: 2)
        let inner = [
            MockDescriptor(address: Self.buffers, byteCount: 5, flags: 1, next: 1),
            MockDescriptor(address: Self.buffers + 9, byteCount: 3, flags: 0, next: 0),
        ]
        reference.tables[Self.table] = inner
        for (index, entry) in inner.enumerated() {
            driver.describe(index, entry, in: Self.table)
        }
        let places: [(UInt64, UInt32)] = [
            (Self.buffers, 8), (Self.buffers, 0), (0x10, 8), (Self.table, 32), (Self.table, 17),
            (0x10, 32),
        ]
        var states: [MockDescriptor] = []
        for flags: UInt16 in 0..<8 {
            for next: UInt16 in [0, 1, 2, 65535] {
                for (address, count) in places {
                    // A table elsewhere than where one was written is not what this test is about.
                    guard flags & 4 == 0 || address != Self.buffers || count == 0 else { continue }
                    states.append(
                        MockDescriptor(
                            address: address, byteCount: count, flags: flags, next: next))
                }
            }
        }
        var wrong = 0
        for first in states {
            driver.describe(0, first)
            for second in states {
                driver.describe(1, second)
                let pair = [first, second]
                for head: UInt16 in first == second ? [0, 1, 2, 65535] : [0] {
                    let isRight = try compare(driver, pair, head: head, .deviceReads, &segments)
                    if !isRight { wrong += 1 }
                }
            }
        }
        #expect(wrong == 0)
    }
}
