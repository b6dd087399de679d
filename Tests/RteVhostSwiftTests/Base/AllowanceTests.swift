// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Base: allowance")
struct AllowanceTests {
    private let second: UInt64 = 1_000_000_000

    @Test("all of it is there at first, and no more after any time")
    func most() {
        var allowance = Allowance(most: 64, perSecond: 5)
        for now in [1, second, 1000 * second, UInt64.max / 2] {
            let left = allowance.left(at: now)
            #expect(left == 64)
        }
    }

    @Test("what was taken comes back with time, however often somebody looks")
    func comesBack() {
        for pause in [700_001, 7_000_001, second / 3, second, 3 * second] {
            var allowance = Allowance(most: 64, perSecond: 5)
            var now = 10 * second
            _ = allowance.left(at: now)
            allowance.take(64)
            let empty = allowance.left(at: now)
            #expect(empty == 0)
            let end = now + 6 * second
            while now < end {
                now = min(end, now + pause)
                _ = allowance.left(at: now)
            }
            let left = allowance.left(at: end)
            #expect(left >= 29 && left <= 30, "\(pause)")
        }
    }

    @Test("more than there is takes all")
    func takesAll() {
        var allowance = Allowance(most: 400_000_000, perSecond: 10_000_000)
        _ = allowance.left(at: second)
        allowance.take(.max)
        let empty = allowance.left(at: second)
        let later = allowance.left(at: 2 * second)
        #expect(empty == 0)
        #expect(later == 10_000_000)
    }
}
