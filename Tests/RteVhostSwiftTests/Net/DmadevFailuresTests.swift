// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Failed copies of a DMA channel")
struct DmadevFailuresTests {
    @Test func runsAreKeptByNumber() {
        var failures = DmadevFailures()
        #expect(!failures.has(1, through: 100))
        failures.add(10, through: 10)
        failures.add(11, through: 12)
        failures.add(20, through: 29)
        #expect(!failures.has(1, through: 9))
        #expect(failures.has(1, through: 10))
        #expect(failures.has(12, through: 15))
        #expect(!failures.has(13, through: 19))
        #expect(failures.has(13, through: 20))
        #expect(failures.has(22, through: 23))
        #expect(!failures.has(30, through: 99))
    }

    /// What is older than the oldest run that is known counts as failed: a packet is dropped rather
    /// than handed out with bytes missing.
    @Test func whatIsForgottenHasFailed() {
        var failures = DmadevFailures()
        for run in UInt64(1)...200 { failures.add(run * 10, through: run * 10 + 1) }
        // 64 runs are known: from 1370 on.
        #expect(failures.has(1, through: 5))
        #expect(failures.has(1361, through: 1361))
        #expect(!failures.has(1362, through: 1369))
        #expect(failures.has(1370, through: 1370))
        #expect(!failures.has(1372, through: 1379))
        #expect(failures.has(2001, through: 2001))
        #expect(!failures.has(2002, through: 3000))
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func agreesWithAModel(seed: UInt64) {
        var failures = DmadevFailures()
        var failed = Set<UInt64>()
        var state = seed
        func random(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var next: UInt64 = 1
        for _ in 0..<60 {
            next += random(4)
            let last = next + random(3)
            failures.add(next, through: last)
            failed.formUnion(next...last)
            next = last + 1
            let first = random(next) + 1
            let end = first + random(6)
            #expect(
                failures.has(first, through: end) == (first...end).contains { failed.contains($0) })
        }
    }
}
