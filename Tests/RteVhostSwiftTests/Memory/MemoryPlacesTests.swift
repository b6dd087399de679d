// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Testing

@testable import RteVhostSwift

@Suite("Memory: tables of many regions, by frontend and host address")
struct MemoryPlacesTests {
    /// Regions as they are added: any order, overlapping or not.
    private typealias Layout = [(frontend: UInt64, byteCount: UInt64)]

    /// Compares with a look at one region after the other, while regions come and go.
    private func compare(_ layout: Layout, seed: UInt64) throws {
        let table = try MemoryTable(capacity: layout.count)
        defer { table.free() }
        var changing = table
        var regions: [MemoryTable.Region] = []
        var random = seed
        func next(_ limit: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((random >> 33) % UInt64(limit))
        }
        for (number, entry) in layout.enumerated() {
            let region = MemoryTable.Region(
                guest: UInt64(number) << 32, frontend: entry.frontend,
                byteCount: entry.byteCount, host: UInt(0x1000_0000 + next(1 << 20) << 28))
            // Host ranges are mappings, which do not overlap.
            guard !regions.contains(where: { $0.host == region.host }) else { continue }
            let index = next(regions.count + 1)
            changing.insert(region, frameOrigin: 0, at: index)
            regions.insert(region, at: index)
            if number % 5 == 4 {
                let gone = next(regions.count)
                changing.remove(at: gone)
                regions.remove(at: gone)
            }
            check(changing, regions)
        }
    }

    private func check(_ table: MemoryTable, _ regions: [MemoryTable.Region]) {
        var wrong = 0
        for region in regions {
            for delta in [0, 1, region.byteCount - 1, region.byteCount, UInt64.max] {
                let address = region.frontend &+ delta
                let first = regions.firstIndex { address &- $0.frontend < $0.byteCount } ?? -1
                if table.index(of: FrontendAddress(rawValue: address)) != first { wrong += 1 }
                let host = region.host &+ UInt(truncatingIfNeeded: delta)
                let mapped = regions.firstIndex { UInt64(host &- $0.host) < $0.byteCount } ?? -1
                if table.index(ofHost: host) != mapped { wrong += 1 }
            }
        }
        #expect(wrong == 0)
    }

    @Test("regions apart, in any order")
    func apart() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            try compare(
                (0..<60).map { (UInt64($0 * 7 % 60) * 0x10_0000 + 0x1000, 0x1000) }, seed: seed)
        }
    }

    @Test("regions side by side")
    func together() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            try compare((0..<60).map { (UInt64(59 - $0) * 0x1000, 0x1000) }, seed: seed)
        }
    }

    @Test("regions that overlap: the first one counts, as where there are few")
    func overlapping() throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            let layout: Layout = (0..<60).map { number in
                let spread = UInt64(number) &* seed &* 0x9e37_79b9 >> 3 & 0x3f
                let pages = 1 + UInt64(number) &* seed % 7 * (number % 11 == 0 ? 20 : 1)
                return (spread * 0x1000, pages * 0x1000)
            }
            try compare(layout, seed: seed)
        }
    }

    @Test("the last byte of the address space")
    func last() throws {
        let layout: Layout = (0..<20).map { (UInt64.max - UInt64($0 + 1) * 0x1000 + 1, 0x1000) }
        try compare(Array(layout.dropFirst()), seed: 3)
    }
}
