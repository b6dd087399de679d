// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Small worlds: every ring up to eight slots, every start, every way to cut descriptors into chains.
@Suite("Ring: every small split ring")
struct SplitRingWorldTests {
    /// A ring of `size` slots with buffers behind it.
    private struct World {
        let guest: MockMemory
        let driver: MockDriver
        let size: Int
        let buffers: UInt64 = 0x1_4000
        let tables: UInt64 = 0x1_8000

        init(size: Int) throws {
            guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x1_0000)])
            driver = MockDriver(guest, size: size, at: 0x1_0000)
            self.size = size
        }

        /// Address and length of the buffer that belongs to a slot, each its own.
        func buffer(_ slot: Int) -> (address: UInt64, byteCount: Int) {
            (buffers + UInt64(slot * 64), 1 + slot * 7 % 60)
        }
    }

    /// Starts that put every position of the ring before, at and after the wrap of the index.
    private static func starts(_ size: Int) -> [UInt16] {
        (0..<size).flatMap { [UInt16($0), UInt16(65536 - size + $0)] }
    }

    /// All ways to cut `count` descriptors into chains, as lists of lengths.
    static func compositions(_ count: Int) -> [[Int]] {
        (0..<(1 << (count - 1))).map { cuts in
            var lengths = [1]
            for position in 0..<(count - 1) {
                if cuts >> position & 1 == 1 {
                    lengths.append(1)
                } else {
                    lengths[lengths.count - 1] += 1
                }
            }
            return lengths
        }
    }

    /// Offers chains over `slots` in order, takes them all and gives them back; what the driver
    /// sees is checked.
    private func run(_ world: World, start: UInt16, lengths: [Int], slots: [Int], tables: Int)
        throws
    {
        var ring = try world.driver.makeRing()
        var segments = try SegmentList(ringSize: world.size)
        world.driver.start(at: start)
        ring.start(nextAvailable: start, nextUsed: start)
        var heads: [UInt16] = []
        var position = 0
        for (chain, length) in lengths.enumerated() {
            let own = Array(slots[position..<position + length])
            writeChain(world, own, chain: chain, isIndirect: tables >> chain & 1 == 1)
            heads.append(UInt16(own[0]))
            world.driver.offer(UInt16(own[0]))
            position += length
        }
        var isRight = ring.refreshAvailable(limit: 32_768) == lengths.count
        position = 0
        for (chain, length) in lengths.enumerated() {
            segments.removeAll()
            let result = ring.takeChain(
                .deviceReads, into: &segments, from: world.guest.memory)
            guard case .chain(var entry) = result else { isRight = false; break }
            isRight = isRight && entry.id == heads[chain] && segments.count == length
            var total = 0
            for index in 0..<min(length, segments.count) {
                let expected = world.buffer(slots[position + index])
                isRight =
                    isRight && segments[index].count == expected.byteCount
                    && world.guest.address(of: segments[index]) == expected.address
                total += expected.byteCount
            }
            isRight = isRight && segments.byteCount == UInt64(total)
            entry.byteCount = UInt32(chain + 1)
            ring.putUsed(entry)
            position += length
        }
        segments.removeAll()
        if case .none = ring.takeChain(.deviceReads, into: &segments, from: world.guest.memory) {
        } else {
            isRight = false
        }
        isRight = isRight && world.driver.usedIndex == start
        ring.publishUsed()
        isRight = isRight && world.driver.usedIndex == start &+ UInt16(lengths.count)
        for (chain, head) in heads.enumerated() {
            let entry = world.driver.usedEntry(start &+ UInt16(chain))
            isRight = isRight && entry.id == UInt32(head) && entry.byteCount == UInt32(chain + 1)
        }
        if !isRight {
            Issue.record("size \(world.size) start \(start) chains \(lengths) slots \(slots)")
        }
    }

    private func writeChain(_ world: World, _ slots: [Int], chain: Int, isIndirect: Bool) {
        let table = world.tables + UInt64(chain * 128)
        for (index, slot) in slots.enumerated() {
            let (address, byteCount) = world.buffer(slot)
            let isLast = index == slots.count - 1
            let next = isLast ? 0 : isIndirect ? index + 1 : slots[index + 1]
            world.driver.describe(
                isIndirect ? index : slot,
                MockDescriptor(
                    address: address, byteCount: UInt32(byteCount),
                    flags: isLast ? 0 : MockDescriptor.next, next: UInt16(next)),
                in: isIndirect ? table : nil)
        }
        guard isIndirect else { return }
        world.driver.describe(
            slots[0],
            MockDescriptor(
                address: table, byteCount: UInt32(slots.count * 16),
                flags: MockDescriptor.indirect, next: 0))
    }

    @Test("direct chains of every shape at every start", arguments: [1, 2, 4, 8])
    func direct(size: Int) throws {
        let world = try World(size: size)
        for count in 1...size {
            for lengths in Self.compositions(count) {
                for start in Self.starts(size) {
                    try run(
                        world, start: start, lengths: lengths, slots: Array(0..<count), tables: 0)
                }
            }
        }
    }

    @Test("each chain direct or in a table, around the wrap", arguments: [1, 2, 4, 8])
    func indirect(size: Int) throws {
        let world = try World(size: size)
        for count in 1...size {
            for lengths in Self.compositions(count) {
                for tables in 1..<(1 << lengths.count) {
                    try run(
                        world, start: 65535, lengths: lengths, slots: Array(0..<count),
                        tables: tables)
                }
            }
        }
    }

    @Test("next links in every order of slots", arguments: [2, 4])
    func permuted(size: Int) throws {
        let world = try World(size: size)
        for slots in permutations(Array(0..<size)) {
            for lengths in Self.compositions(size) {
                for start in Self.starts(size) {
                    try run(world, start: start, lengths: lengths, slots: slots, tables: 0)
                }
            }
        }
    }

    private func permutations(_ values: [Int]) -> [[Int]] {
        guard values.count > 1 else { return [values] }
        return values.indices.flatMap { index in
            var rest = values
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }
}
