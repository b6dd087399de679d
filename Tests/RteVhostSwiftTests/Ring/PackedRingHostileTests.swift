// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// A guest that keeps no rule, against a model of what each descriptor means.
@Suite("Ring: hostile packed rings")
struct PackedRingHostileTests {
    /// What one step must find.
    private enum Step: Equatable {
        case chain(id: UInt16, slots: UInt16, pieces: Int)
        case bad(id: UInt16, slots: UInt16, ChainFault)
        case broken
        case none
    }

    /// What a device may make of descriptors, from virtio 1.2, 2.8, over arrays.
    private struct Model {
        var flags: [UInt16]
        var ids: [UInt16]
        var slot: Int
        var wrap: Bool
        var direction: ChainDirection

        /// All steps up to the one that ends.
        func steps() -> [Step] {
            var result: [Step] = []
            var seen: Set<UInt16> = []
            var (slot, wrap, free) = (slot, wrap, flags.count)
            while true {
                let head = flags[slot]
                guard free > 0, (head & 0x80 != 0) == wrap, (head & 0x8000 != 0) != wrap else {
                    return result + [.none]
                }
                var list = [slot]
                while flags[list.last!] & 1 != 0 {
                    guard list.count < free else { return result + [.broken] }
                    list.append((list.last! + 1) % flags.count)
                }
                let id = ids[list.last!]
                guard id < flags.count, seen.insert(id).inserted else {
                    return result + [.broken]
                }
                let slots = UInt16(list.count)
                if let fault = fault(list) {
                    result.append(.bad(id: id, slots: slots, fault))
                } else {
                    result.append(.chain(id: id, slots: slots, pieces: list.count))
                }
                free -= list.count
                if slot + list.count >= flags.count { wrap.toggle() }
                slot = (slot + list.count) % flags.count
            }
        }

        /// The first rule that a list breaks.
        private func fault(_ list: [Int]) -> ChainFault? {
            for index in list {
                if flags[index] & 4 != 0 {
                    // Each buffer is a table of one entry with the right direction.
                    if list.count == 1 { return nil }
                    return .badChain
                }
                if (flags[index] & 2 != 0) != (direction == .deviceWrites) { return .direction }
            }
            return nil
        }
    }

    private let guest: MockMemory
    private let driver: MockPackedDriver

    init() throws {
        guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x1_0000)])
        driver = MockPackedDriver(guest, size: 3, at: 0x1_0000)
    }

    private func place(_ model: Model) -> PackedPosition {
        PackedPosition(bits: UInt16(model.slot) | (model.wrap ? 0x8000 : 0))
    }

    /// Writes a model into the ring; each slot's buffer is also a table of one entry.
    private func write(_ model: Model) {
        for slot in 0..<model.flags.count {
            let buffer = 0x1_4000 + UInt64(slot * 64)
            driver.describe(slot, .init(address: buffer, byteCount: 16), id: model.ids[slot])
            driver.setFlags(slot, model.flags[slot])
            let write: UInt16 = model.direction == .deviceWrites ? 2 : 0
            driver.writeEntry(
                0, of: buffer, .init(address: 0x1_8000, byteCount: 5, flags: write))
        }
    }

    /// The ring's steps, which are put back as used.
    private func steps(
        _ model: Model, _ ring: inout PackedRing, _ segments: inout SegmentList
    ) throws -> [Step] {
        write(model)
        try ring.start(nextAvailable: place(model), nextUsed: place(model))
        var result: [Step] = []
        while true {
            segments.removeAll()
            let offered = ring.refreshAvailable(limit: 2)
            switch ring.takeChain(model.direction, into: &segments, from: guest.memory) {
            case .none, .missing:
                // A look ahead that promises something may only be wrong where the ring breaks.
                if offered > 0 && !ring.isBroken { return [] }
                return result + [ring.isBroken ? .broken : .none]
            case .bad(let entry, let fault):
                result.append(.bad(id: entry.id, slots: entry.descriptorCount, fault))
            case .chain(let entry):
                result.append(
                    .chain(
                        id: entry.id, slots: entry.descriptorCount, pieces: segments.count))
            }
            if offered < 1 || offered > 2 { return [] }
        }
    }

    /// NEXT, WRITE, INDIRECT, AVAIL and USED of a five-bit number.
    private func flags(_ bits: Int) -> UInt16 {
        UInt16(bits & 7) | (bits & 8 != 0 ? 0x80 : 0) | (bits & 16 != 0 ? 0x8000 : 0)
    }

    @Test("every pattern of the flags that mean anything, in a ring of three slots")
    func allFlags() throws {
        var ring = try driver.makeRing()
        var segments = try SegmentList(ringSize: 3)
        var wrong = 0
        var kinds: [Int] = [0, 0, 0]
        for pattern in 0..<32_768 {
            for variant in 0..<2 {
                let model = Model(
                    flags: (0..<3).map { flags(pattern >> ($0 * 5) & 31) }, ids: [2, 0, 1],
                    slot: (pattern / 7 + variant) % 3, wrap: pattern.nonzeroBitCount & 1 == variant,
                    direction: pattern / 3 & 1 == 0 ? .deviceReads : .deviceWrites)
                let expected = model.steps()
                if try steps(model, &ring, &segments) != expected { wrong += 1 }
                switch expected.last! {
                case .broken: kinds[0] += 1
                default: kinds[expected.count > 1 ? 1 : 2] += 1
                }
            }
        }
        #expect(wrong == 0)
        // Nothing of this would be shown by rings that are all empty.
        #expect(kinds.allSatisfy { $0 > 1000 })
    }

    @Test("every start and direction for every pattern that offers something")
    func allStarts() throws {
        var ring = try driver.makeRing()
        var segments = try SegmentList(ringSize: 3)
        var wrong = 0
        for pattern in 0..<512 {
            for slot in 0..<3 {
                for wrap in [true, false] {
                    for direction in [ChainDirection.deviceReads, .deviceWrites] {
                        let flags = (0..<3).map { index -> UInt16 in
                            let lap = index < slot ? !wrap : wrap
                            return UInt16(pattern >> (index * 3) & 7) | (lap ? 0x80 : 0x8000)
                        }
                        let model = Model(
                            flags: flags, ids: [1, 2, 0], slot: slot, wrap: wrap,
                            direction: direction)
                        if try steps(model, &ring, &segments) != model.steps() { wrong += 1 }
                    }
                }
            }
        }
        #expect(wrong == 0)
    }

    @Test("ids in range, twice, and beyond, with every cut into chains")
    func allIDs() throws {
        var ring = try driver.makeRing()
        var segments = try SegmentList(ringSize: 3)
        let values: [UInt16] = [0, 1, 2, 3, 4, 0x7fff, 0x8000, 0xffff]
        var wrong = 0
        for pattern in 0..<512 {
            for cuts in 0..<8 {
                let model = Model(
                    flags: (0..<3).map { UInt16(cuts >> $0 & 1) | 0x80 },
                    ids: (0..<3).map { values[pattern >> ($0 * 3) & 7] }, slot: 0, wrap: true,
                    direction: .deviceReads)
                if try steps(model, &ring, &segments) != model.steps() { wrong += 1 }
            }
        }
        #expect(wrong == 0)
    }

    @Test("a run takes nothing that chains one by one would not: ids and flags")
    func runs() throws {
        let driver = MockPackedDriver(guest, size: 5, at: 0x1_0000)
        var segments = try SegmentList(ringSize: 5)
        for spoiled in 0..<4 {
            for id: UInt16 in 0..<6 {
                for bits in 0..<32 {
                    var ring = try driver.makeRing()
                    for slot in 0..<5 {
                        driver.describe(
                            slot, .init(address: 0x1_4000, byteCount: 8), id: UInt16(slot))
                        driver.setFlags(slot, 0x80 | 0x3f78)
                    }
                    driver.describe(
                        spoiled, .init(address: 0x1_4000, byteCount: 8), id: id)
                    driver.setFlags(spoiled, flags(bits))
                    let before = ring.mark
                    let plain = ring.usePlain(.deviceReads, limit: 4, from: guest.memory)
                    let isPlain = flags(bits) == 0x80
                    // An id that comes again is found at the second of the two.
                    let isFirst = Int(id) >= spoiled && id < 4
                    let isNew = Int(id) == spoiled || id == 4 || isFirst
                    let expected =
                        !isPlain || !isNew ? spoiled : Int(id) > spoiled && id < 4 ? Int(id) : 4
                    let after = ring.mark
                    let isBroken = ring.isBroken
                    #expect(plain.count == expected && !isBroken)
                    #expect(plain.enumerated().allSatisfy { Int($1.id) == $0 || $0 == spoiled })
                    #expect(after.index == before.index + UInt16(expected))
                    // What ends a run breaks the ring where it must.
                    guard isPlain, expected < 4 else { continue }
                    guard
                        case .none = ring.takeChain(
                            .deviceReads, into: &segments, from: guest.memory)
                    else {
                        Issue.record("an id that is out, or too large, is taken")
                        return
                    }
                    let isBrokenNow = ring.isBroken
                    #expect(isBrokenNow)
                }
            }
        }
    }

    @Test("buffers that are short, long or outside memory end a run, and fault")
    func buffers() throws {
        let driver = MockPackedDriver(guest, size: 4, at: 0x1_0000)
        var segments = try SegmentList(ringSize: 4)
        let bad: [(UInt64, UInt32)] = [
            (0, 8), (0x2_0000, 1), (0x1_fff8, 9), (0xffff_ffff_ffff_ffff, 2), (0x1_4000, ~0),
        ]
        for (address, byteCount) in bad {
            for spoiled in 0..<4 {
                var ring = try driver.makeRing()
                driver.start(slot: 0, wrap: true)
                for slot in 0..<4 {
                    let isBad = slot == spoiled
                    driver.offer(
                        [
                            .init(
                                address: isBad ? address : 0x1_4000,
                                byteCount: isBad ? byteCount : 8)
                        ], id: UInt16(slot))
                }
                let plain = ring.usePlain(.deviceReads, limit: 4, from: guest.memory)
                #expect(plain.count == spoiled)
                for slot in spoiled..<4 {
                    segments.removeAll()
                    switch ring.takeChain(
                        .deviceReads, into: &segments, from: guest.memory)
                    {
                    case .chain(let entry): #expect(slot != spoiled && entry.id == slot)
                    case .bad(let entry, let fault):
                        #expect(slot == spoiled && entry.id == slot && fault == .unmapped)
                    case .none, .missing: Issue.record("chain \(slot) is lost")
                    }
                }
            }
        }
    }
}
