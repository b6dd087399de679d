// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Synchronization
import Testing

@testable import RteVhostSwift

/// Long random histories of a driver that keeps the rules.
@Suite("Ring: packed rings over time")
struct PackedRingHistoryTests {
    /// A chain that was taken: its entry, the driver's number for it, and where the ring stood.
    private struct Taken {
        var entry: UsedEntry
        var number: UInt32
        var mark: RingMark
    }

    /// Driver, ring, and what is known about both.
    private struct History: ~Copyable {
        let guest: MockMemory
        let driver: MockPackedDriver
        var ring: PackedRing
        var segments: SegmentList
        var random: FixedRandom
        /// Offered and not taken: id, slots and number, which is in the buffers' lengths.
        var offered: [(id: UInt16, slots: Int, number: UInt32)] = []
        var taken: [Taken] = []
        var put: [MockPackedDriver.Used] = []
        var count: UInt32 = 0
        let usesOrder: Bool

        init(size: Int, seed: Int, usesOrder: Bool) throws {
            let guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x4_0000)])
            let driver = MockPackedDriver(guest, size: size, at: 0x1_0000)
            var ring = try driver.makeRing()
            let segments = try SegmentList(ringSize: size)
            let slot = seed % size
            let place = PackedPosition(bits: UInt16(slot) | (seed & 1 == 0 ? 0x8000 : 0))
            try ring.start(nextAvailable: place, nextUsed: place)
            driver.start(slot: slot, wrap: seed & 1 == 0)
            self.guest = guest
            self.driver = driver
            self.ring = ring
            self.segments = segments
            self.usesOrder = usesOrder
            random = FixedRandom(seed: UInt64(seed))
        }

        /// The driver offers a chain of a few slots, or one in a table.
        mutating func offer() {
            guard driver.free > 0 else { return }
            count &+= 1
            let slots = min(driver.free, [1, 1, 1, 1, 2, 3, 7].randomElement(using: &random)!)
            let id = (0..<UInt16(driver.size)).filter { driver.lengths[$0] == nil }
                .randomElement(using: &random)!
            // The first buffer's length tells which chain it is.
            let length = count % 4096 + 1
            var elements = (0..<slots).map { index in
                MockPackedDriver.Element(
                    address: 0x3_0000 + UInt64(index * 16), byteCount: index == 0 ? length : 1)
            }
            if slots == 1, Int.random(in: 0..<8, using: &random) == 0 {
                let table = 0x2_8000 + UInt64(id) * 16
                driver.writeEntry(0, of: table, elements[0])
                elements = [.init(address: table, byteCount: 16, flags: 4)]
            }
            driver.offer(elements, id: id)
            offered.append((id, slots, count))
        }

        /// Checks a chain against what was offered longest ago, and notes it.
        mutating func note(_ entry: UsedEntry, _ length: Int, _ mark: RingMark) throws {
            try #require(!offered.isEmpty)
            let first = offered.removeFirst()
            try #require(
                entry.id == first.id && entry.descriptorCount == first.slots
                    && length == first.number % 4096 + 1)
            taken.append(Taken(entry: entry, number: first.number, mark: mark))
        }

        /// The device takes a chain.
        mutating func take() throws {
            let mark = ring.mark
            segments.removeAll()
            let ahead = ring.refreshAvailable(limit: 65_535)
            try #require(ahead == offered.count)
            switch ring.takeChain(.deviceReads, into: &segments, from: guest.memory) {
            case .none: try #require(offered.isEmpty)
            case .bad: Issue.record("a good chain is called bad")
            case .missing: Issue.record("a miss without an IOMMU")
            case .chain(let entry): try note(entry, segments[0].count, mark)
            }
        }

        /// The device takes and uses what is plain, up to four at once.
        mutating func takePlain() throws {
            // A run uses its chains at once: in order that is right only with nothing before it.
            guard taken.isEmpty || !usesOrder else { return }
            let known = offered.count
            let plain = ring.usePlain(.deviceReads, limit: 4, from: guest.memory)
            try #require(plain.count <= known)
            for chain in plain {
                let entry = UsedEntry(id: chain.id, descriptorCount: 1, byteCount: 0)
                try note(entry, chain.header.count, ring.mark)
                _ = taken.removeLast()
                put.append(.init(id: chain.id, byteCount: 0, isWritten: false))
            }
        }

        /// The device takes what is plain, up to four at once, and uses it later.
        mutating func takeRun() throws {
            for chain in ring.takePlain(.deviceReads, limit: 4, from: guest.memory) {
                try note(chain.entry, chain.byteCount, chain.mark)
            }
        }

        /// The device takes back what it took last.
        mutating func rewind() {
            guard let last = taken.indices.randomElement(using: &random) else { return }
            let mark = taken[last].mark
            // What was used out of order in between cannot be taken back.
            let first = taken.firstIndex { $0.mark == mark }!
            guard isSuffix(from: first) else { return }
            ring.rewind(to: mark)
            let back = taken[first...].map {
                (id: $0.entry.id, slots: Int($0.entry.descriptorCount), number: $0.number)
            }
            offered = back + offered
            taken.removeSubrange(first...)
        }

        /// True when all chains taken since this one are still here.
        private func isSuffix(from index: Int) -> Bool {
            let steps = ring.mark.sequence &- taken[index].mark.sequence
            return Int(steps) == taken.count - index
        }

        /// The device uses a chain: the oldest, or any.
        mutating func use() {
            guard !taken.isEmpty else { return }
            let index = usesOrder ? 0 : Int.random(in: 0..<taken.count, using: &random)
            var entry = taken.remove(at: index).entry
            entry.byteCount = UInt32.random(in: 0...3, using: &random)
            ring.putUsed(entry)
            put.append(
                .init(id: entry.id, byteCount: entry.byteCount, isWritten: entry.byteCount > 0))
        }

        mutating func publish() throws {
            try #require(driver.poll() == nil)
            ring.publishUsed()
            let used = driver.pollAll()
            try #require(used == put)
            put.removeAll()
        }

        mutating func step() throws {
            switch Int.random(in: 0..<17, using: &random) {
            case 0..<5: offer()
            case 5..<8: try take()
            case 8: try takePlain()
            case 9: try takeRun()
            case 10: rewind()
            case 11..<15: use()
            default: try publish()
            }
        }
    }

    @Test("offers, takes, runs, rewinds and uses, in order", arguments: [1, 2, 3, 4, 5, 8, 37])
    func inOrder(size: Int) throws {
        for seed in 1...min(2 * size, 12) {
            var history = try History(size: size, seed: seed, usesOrder: true)
            while history.count < 400 { try history.step() }
        }
    }

    @Test("the same with uses in any order", arguments: [2, 3, 4, 5, 8, 37])
    func outOfOrder(size: Int) throws {
        for seed in 1...min(2 * size, 12) {
            var history = try History(size: size, seed: seed, usesOrder: false)
            while history.count < 400 { try history.step() }
        }
    }

    @Test("longer than the 16 bits that count the chains", arguments: [true, false])
    func long(usesOrder: Bool) throws {
        var history = try History(size: 5, seed: 7, usesOrder: usesOrder)
        while history.count < 70_000 { try history.step() }
        let sequence = history.ring.mark.sequence
        #expect(sequence < 0x8000)
    }

    /// What the polling thread shares with the test.
    private final class Poller: @unchecked Sendable {
        let driver: MockPackedDriver
        let bursts: Int
        let burst: Int
        var torn = 0
        let seen = Atomic<Int>(0)
        let isStopped = Atomic<Bool>(false)

        init(_ driver: MockPackedDriver, bursts: Int, burst: Int) {
            (self.driver, self.bursts, self.burst) = (driver, bursts, burst)
        }

        /// The next used entry, as soon as it is there; nil when the test gave up.
        private func next() -> (id: UInt16, byteCount: UInt32)? {
            while !isStopped.load(ordering: .relaxed) {
                if let entry = driver.poll() { return (entry.id, entry.byteCount) }
                sched_yield()
            }
            return nil
        }

        /// In each burst, entries 1 and 2 are one packet, and so are 3 and 4.
        static func continues(_ index: Int) -> Bool { index == 2 || index == 4 }

        /// Takes burst after burst, each entry as it comes: whole, and in its turn. Those that
        /// continue a packet are there as soon as its first one is.
        func run() {
            for number in 0..<bursts {
                for index in 0..<burst {
                    let known = Self.continues(index) ? driver.poll() : nil
                    if Self.continues(index), known == nil { torn += 1 }
                    guard let entry = known.map({ ($0.id, $0.byteCount) }) ?? next() else {
                        return
                    }
                    if entry.1 != UInt32(number) || Int(entry.0) != index { torn += 1 }
                }
                for id in 0..<burst {
                    driver.offer([.init(address: 0x1_4000, byteCount: 4)], id: UInt16(id))
                }
                seen.store(number + 1, ordering: .releasing)
            }
        }
    }

    @Test("a driver that polls on another processor sees entries in their order and packets whole")
    func visibility() throws {
        let guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x1_0000)])
        let driver = MockPackedDriver(guest, size: 7, at: 0x1_0000)
        driver.start(slot: 0, wrap: true)
        var ring = try driver.makeRing()
        var segments = try SegmentList(ringSize: 7)
        let poller = Poller(driver, bursts: 4000, burst: 5)
        for id in 0..<5 {
            driver.offer([.init(address: 0x1_4000, byteCount: 4)], id: UInt16(id))
        }
        var thread = pthread_t()
        let handle = Unmanaged.passRetained(poller)
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Poller>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, handle.toOpaque())
        try #require(status == 0)
        for number in 0..<4000 {
            _ = ring.refreshAvailable(limit: 5)
            for index in 0..<5 {
                guard
                    case .chain(var entry) = ring.takeChain(
                        .deviceReads, into: &segments, from: guest.memory)
                else {
                    Issue.record("a chain is missing in burst \(number)")
                    poller.isStopped.store(true, ordering: .relaxed)
                    break
                }
                segments.removeAll()
                entry.byteCount = UInt32(number)
                ring.putUsed(entry, continues: Poller.continues(index))
            }
            ring.publishUsed()
            while poller.seen.load(ordering: .acquiring) <= number { sched_yield() }
        }
        pthread_join(thread, nil)
        #expect(poller.torn == 0)
    }
}
