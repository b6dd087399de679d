// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Ring: chains that are out")
struct OutstandingChainsTests {
    @Test("an id is taken once, until it comes back; none beyond the ring", arguments: [1, 3, 8])
    func ids(size: Int) throws {
        var chains = try OutstandingChains(size: size)
        for id in 0..<size {
            let first = chains.add(id: UInt16(id), slots: 1)
            let again = chains.add(id: UInt16(id), slots: 1)
            #expect(first && !again)
        }
        for id in [size, size + 1, 0x7fff, 0x8000, 0xffff] {
            let beyond = chains.add(id: UInt16(id), slots: 1)
            #expect(!beyond)
        }
        let full = chains.freeSlots
        chains.giveBack(0)
        // Free again once the guest is shown it, not before.
        let early = (chains.freeSlots, chains.ids.isFree(0))
        chains.show(slots: 1)
        let shown = (chains.freeSlots, chains.ids.isFree(0), chains.shownCount)
        // Its slot is free for the next call.
        chains.beginLap()
        let later = (chains.freeSlots, chains.add(id: 0, slots: 1), chains.shownCount)
        #expect(full == 0 && early == (0, false))
        #expect(shown == (0, true, 1) && later == (1, true, 0))
    }

    /// Random takes, uses in any order and rewinds of the last ones, against a list; long enough
    /// for the sequence to wrap.
    @Test("random histories against a list", arguments: [1, 2, 3, 5, 8, 37])
    func histories(size: Int) throws {
        var random = FixedRandom(seed: UInt64(size))
        var chains = try OutstandingChains(size: size)
        var model: [(id: UInt16, slots: Int, sequence: UInt16)] = []
        var taken = 0
        var shown = 0
        while taken < 70_000 {
            switch Int.random(in: 0..<9, using: &random) {
            case 0..<4:
                let id = UInt16.random(in: 0...UInt16(size), using: &random)
                let free = size - shown - model.reduce(0) { $0 + $1.slots }
                guard free > 0 else { continue }
                let slots = Int.random(in: 1...min(free, 3), using: &random)
                let before = chains.sequence
                let isNew = chains.add(id: id, slots: slots)
                let expected = Int(id) < size && !model.contains { $0.id == id }
                try #require(isNew == expected)
                if isNew { model.append((id, slots, before)) }
                taken += 1
            case 4..<7:
                guard let index = model.indices.randomElement(using: &random) else { continue }
                let chain = model.remove(at: index)
                chains.giveBack(chain.id)
                let isEarly = chains.ids.isFree(chain.id)
                chains.show(slots: chain.slots)
                shown += chain.slots
                try #require(!isEarly)
            case 7:
                chains.beginLap()
                shown = 0
            default:
                // Only what was taken after the last use can be taken back, as bursts do.
                guard let last = model.last, last.sequence == chains.sequence &- 1 else { continue }
                var from = model.count - 1
                while from > 0, model[from - 1].sequence == model[from].sequence &- 1,
                    Bool.random(using: &random)
                {
                    from -= 1
                }
                chains.rewind(to: model[from].sequence)
                model.removeSubrange(from...)
            }
            let free = chains.freeSlots
            try #require(free == size - shown - model.reduce(0) { $0 + $1.slots })
        }
    }
}
