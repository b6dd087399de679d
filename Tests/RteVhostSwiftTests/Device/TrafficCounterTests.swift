// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// DPDK 22.11's statistics of a queue: what they are made of.
@Suite("DPDK 22.11's statistics")
struct TrafficCounterTests {
    /// Those of which an announcement is a part, and how much.
    private static let announced = [
        "good_packets": 1, "good_bytes": 64, "broadcast_packets": 1, "size_64_packets": 1,
    ]

    private static func values(_ queue: borrowing VirtQueue) -> [String: UInt64] {
        var values: [String: UInt64] = [:]
        for counter in TrafficCounter.rows {
            values["\(counter.name)"] = queue.traffic(counter)
        }
        return values
    }

    @Test("Seventeen counters, each with a name of its own, and no other")
    func names() throws {
        let net = try MockNet(vid: 40)
        let found = Self.values(net.frontend.queue(0).value)
        #expect(found.count == TrafficCounter.count && TrafficCounter.count == 17)
        #expect(TrafficCounter(rawValue: TrafficCounter.count) == nil)
        #expect(TrafficCounter(rawValue: -1) == nil)
    }

    @Test("Each counter is what its row came to since, and that of no other")
    func rows() throws {
        let queue = try MockNet(vid: 40).frontend.queue(0)
        queue.value.statistics.notifications = 30
        queue.value.statistics.submitted = 40
        queue.value.statistics.completed = 50
        queue.value.statistics.classes.count(byteCount: 60, destination: 0x0100_005e_0001)
        queue.value.resetTraffic()
        let none = Self.values(queue.value)
        #expect(none.values.allSatisfy { $0 == 0 })
        queue.value.statistics.notifications += 3
        queue.value.statistics.submitted += 4
        queue.value.statistics.completed += 5
        queue.value.statistics.classes.count(byteCount: 1600, destination: 0xffff_ffff_ffff)
        let found = Self.values(queue.value).filter { $0.value != 0 }
        let expected: [String: UInt64] = [
            "good_packets": 1, "good_bytes": 1600, "guest_notifications": 3,
            "inflight_submitted": 4, "inflight_completed": 5, "broadcast_packets": 1,
            "size_1519_max_packets": 1,
        ]
        #expect(found == expected)
        // The library's own count from the connection on.
        let own = queue.value.total(.packets, inflight: 0)
        #expect(own == 2)
    }

    @Test("DPDK 22.11: an announcement is a packet for all stations")
    func announcements() throws {
        let queue = try MockNet(vid: 40).frontend.queue(0)
        queue.value.statistics.announcements = 3
        let found = Self.values(queue.value).filter { $0.value != 0 }
        #expect(found == Self.announced.mapValues { UInt64(3 * $0) })
        let own = queue.value.total(.packets, inflight: 0)
        #expect(own == 0)
    }
}
