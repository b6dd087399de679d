// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// What is told of a device that changes while somebody looks.
@Suite struct InspectorTests {
    private let frontend: MockFrontend
    private let guest: MockMemory
    private let lookers: HeapCell<Inspector>

    init() throws {
        frontend = try MockFrontend()
        guest = try MockMemory([
            (guest: 0x1_0000, byteCount: 0x2_0000), (guest: 0x10_0000, byteCount: 0x1000),
        ])
        lookers = try HeapCell(Inspector())
        #expect(frontend.setMemory(guest) == nil)
    }

    private func look() -> DeviceFacts {
        DeviceFacts.look(at: frontend.device, lookers.value.scratch)
    }

    @Test func regionsAreThoseOfTheTable() {
        let device = look()
        let count = lookers.value.regionCount(device)
        let copied = lookers.value.regions(device, from: 0)
        let later = lookers.value.regions(device, from: 1)
        let none = lookers.value.regions(device, from: 2)
        #expect(count == 2 && copied == 2 && later == 1 && none == 0)
        let region = lookers.value.region(0)
        #expect(region.guest == 0x10_0000 && region.byteCount == 0x1000)
    }

    /// The old table is freed once the new one is in its place, and what is allocated there next is
    /// nobody's business.
    @Test func aTableThatWasReplacedIsNotRead() throws {
        let before = look()
        #expect(frontend.setMemory(guest) == nil)
        let count = lookers.value.regionCount(before)
        let copied = lookers.value.regions(before, from: 0)
        #expect(count == nil && copied == nil && !before.hasSameMemory)
        let after = lookers.value.regionCount(look())
        #expect(after == 2)
    }

    /// Here the old table is there still, and its number of regions with it.
    @Test func aLookWhileTheMemoryChangesIsNone() throws {
        let before = look()
        var counts: [Int?] = []
        frontend.device.changeMemory { _ in
            counts.append(lookers.value.regionCount(before))
            counts.append(lookers.value.regionCount(look()))
        }
        #expect(counts == [nil, nil])
        let after = lookers.value.regionCount(look())
        #expect(after == 2)
    }
}
