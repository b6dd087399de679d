// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Tables of counters, and counters that somebody looks at while they change.
@Suite("Device: counters of queues")
struct QueueCounterTests {
    private func names<Table: CounterTable>(_: Table.Type) -> [String] {
        Table.rows.map { "\($0.name)" }
    }

    @Test("the rows of a table are as many as it says, in order, each with a name of its own")
    func rows() {
        for (names, count) in [
            (names(QueueCounter.self), QueueCounter.count),
            (names(DeviceCounter.self), DeviceCounter.count),
            (names(TrafficCounter.self), TrafficCounter.count),
        ] {
            #expect(names.count == count && Set(names).count == count)
        }
        #expect(QueueCounter.rows.map(\.rawValue) == Array(0..<QueueCounter.count))
        #expect(QueueCounter(rawValue: QueueCounter.count) == nil)
        #expect(DeviceCounter(rawValue: DeviceCounter.count) == nil)
        #expect(QueueCounter.rows.compactMap(\.sizeClass) == Array(0..<8))
    }

    @Test("a count from before that is ahead of the one from now makes no huge number")
    func torn() {
        #expect(QueueCounter.difference(7, 3) == 4)
        #expect(QueueCounter.difference(3, 3) == 0)
        #expect(QueueCounter.difference(3, 7) == 0)
        #expect(QueueCounter.difference(.max, 0) == .max)
    }
}
