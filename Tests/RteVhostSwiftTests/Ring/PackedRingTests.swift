// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Ring: packed ring")
struct PackedRingTests {
    private let guest: MockMemory

    init() throws { guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x20_0000)]) }

    private func driver(size: Int) -> MockPackedDriver {
        MockPackedDriver(guest, size: size, at: 0x1_0000)
    }

    private func place(_ slot: Int, _ wrap: Bool) -> PackedPosition {
        PackedPosition(bits: UInt16(slot) | (wrap ? 0x8000 : 0))
    }

    /// True when using `moved` slots from `slot` on passes the place that the driver named.
    private func passes(
        _ size: Int, _ slot: Int, _ wrap: Bool, _ moved: Int, _ event: (Int, Bool)
    ) -> Bool {
        var (slot, wrap) = (slot, wrap)
        for _ in 0..<moved {
            if slot == event.0 && wrap == event.1 { return true }
            slot += 1
            if slot == size { (slot, wrap) = (0, !wrap) }
        }
        return false
    }

    /// One ring that was told once, used `moved` slots and is asked again.
    private func asked(
        _ driver: MockPackedDriver, _ usesEventIndex: Bool, _ start: (Int, Bool), _ moved: Int,
        _ event: (offset: UInt16, wrap: Bool, flags: UInt16)
    ) throws -> (first: Bool, second: Bool, third: Bool) {
        var ring = try driver.makeRing(usesEventIndex: usesEventIndex)
        driver.setEvent(event.offset, event.wrap, flags: event.flags)
        try ring.start(
            nextAvailable: place(start.0, start.1), nextUsed: place(start.0, start.1))
        let first = ring.shouldNotify()
        // Lists of one and of two slots: what counts is the slots that they skip.
        var left = moved
        while left > 0 {
            let slots = left % 3 == 2 ? 2 : 1
            ring.putUsed(UsedEntry(id: 0, descriptorCount: UInt16(slots), byteCount: 0))
            left -= slots
        }
        ring.publishUsed()
        return (first, ring.shouldNotify(), ring.shouldNotify())
    }

    @Test("the driver's wish: flags, places and wrap counters of every kind", arguments: 1...5)
    func events(size: Int) throws {
        let driver = driver(size: size)
        let offsets = Array(0...size + 1) + [0x7ffe, 0x7fff]
        var wrong = 0
        for slot in 0..<size {
            for wrap in [true, false] {
                for moved in 0...size {
                    for offset in offsets {
                        for bits in 0..<32 {
                            // Reserved bits mean nothing.
                            let flags = UInt16(bits & 3) | (bits & 4 != 0 ? 0xfffc : 0)
                            let eventWrap = bits & 8 != 0
                            let usesEventIndex = bits & 16 != 0
                            let found = try asked(
                                driver, usesEventIndex, (slot, wrap), moved,
                                (UInt16(offset), eventWrap, flags))
                            let isDesc = flags & 3 == 2 && usesEventIndex && offset < size
                            let isDisabled = flags & 3 == 1
                            let expected =
                                isDesc
                                ? passes(size, slot, wrap, moved, (offset, eventWrap))
                                : !isDisabled
                            if found.first == isDisabled || found.second != expected
                                || found.third != (isDesc ? false : !isDisabled)
                            {
                                wrong += 1
                            }
                        }
                    }
                }
            }
        }
        #expect(wrong == 0)
    }

    @Test("the driver's wish in rings of 1000 and 32,768 slots", arguments: [1000, 32_768])
    func largeEvents(size: Int) throws {
        let driver = driver(size: size)
        for start in [0, size / 2, size - 1] {
            for wrap in [true, false] {
                for moved in [1, 2, size - 1, size] {
                    for offset in [0, start, (start + moved - 1) % size, (start + moved) % size] {
                        for eventWrap in [true, false] {
                            let found = try asked(
                                driver, true, (start, wrap), moved,
                                (UInt16(offset), eventWrap, 2))
                            let expected = passes(size, start, wrap, moved, (offset, eventWrap))
                            #expect(found == (true, expected, false))
                        }
                    }
                }
            }
        }
    }

    @Test("asking for kicks: ENABLE or DISABLE, or DESC with event index, all at once")
    func kicks() throws {
        let driver = driver(size: 5)
        var plain = try driver.makeRing()
        plain.setKicksWanted(false)
        #expect(driver.deviceWish == (0, 1))
        plain.setKicksWanted(true)
        #expect(driver.deviceWish == (0, 0))
        for slot in 0..<5 {
            for wrap in [true, false] {
                var ring = try driver.makeRing(usesEventIndex: true)
                try ring.start(nextAvailable: place(slot, wrap), nextUsed: place(0, true))
                ring.setKicksWanted(true)
                #expect(driver.deviceWish == (UInt16(slot) | (wrap ? 0x8000 : 0), 2))
                ring.setKicksWanted(false)
                #expect(driver.deviceWish.flags == 1)
            }
        }
    }

    @Test("FrontendFault.badValue: positions that the ring does not have", arguments: [1, 3, 1000])
    func badPositions(size: Int) throws {
        let driver = driver(size: size)
        for slot in [0, size - 1, size, size + 1, 0x7fff] {
            for wrap in [true, false] {
                for isUsed in [true, false] {
                    var ring = try driver.makeRing()
                    let found = fault { () throws(VhostError) in
                        try ring.start(
                            nextAvailable: place(isUsed ? 0 : slot, wrap),
                            nextUsed: place(isUsed ? slot : 0, wrap))
                    }
                    #expect(found == (slot < size ? nil : .frontend(.badValue)))
                }
            }
        }
    }

    @Test("FrontendFault.badValue: sizes, alignments and lengths that no ring has")
    func badParts() throws {
        func make(_ size: Int, _ offsets: [UInt64] = [0, 0, 0], short: [Int] = [0, 0, 0])
            -> VhostError?
        {
            let places: [UInt64] = [0x1_0000, 0x1f_0000, 0x1f_8000]
            let counts = [max(size, 1) * 16, 4, 4]
            let slices = (0..<3).map { part in
                guest.memory.slice(
                    at: GuestAddress(rawValue: places[part] + offsets[part]),
                    count: counts[part] - short[part])!
            }
            return fault { () throws(VhostError) in
                _ = try PackedRing(
                    size: size, descriptors: slices[0], driverEvent: slices[1],
                    deviceEvent: slices[2], usesEventIndex: false)
            }
        }
        let bad = VhostError.frontend(.badValue)
        for size in [1, 2, 3, 5, 6, 255, 1000, 32_767, 32_768] { #expect(make(size) == nil) }
        for size in [0, -1, 32_769, 65_536] { #expect(make(size) == bad) }
        for offset: UInt64 in [1, 2, 4, 8, 15] { #expect(make(4, [offset, 0, 0]) == bad) }
        for offset: UInt64 in [1, 2, 3] {
            #expect(make(4, [0, offset, 0]) == bad)
            #expect(make(4, [0, 0, offset]) == bad)
        }
        #expect(make(4, [16, 4, 8]) == nil)
        for part in 0..<3 {
            var short = [0, 0, 0]
            short[part] = 1
            #expect(make(4, short: short) == bad)
        }
    }

    @Test("a ring without addresses offers, takes, notifies and breaks nothing")
    func empty() throws {
        var ring = PackedRing()
        var segments = try SegmentList(ringSize: 4)
        let offered = ring.refreshAvailable(limit: 32_768)
        let notifies = ring.shouldNotify()
        let plain = ring.usePlain(.deviceReads, limit: 4, from: guest.memory)
        ring.setKicksWanted(true)
        ring.publishUsed()
        if case .none = ring.takeChain(.deviceReads, into: &segments, from: guest.memory) {
        } else {
            Issue.record("a chain from nowhere")
        }
        let isBroken = ring.isBroken
        #expect(offered == 0 && !notifies && !isBroken && plain.isEmpty)
    }

    /// Fills a ring of any size to the last slot, several laps long.
    @Test("a full ring of single descriptors, lap after lap", arguments: [3, 5, 1000, 32_768])
    func fullRing(size: Int) throws {
        let driver = driver(size: size)
        var segments = try SegmentList(ringSize: size)
        for (slot, wrap) in [(0, true), (size - 1, false), (size / 2, true)] {
            var ring = try driver.makeRing()
            driver.start(slot: slot, wrap: wrap)
            try ring.start(nextAvailable: place(slot, wrap), nextUsed: place(slot, wrap))
            for lap in 0..<3 {
                for id in 0..<size {
                    driver.offer([.init(address: 0x10_0000, byteCount: 4)], id: UInt16(id))
                }
                let offered = ring.refreshAvailable(limit: 65_536)
                #expect(offered == size)
                var taken = 0
                while case .chain(let entry) = ring.takeChain(
                    .deviceReads, into: &segments, from: guest.memory)
                {
                    segments.removeAll()
                    ring.putUsed(entry)
                    taken += 1
                }
                ring.publishUsed()
                let used = driver.pollAll().map(\.id)
                #expect(taken == size && used == (0..<UInt16(size)).map { $0 }, "lap \(lap)")
            }
        }
    }

    /// One list over all slots, whose used descriptor skips a whole lap.
    @Test("a chain as long as the ring", arguments: [1, 3, 5, 1000, 32_768])
    func longestChain(size: Int) throws {
        let driver = driver(size: size)
        var segments = try SegmentList(ringSize: size)
        for slot in [0, size / 2, size - 1] {
            var ring = try driver.makeRing()
            driver.start(slot: slot, wrap: true)
            try ring.start(nextAvailable: place(slot, true), nextUsed: place(slot, true))
            for lap in 0..<3 {
                let elements = [MockPackedDriver.Element](
                    repeating: .init(address: 0x10_0000, byteCount: 4), count: size)
                let id = UInt16(size - 1)
                driver.offer(elements, id: id)
                let offered = ring.refreshAvailable(limit: 32)
                segments.removeAll()
                let result = ring.takeChain(
                    .deviceReads, into: &segments, from: guest.memory)
                let whole = UsedEntry(id: id, descriptorCount: UInt16(size), byteCount: 0)
                switch result {
                case .chain(let entry): #expect(entry == whole && segments.count == size)
                case .bad(let entry, let fault):
                    // More pieces than a packet may have; it goes back all the same.
                    #expect(entry == whole && fault == .tooLong && size > 1024)
                case .none, .missing: Issue.record("the chain is lost in lap \(lap)")
                }
                ring.putUsed(whole)
                ring.publishUsed()
                let used = driver.pollAll()
                #expect(used.map(\.id) == [id] && offered == 1)
            }
        }
    }

    @Test("a chain one slot longer than what is free breaks the ring; until it is set up anew")
    func endless() throws {
        for size in [1, 2, 3, 5, 1000] {
            let driver = driver(size: size)
            var segments = try SegmentList(ringSize: size)
            for taken in 0..<size {
                var ring = try driver.makeRing()
                driver.start(slot: 0, wrap: true)
                guard taken < 5 else { break }
                for id in 0..<taken {
                    driver.offer([.init(address: 0x10_0000, byteCount: 4)], id: UInt16(id))
                    _ = ring.takeChain(.deviceReads, into: &segments, from: guest.memory)
                }
                for slot in taken..<size { driver.setFlags(slot, 0x81) }
                let offered = ring.refreshAvailable(limit: 8)
                let before = ring.mark
                segments.removeAll()
                guard
                    case .none = ring.takeChain(
                        .deviceReads, into: &segments, from: guest.memory)
                else {
                    Issue.record("a chain without end in a ring of \(size)")
                    return
                }
                let after = (ring.isBroken, ring.mark, ring.refreshAvailable(limit: 8))
                #expect(offered == 1 && after == (true, before, 0))
                let plain = ring.usePlain(.deviceReads, limit: 4, from: guest.memory)
                #expect(plain.isEmpty)
                try ring.start(nextAvailable: place(0, true), nextUsed: place(0, true))
                let isBroken = ring.isBroken
                #expect(!isBroken)
            }
        }
    }
}
