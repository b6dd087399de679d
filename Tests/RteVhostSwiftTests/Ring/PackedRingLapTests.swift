// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// A guest that offers used slots again while the call runs that showed them to it: that call takes
/// what was free when it looked, and nothing twice; the rest is for the next one.
@Suite("Ring: packed ring, one lap a call")
struct PackedRingLapTests {
    private let guest: MockMemory
    private let driver: MockPackedDriver

    /// More slots than used entries wait for being shown.
    private static let size = 200

    init() throws {
        guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x20_0000)])
        driver = MockPackedDriver(guest, size: Self.size, at: 0x1_0000)
    }

    /// A ring and a driver at some place in some lap.
    private func start(_ slot: Int) throws -> PackedRing {
        var ring = try driver.makeRing()
        driver.start(slot: slot, wrap: true)
        let place = PackedPosition(bits: UInt16(slot) | 0x8000)
        try ring.start(nextAvailable: place, nextUsed: place)
        return ring
    }

    private func offer(_ count: Int) {
        let element = MockPackedDriver.Element(address: 0x10_0000, byteCount: 4)
        driver.offer(
            [MockPackedDriver.Element](repeating: element, count: count), id: driver.freeID)
    }

    /// One call: takes chains and uses them, while the guest offers `chain` slots at once as soon
    /// as that many are used. Returns the slots of the chains taken, in order.
    private func call(_ ring: inout PackedRing, chain: Int) throws -> [Int] {
        var segments = try SegmentList(ringSize: Self.size)
        var taken: [Int] = []
        _ = ring.refreshAvailable(limit: 1)
        // Four laps are enough to see that it does not end.
        while taken.reduce(0, +) < 4 * Self.size {
            segments.removeAll()
            guard
                case .chain(let entry) = ring.takeChain(
                    .deviceReads, into: &segments, from: guest.memory)
            else { break }
            taken.append(Int(entry.descriptorCount))
            ring.putUsed(entry)
            _ = driver.pollAll()
            while driver.free >= chain { offer(chain) }
        }
        ring.publishUsed()
        _ = driver.pollAll()
        return taken
    }

    @Test("slots that are offered again are not taken twice", arguments: [0, 1, 100, 199])
    func oneLap(slot: Int) throws {
        var ring = try start(slot)
        for _ in 0..<Self.size { offer(1) }
        for lap in 0..<5 {
            let taken = try call(&ring, chain: 1)
            let isBroken = ring.isBroken
            #expect(taken == [Int](repeating: 1, count: Self.size) && !isBroken, "lap \(lap)")
            while driver.free > 0 { offer(1) }
        }
    }

    @Test("a chain that goes on into such slots waits, and the ring is not broken")
    func longChain() throws {
        for length in [2, 3, 7, 60, 130] {
            var ring = try start(0)
            for _ in 0..<Self.size { offer(1) }
            var slots = 0
            for _ in 0..<20 {
                let taken = try call(&ring, chain: length)
                let isBroken = ring.isBroken
                let sum = taken.reduce(0, +)
                #expect(sum > Self.size - length && sum <= Self.size && !isBroken)
                slots += sum
                while driver.free >= length { offer(length) }
            }
            // The last chain may be short of being shown; nothing else is left behind.
            #expect(slots > 12 * Self.size)
        }
    }

    @Test("a chain longer than the ring breaks it all the same")
    func endless() throws {
        var ring = try start(0)
        for _ in 0..<Self.size { offer(1) }
        _ = try call(&ring, chain: Self.size + 1)
        for slot in 0..<Self.size { driver.setFlags(slot, MockPackedDriver.used | 1) }
        let first = try call(&ring, chain: Self.size + 1)
        let isBroken = ring.isBroken
        #expect(first.isEmpty && isBroken)
    }

    @Test("the guest is told of all that one call used, and all of it is logged")
    func notifications() throws {
        var ring = try driver.makeRing(usesEventIndex: true)
        driver.start(slot: 0, wrap: true)
        try ring.start(nextAvailable: PackedPosition(), nextUsed: PackedPosition())
        _ = ring.shouldNotify()
        _ = ring.takeWrites()
        for lap in 0..<6 {
            let wrap = lap % 2 == 0
            while driver.free > 0 { offer(1) }
            // It waits for the last slot of the lap.
            driver.setEvent(UInt16(Self.size - 1), wrap, flags: 2)
            let taken = try call(&ring, chain: 1)
            let isTold = ring.shouldNotify()
            let writes = ring.takeWrites()
            let logged = writes[0].count + writes[1].count
            #expect(isTold && logged == 16 * min(taken.count, Self.size), "lap \(lap)")
        }
    }
}
