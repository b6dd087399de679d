// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// DPDK 22.11's statistics of a queue.
@Suite("Traffic statistics")
struct TrafficStatisticsTests {
    /// Largest size of each class but the last.
    private static let limits = [63, 64, 127, 255, 511, 1023, 1518]

    @Test("Every size is in the class that its name says")
    func sizes() {
        for byteCount in 0...3_000 {
            let expected = Self.limits.firstIndex { byteCount <= $0 } ?? Self.limits.count
            #expect(PacketClasses.sizeClass(byteCount) == expected)
        }
    }

    @Test("Destinations: one station, several, all, and a frame too short for any")
    func destinations() {
        var statistics = TrafficStatistics()
        statistics.count(byteCount: 60, destination: 0x0100_0000_0002)
        statistics.count(byteCount: 60, destination: 0x0100_005e_0001)
        statistics.count(byteCount: 60, destination: 0xffff_ffff_ffff)
        statistics.count(byteCount: 4, destination: nil)
        #expect(statistics.packets == 4)
        #expect(statistics.bytes == 184)
        #expect(statistics.classes.multicast == 1)
        #expect(statistics.classes.broadcast == 1)
        #expect(statistics.classes.sizes[0] == 4)
    }

    @Test("DPDK 22.11: seventeen counters, each with a name of its own")
    func names() {
        var names: Set<String> = []
        for index in 0..<TrafficCounter.count {
            if let counter = TrafficCounter(rawValue: index) { names.insert("\(counter.name)") }
        }
        #expect(names.count == TrafficCounter.count)
        #expect(TrafficCounter(rawValue: TrafficCounter.count) == nil)
    }
}
