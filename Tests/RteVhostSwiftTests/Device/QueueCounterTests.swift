// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Counters that somebody looks at while they change.
@Suite("Device: counters of queues")
struct QueueCounterTests {
    @Test("a count from before that is ahead of the one from now makes no huge number")
    func torn() {
        #expect(QueueCounter.difference(7, 3) == 4)
        #expect(QueueCounter.difference(3, 3) == 0)
        #expect(QueueCounter.difference(3, 7) == 0)
        #expect(QueueCounter.difference(.max, 0) == .max)
    }
}
