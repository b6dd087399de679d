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

    /// How a run is made.
    private struct Plan {
        var start: UInt16
        /// Slots of each chain, and those in a table by bit.
        var lengths: [Int]
        /// The slots in order.
        var places: [Int]
        var tables: Int
        /// Chains that are plain are taken as such.
        var usesRuns: Bool

        func isIndirect(_ chain: Int) -> Bool { tables >> chain & 1 == 1 }
        func slots(of chain: Int) -> [Int] {
            let first = lengths[..<chain].reduce(0, +)
            return Array(places[first..<first + lengths[chain]])
        }
    }

    /// Offers chains over `slots` in order, takes them all and gives them back; what the driver
    /// sees is checked.
    private func run(_ world: World, start: UInt16, lengths: [Int], slots: [Int], tables: Int)
        throws
    {
        for usesRuns in [false, true] {
            try run(
                world,
                Plan(
                    start: start, lengths: lengths, places: slots, tables: tables,
                    usesRuns: usesRuns))
        }
    }

    private func run(_ world: World, _ plan: Plan) throws {
        var ring = try world.driver.makeRing()
        let (start, lengths) = (plan.start, plan.lengths)
        world.driver.start(at: start)
        ring.start(nextAvailable: start, nextUsed: start)
        var heads: [UInt16] = []
        for chain in lengths.indices {
            let own = plan.slots(of: chain)
            writeChain(world, own, chain: chain, isIndirect: plan.isIndirect(chain))
            heads.append(UInt16(own[0]))
            world.driver.offer(UInt16(own[0]))
        }
        var isRight = ring.refreshAvailable(limit: 32_768) == lengths.count
        isRight = try takeAll(world, plan, heads, &ring) && isRight
        isRight = isRight && world.driver.usedIndex == start
        ring.publishUsed()
        isRight = isRight && world.driver.usedIndex == start &+ UInt16(lengths.count)
        for (chain, head) in heads.enumerated() {
            let entry = world.driver.usedEntry(start &+ UInt16(chain))
            isRight = isRight && entry.id == UInt32(head) && entry.byteCount == UInt32(chain + 1)
        }
        if !isRight { Issue.record("size \(world.size): \(plan)") }
    }

    /// Takes all chains and puts their used entries; true when all was as it must be.
    private func takeAll(
        _ world: World, _ plan: Plan, _ heads: [UInt16], _ ring: inout SplitRing
    ) throws -> Bool {
        var segments = try SegmentList(ringSize: world.size)
        var isRight = true
        for chain in plan.lengths.indices {
            let buffers = plan.slots(of: chain).map { world.buffer($0) }
            let plain =
                plan.usesRuns
                ? ring.usePlain(.deviceReads, limit: 1, from: world.guest.memory) { _ in
                    UInt32(chain + 1)
                } : []
            let isPlain = buffers.count == 1
            isRight = isRight && (plan.usesRuns && isPlain) == (plain.count == 1)
            if let taken = plain.first {
                isRight =
                    isRight && taken.id == heads[chain]
                    && taken.header.count == buffers[0].byteCount
                    && world.guest.address(of: taken.header) == buffers[0].address
                continue
            }
            segments.removeAll()
            let result = ring.takeChain(.deviceReads, into: &segments, from: world.guest.memory)
            guard case .chain(var entry) = result else { return false }
            isRight =
                isRight && entry.id == heads[chain] && segments.count == buffers.count
                && segments.byteCount == UInt64(buffers.reduce(0) { $0 + $1.byteCount })
            for (index, expected) in buffers.enumerated() where index < segments.count {
                isRight =
                    isRight && segments[index].count == expected.byteCount
                    && world.guest.address(of: segments[index]) == expected.address
            }
            entry.byteCount = UInt32(chain + 1)
            ring.putUsed(entry)
        }
        segments.removeAll()
        guard case .none = ring.takeChain(.deviceReads, into: &segments, from: world.guest.memory)
        else { return false }
        let rest = ring.usePlain(.deviceReads, limit: 1, from: world.guest.memory)
        return isRight && rest.isEmpty
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
