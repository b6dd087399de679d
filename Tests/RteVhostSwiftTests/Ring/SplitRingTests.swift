// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Ring: split ring")
struct SplitRingTests {
    private let guest: MockMemory

    init() throws { guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x20_0000)]) }

    private func driver(size: Int) -> MockDriver { MockDriver(guest, size: size, at: 0x1_0000) }

    @Test("event index: all old, new and event near the wrap, against a loop over the entries")
    func eventIndex() throws {
        let driver = driver(size: 32)
        let window = (65_527...65_535).map { UInt16($0) } + (0...8).map { UInt16($0) }
        var wrong = 0
        for (position, old) in window.enumerated() {
            for new in window[position...] {
                for event in window {
                    var ring = try driver.makeRing(usesEventIndex: true)
                    ring.start(nextAvailable: old, nextUsed: old)
                    // The first time, nobody knows what the guest was told: it is notified.
                    if !ring.shouldNotify() { wrong += 1 }
                    var index = old
                    var passes = false
                    while index != new {
                        ring.putUsed(UsedEntry(id: 0, descriptorCount: 1, byteCount: 0))
                        if index == event { passes = true }
                        index &+= 1
                    }
                    ring.publishUsed()
                    driver.setUsedEvent(event)
                    if ring.shouldNotify() != passes { wrong += 1 }
                    // Nothing new: nothing to tell.
                    if ring.shouldNotify() { wrong += 1 }
                }
            }
        }
        #expect(wrong == 0)
    }

    @Test("without event index the guest's NO_INTERRUPT decides")
    func interruptFlag() throws {
        let driver = driver(size: 4)
        var ring = try driver.makeRing()
        for flags: UInt16 in [0, 1, 2, 3, 0xfffe, 0xffff] {
            driver.setFlags(flags)
            let wants = ring.shouldNotify()
            #expect(wants == (flags & 1 == 0))
        }
    }

    @Test("asking for kicks: NO_NOTIFY, or avail_event with event index")
    func kicks() throws {
        let driver = driver(size: 8)
        var plain = try driver.makeRing()
        plain.setKicksWanted(false)
        #expect(driver.deviceFlags == 1)
        plain.setKicksWanted(true)
        #expect(driver.deviceFlags == 0)
        var ring = try driver.makeRing(usesEventIndex: true)
        ring.start(nextAvailable: 0xfffe, nextUsed: 0)
        ring.setKicksWanted(true)
        #expect(driver.availableEvent == 0xfffe)
        ring.start(nextAvailable: 5, nextUsed: 0)
        ring.setKicksWanted(false)
        #expect(driver.availableEvent == 0xfffe)
    }

    @Test("an available index further ahead than the ring has slots breaks it for good")
    func broken() throws {
        for size in [1, 2, 8, 256, 32_768] {
            let driver = driver(size: size)
            for start: UInt16 in [0, 1, 0x7fff, 0xffff] {
                for ahead in [0, 1, size - 1, size, size + 1, 0x8001, 0xffff] where ahead >= 0 {
                    var ring = try driver.makeRing()
                    driver.start(at: start)
                    ring.start(nextAvailable: start, nextUsed: start)
                    driver.setAvailableIndex(start &+ UInt16(truncatingIfNeeded: ahead))
                    let offered = ring.refreshAvailable(limit: 32_768)
                    let isBroken = ring.isBroken
                    #expect(isBroken == (ahead > size))
                    #expect(offered == (ahead > size ? 0 : ahead))
                    guard ahead > size else { continue }
                    driver.setAvailableIndex(start &+ 1)
                    let later = ring.refreshAvailable(limit: 32_768)
                    #expect(later == 0)
                    ring.start(nextAvailable: start, nextUsed: start)
                    let again = ring.refreshAvailable(limit: 32_768)
                    #expect(again == 1)
                }
            }
        }
    }

    @Test("what was rewound is offered again, in the same order")
    func rewind() throws {
        let driver = driver(size: 4)
        for start: UInt16 in [0, 0xfffe, 0xffff] {
            var ring = try driver.makeRing()
            var segments = try SegmentList(ringSize: 4)
            driver.start(at: start)
            ring.start(nextAvailable: start, nextUsed: start)
            for head: UInt16 in 0..<4 {
                let descriptor = MockDescriptor(address: 0x2_0000, byteCount: 4)
                driver.describe(Int(head), descriptor)
                driver.offer(head)
            }
            _ = ring.refreshAvailable(limit: 32_768)
            for back in 0..<4 {
                let mark = ring.mark
                for head in back..<4 {
                    let result = ring.takeChain(
                        .deviceReads, into: &segments, from: guest.memory)
                    guard case .chain(let entry) = result else {
                        Issue.record("no chain after going back \(back) times")
                        return
                    }
                    #expect(entry.id == UInt16(head))
                }
                ring.rewind(to: mark)
                _ = ring.takeChain(.deviceReads, into: &segments, from: guest.memory)
            }
            let next = ring.nextAvailable
            #expect(next == start &+ 4)
        }
    }

    @Test("what a run took without using is rewound to the mark of each chain")
    func runsRewind() throws {
        let driver = driver(size: 8)
        for start: UInt16 in [0, 5, 65_533] {
            var ring = try driver.makeRing()
            ring.start(nextAvailable: start, nextUsed: start)
            driver.start(at: start)
            for head: UInt16 in 0..<6 {
                driver.describe(
                    Int(head), MockDescriptor(address: 0x1_8000, byteCount: UInt32(head) + 1))
                driver.offer(head)
            }
            try #require(ring.refreshAvailable(limit: 8) == 6)
            // A run ends where the ring begins anew.
            let taken = ring.takePlain(.deviceReads, limit: 8, from: guest.memory)
            let count = min(6, 8 - Int(start % 8))
            try #require(taken.map(\.entry.id) == (0..<UInt16(count)).map { $0 })
            for (index, chain) in taken.enumerated() {
                #expect(chain.mark.index == start &+ UInt16(index))
                #expect(chain.byteCount == index + 1)
                ring.rewind(to: chain.mark)
                let again = ring.takePlain(.deviceReads, limit: 8, from: guest.memory)
                #expect(again.map(\.entry.id) == taken[index...].map(\.entry.id))
            }
        }
    }

    @Test("FrontendFault.badValue: sizes, alignments and lengths that no ring has")
    func badParts() throws {
        func make(_ size: Int, _ offset: Int = 0, short: Int = 0) -> VhostError? {
            let counts = SplitRing.byteCounts(size: max(size, 1))
            func slice(_ place: UInt64, _ count: Int) -> GuestSlice {
                guest.memory.slice(
                    at: GuestAddress(rawValue: place + UInt64(offset)), count: count - short)!
            }
            return fault { () throws(VhostError) in
                _ = try SplitRing(
                    size: size, descriptors: slice(0x1_0000, counts.descriptors),
                    available: slice(0xa_0000, counts.available),
                    used: slice(0xc_0000, counts.used), usesEventIndex: false)
            }
        }
        let bad = VhostError.frontend(.badValue)
        for power in 0...15 { #expect(make(1 << power) == nil) }
        for size in [0, -1, 3, 5, 6, 7, 255, 32_767] { #expect(make(size) == bad) }
        for offset in [1, 2, 4, 8, 15] { #expect(make(4, offset) == bad) }
        #expect(make(4, 16) == nil)
        #expect(make(4, short: 1) == bad)
    }

    @Test("a ring without addresses offers, notifies and breaks nothing")
    func empty() {
        var ring = SplitRing()
        let offered = ring.refreshAvailable(limit: 32_768)
        let notifies = ring.shouldNotify()
        ring.setKicksWanted(true)
        let isBroken = ring.isBroken
        #expect(offered == 0 && !notifies && !isBroken)
    }
}
