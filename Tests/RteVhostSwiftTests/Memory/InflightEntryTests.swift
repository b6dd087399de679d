// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Memory: chains in flight in order")
struct InflightEntryTests {
    @Test(
        "the latest comes first, whatever counters a frontend wrote",
        arguments: [0, 1, 2, 3, 7, 64, 255, 1000])
    func order(count: Int) throws {
        let entries = try FixedBuffer(count: count * 2, repeating: InflightEntry())
        var generator = SystemRandomNumberGenerator()
        for limit in [UInt64(1), 5, 1000, .max] {
            for index in 0..<count {
                entries[index] = InflightEntry(
                    index: UInt16(index), counter: .random(in: 0...limit, using: &generator))
            }
            let wanted = (0..<count).map { entries[$0] }.sorted { left, right in
                (left.counter, left.index) > (right.counter, right.index)
            }
            entries.sortLatestFirst(count: count)
            for index in 0..<count {
                #expect(entries[index].index == wanted[index].index)
                #expect(entries[index].counter == wanted[index].counter)
            }
        }
    }

    @Test("regions have the sizes of DPDK 21.08")
    func sizes() {
        for size in [1, 2, 3, 4, 255, 256, 32_768] {
            // Sum of the fields in whole cache lines.
            let split = (16 * size + 8 + 8 + 63) / 64 * 64
            let packed = (32 * size + 8 + 12 + 9 + 63) / 64 * 64
            let shapes = [false, true].map {
                InflightShape(queueCount: 3, size: size, isPacked: $0)
            }
            #expect(shapes[0].regionByteCount == split)
            #expect(shapes[1].regionByteCount == packed)
            #expect(shapes[0].byteCount == 3 * split)
        }
    }
}
