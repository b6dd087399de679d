// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Small worlds: every ring up to five slots, every slot and wrap counter to start at, every way to
/// cut descriptors into chains, each direct or in a table, runs of plain chains tried at every chain.
@Suite("Ring: every small packed ring")
struct PackedRingWorldTests {
    /// A ring with buffers behind it.
    private struct World {
        let guest: MockMemory
        let driver: MockPackedDriver
        let size: Int
        let buffers: UInt64 = 0x1_4000
        let tables: UInt64 = 0x1_8000

        init(size: Int) throws {
            guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x1_0000)])
            driver = MockPackedDriver(guest, size: size, at: 0x1_0000)
            self.size = size
        }

        /// The buffer of an element, each its own.
        func element(_ number: Int, _ flags: UInt16) -> MockPackedDriver.Element {
            .init(
                address: buffers + UInt64(number * 64), byteCount: UInt32(1 + number * 7 % 60),
                flags: flags)
        }
    }

    /// How a run is made.
    private struct Plan {
        var slot: Int
        var wrap: Bool
        /// Elements of each chain, and those in a table by bit.
        var lengths: [Int]
        var tables = 0
        /// Chain at which a run of plain chains is tried.
        var runStart: Int?
        var direction = ChainDirection.deviceReads

        func isIndirect(_ chain: Int) -> Bool { tables >> chain & 1 == 1 }
        /// Slots of a chain.
        func slots(_ chain: Int) -> Int { isIndirect(chain) ? 1 : lengths[chain] }
        /// Bytes that the device writes into a chain: its number and one more, none where it reads.
        func written(_ chain: Int) -> UInt32 {
            direction == .deviceReads ? 0 : UInt32(chain + 1)
        }
        /// Chains that the ring must take there.
        var runLength: Int {
            guard let runStart else { return 0 }
            return (runStart..<lengths.count).prefix { lengths[$0] == 1 }.count
        }
    }

    private func offer(_ world: World, _ plan: Plan) -> [UInt16] {
        let write: UInt16 = plan.direction == .deviceWrites ? 2 : 0
        var number = 0
        var ids: [UInt16] = []
        for (chain, length) in plan.lengths.enumerated() {
            let elements = (number..<number + length).map { world.element($0, write) }
            number += length
            let id = world.driver.freeID
            ids.append(id)
            guard plan.isIndirect(chain) else {
                world.driver.offer(elements, id: id)
                continue
            }
            let table = world.tables + UInt64(chain * 128)
            for (index, var element) in elements.enumerated() {
                // NEXT, AVAIL, USED and the id mean nothing there. 2.8.8.
                element.flags |= index & 1 == 0 ? 0x8001 : 0x0080
                world.driver.writeEntry(index, of: table, element, noise: UInt16(index * 77))
            }
            world.driver.offer(
                [.init(address: table, byteCount: UInt32(length * 16), flags: 4)], id: id)
        }
        return ids
    }

    /// Takes all chains of a plan and gives them back; true when all was as it must be.
    private func take(
        _ world: World, _ plan: Plan, _ ids: [UInt16], _ ring: inout PackedRing
    ) throws -> Bool {
        var segments = try SegmentList(ringSize: world.size)
        var isRight = ring.refreshAvailable(limit: 32_768) == plan.lengths.count
        var number = 0
        var chain = 0
        while chain < plan.lengths.count {
            if chain == plan.runStart {
                let first = chain
                let plain = ring.usePlain(
                    plan.direction, limit: world.size, from: world.guest.memory
                ) { plan.written(first + $0) }
                isRight = isRight && plain.count == plan.runLength
                for taken in plain {
                    let expected = world.element(number, 0)
                    isRight =
                        isRight && taken.id == ids[chain]
                        && world.guest.address(of: taken.header) == expected.address
                        && taken.header.count == Int(expected.byteCount)
                    number += 1
                    chain += 1
                }
                if !plain.isEmpty { continue }
            }
            segments.removeAll()
            let result = ring.takeChain(
                plan.direction, into: &segments, from: world.guest.memory)
            guard case .chain(var entry) = result else { return false }
            isRight =
                isRight && entry.id == ids[chain] && segments.count == plan.lengths[chain]
                && Int(entry.descriptorCount) == plan.slots(chain)
            for index in 0..<segments.count {
                let expected = world.element(number, 0)
                isRight =
                    isRight && segments[index].count == Int(expected.byteCount)
                    && world.guest.address(of: segments[index]) == expected.address
                number += 1
            }
            entry.byteCount = plan.written(chain)
            ring.putUsed(entry)
            chain += 1
        }
        if case .none = ring.takeChain(
            plan.direction, into: &segments, from: world.guest.memory)
        {
            return isRight
        }
        return false
    }

    private func run(_ world: World, _ plan: Plan) throws {
        let driver = world.driver
        var ring = try driver.makeRing()
        driver.start(slot: plan.slot, wrap: plan.wrap)
        let place = PackedPosition(bits: UInt16(plan.slot) | (plan.wrap ? 0x8000 : 0))
        try ring.start(nextAvailable: place, nextUsed: place)
        var isRight = ring.refreshAvailable(limit: 9) == 0
        let ids = offer(world, plan)
        let addresses = (0..<world.size).map { driver.address($0) }
        isRight = try take(world, plan, ids, &ring) && isRight
        // Nothing is seen before it is published, all of it after.
        isRight = isRight && driver.poll() == nil
        ring.publishUsed()
        let used = driver.pollAll()
        let expected = ids.enumerated().map {
            MockPackedDriver.Used(
                id: $1, byteCount: plan.written($0), isWritten: plan.written($0) > 0)
        }
        isRight = isRight && used == expected
        isRight = isRight && ring.nextUsed == ring.nextAvailable
        isRight = isRight && Int(ring.nextUsed.index) == driver.nextAvailable
        isRight = isRight && ring.nextUsed.wrapCounter == driver.availableWrap
        isRight = isRight && (0..<world.size).map { driver.address($0) } == addresses
        if !isRight { Issue.record("size \(world.size): \(plan)") }
    }

    private func forEachStart(_ size: Int, _ body: (Int, Bool) throws -> Void) rethrows {
        for slot in 0..<size {
            for wrap in [true, false] { try body(slot, wrap) }
        }
    }

    @Test("chains of every shape, direct and in tables, at every start", arguments: 1...5)
    func shapes(size: Int) throws {
        let world = try World(size: size)
        for count in 1...size {
            for lengths in SplitRingWorldTests.compositions(count) {
                for tables in 0..<(1 << lengths.count) {
                    try forEachStart(size) { slot, wrap in
                        for direction in [ChainDirection.deviceReads, .deviceWrites] {
                            try run(
                                world,
                                Plan(
                                    slot: slot, wrap: wrap, lengths: lengths, tables: tables,
                                    direction: direction))
                        }
                    }
                }
            }
        }
    }

    @Test("tables with more entries than the ring has slots", arguments: 1...5)
    func longTables(size: Int) throws {
        let world = try World(size: size)
        try forEachStart(size) { slot, wrap in
            try run(
                world,
                Plan(
                    slot: slot, wrap: wrap, lengths: [Int](repeating: 8, count: size), tables: -1))
        }
    }

    @Test("a run tried at every chain of every shape", arguments: [4, 5, 6])
    func runs(size: Int) throws {
        let world = try World(size: size)
        for lengths in SplitRingWorldTests.compositions(size) {
            for tables in [0, 1, 2, 8] {
                for runStart in 0..<lengths.count {
                    try forEachStart(size) { slot, wrap in
                        let direction: ChainDirection = wrap ? .deviceReads : .deviceWrites
                        try run(
                            world,
                            Plan(
                                slot: slot, wrap: wrap, lengths: lengths, tables: tables,
                                runStart: runStart, direction: direction))
                    }
                }
            }
        }
    }

    @Test("runs of plain descriptors at every offset", arguments: [3, 4, 7, 8, 9, 12])
    func plainRuns(size: Int) throws {
        let world = try World(size: size)
        for count in 1...size {
            for runStart in 0..<count {
                try forEachStart(size) { slot, wrap in
                    let lengths = [Int](repeating: 1, count: count)
                    try run(
                        world, Plan(slot: slot, wrap: wrap, lengths: lengths, runStart: runStart))
                }
            }
        }
    }
}
