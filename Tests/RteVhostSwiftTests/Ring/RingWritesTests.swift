// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Whatever a ring changes in guest memory must be among what it says it wrote.
@Suite("Ring: what is written")
struct RingWritesTests {
    private let guest: MockMemory
    private static let start: UInt64 = 0x1_0000
    private static let byteCount = 0x1000

    init() throws { guest = try MockMemory([(guest: Self.start, byteCount: Self.byteCount)]) }

    private func snapshot() -> [UInt8] { guest.read(Self.byteCount, at: Self.start) }

    /// Addresses of the bytes of some slices.
    private func addresses(_ writes: RingWrites) throws -> Set<UInt64> {
        var result: Set<UInt64> = []
        for index in 0..<RingWrites.count where writes[index].count > 0 {
            let first = try #require(guest.address(of: writes[index]))
            for offset in 0..<writes[index].count { result.insert(first + UInt64(offset)) }
        }
        return result
    }

    /// Bytes that changed since `before` and are not among `written`.
    private func missed(_ before: [UInt8], _ written: Set<UInt64>) -> [UInt64] {
        let after = snapshot()
        return (0..<Self.byteCount).filter { before[$0] != after[$0] }
            .map { Self.start + UInt64($0) }.filter { !written.contains($0) }
    }

    @Test(
        "split: used entries over the ring's end, index, flags and avail_event",
        arguments: [false, true])
    func split(usesEventIndex: Bool) throws {
        let driver = MockDriver(guest, size: 8, at: Self.start)
        var ring = try driver.makeRing(usesEventIndex: usesEventIndex)
        var random = FixedRandom(seed: 5)
        ring.start(nextAvailable: 0xfffa, nextUsed: 0xfffa)
        for step in 0..<200 {
            let before = snapshot()
            let count = step % 9
            for _ in 0..<count {
                let entry = UsedEntry(
                    id: UInt16.random(in: 0..<8, using: &random), descriptorCount: 1,
                    byteCount: UInt32.random(in: 1...9999, using: &random))
                ring.putUsed(entry)
            }
            ring.publishUsed()
            if step % 5 == 0 { ring.setKicksWanted(step % 2 == 0) }
            let written = try addresses(ring.takeWrites())
            #expect(missed(before, written).isEmpty)
            // Not much more: flags and index, the entries, the event.
            #expect(written.count <= 4 + 8 * count + 2)
        }
    }

    @Test("split: parts of the used ring know where in it they are, others do not")
    func offsets() throws {
        let driver = MockDriver(guest, size: 8, at: Self.start)
        var ring = try driver.makeRing()
        ring.start(nextAvailable: 7, nextUsed: 7)
        for id in 0..<2 {
            ring.putUsed(UsedEntry(id: UInt16(id), descriptorCount: 1, byteCount: 1))
        }
        ring.publishUsed()
        let writes = ring.takeWrites()
        let offsets = (0..<3).map { writes.usedOffset(of: writes[$0]) }
        #expect(offsets == [0, 4 + 7 * 8, 4])
        let place = FrontendAddress(rawValue: driver.descriptors &+ MockMemory.frontendOffset)
        let other = try #require(guest.memory.slice(at: place, count: 16))
        let none = writes.usedOffset(of: other)
        #expect(none == nil)
    }

    @Test("a ring that is not set up wrote nothing")
    func nothing() throws {
        var split = SplitRing()
        var packed = PackedRing()
        #expect(try addresses(split.takeWrites()).isEmpty)
        #expect(try addresses(packed.takeWrites()).isEmpty)
    }

    @Test("packed: slots of used chains over the ring's end, and the device's events")
    func packed() throws {
        let size = 7
        func slice(_ offset: Int, _ count: Int) -> GuestSlice {
            let address = GuestAddress(rawValue: Self.start + UInt64(offset))
            return guest.memory.slice(at: address, count: count)!
        }
        var ring = try PackedRing(
            size: size, descriptors: slice(0, size * 16), driverEvent: slice(0x200, 4),
            deviceEvent: slice(0x300, 4), usesEventIndex: true)
        let start = PackedPosition()
        try ring.start(nextAvailable: start, nextUsed: start)
        var segments = try SegmentList(ringSize: size)
        var slot = 0
        var lap = true
        for step in 0..<300 {
            let count = step % (size + 1)
            // The driver offers that many chains of one buffer each.
            for id in 0..<count {
                let flags: UInt16 = (lap ? 0x80 : 0x8000) | 2
                let place = Self.start + UInt64(slot * 16)
                guest.store(Self.start + 0x800, at: place)
                guest.store(UInt32(64), at: place + 8)
                guest.store(UInt16(id), at: place + 12)
                guest.store(flags, at: place + 14)
                slot += 1
                if slot == size { (slot, lap) = (0, !lap) }
            }
            let before = snapshot()
            _ = ring.refreshAvailable(limit: count)
            for id in 0..<count {
                segments.removeAll()
                guard
                    case .chain(var entry) = ring.takeChain(
                        .deviceWrites, into: &segments, from: guest.memory)
                else {
                    Issue.record("chain \(id) of step \(step) was not there")
                    return
                }
                entry.byteCount = UInt32(step + 1)
                ring.putUsed(entry)
            }
            ring.publishUsed()
            if step % 3 == 0 { ring.setKicksWanted(step % 2 == 0) }
            let written = try addresses(ring.takeWrites())
            #expect(missed(before, written).isEmpty)
            #expect(written.count <= 16 * count + 4)
        }
    }
}
