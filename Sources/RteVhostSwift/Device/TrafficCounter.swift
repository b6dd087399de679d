// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// One of DPDK 22.11's statistics of a queue. They are rows of the table of counters, under names of
/// their own for some: nothing is counted for them alone.
struct TrafficCounter: CounterTable {
    /// How many there are.
    static let count = 17

    /// The row.
    let row: QueueCounter

    /// The one that DPDK's functions tell at this place.
    init?(rawValue: Int) {
        switch rawValue {
        case 0: row = .packets
        case 1: row = .bytes
        case 2: row = .multicast
        case 3: row = .broadcast
        case 4: row = .undersize
        case 5: row = .size64
        case 6: row = .size65
        case 7: row = .size128
        case 8: row = .size256
        case 9: row = .size512
        case 10: row = .size1024
        case 11: row = .size1519
        case 12: row = .notifications
        case 13: row = .translationHits
        case 14: row = .translationMisses
        case 15: row = .submitted
        case 16: row = .completed
        default: return nil
        }
    }

    /// DPDK 22.11's name, without that of the queue.
    var name: StaticString {
        switch row {
        case .packets: "good_packets"
        case .bytes: "good_bytes"
        case .notifications: "guest_notifications"
        default: row.name
        }
    }

    /// What an announcement adds. DPDK 22.11: it is a packet as others are; in the table it has a row
    /// of its own.
    fileprivate var perAnnouncement: UInt64 {
        switch row {
        case .packets, .broadcast: 1
        case .bytes: UInt64(Announcement.byteCount)
        default:
            row.sizeClass == PacketClasses.sizeClass(Announcement.byteCount) ? 1 : 0
        }
    }
}

extension VirtQueue {
    /// A counter's value since it was set to zero.
    func traffic(_ counter: TrafficCounter) -> UInt64 {
        trafficTotal(counter) &- trafficBefore[counter.row]
    }

    /// Sets all of them to zero; the library's own counters go on.
    mutating func resetTraffic() {
        for counter in TrafficCounter.rows {
            trafficBefore[counter.row] = trafficTotal(counter)
        }
    }

    private func trafficTotal(_ counter: TrafficCounter) -> UInt64 {
        total(counter.row, inflight: 0)
            &+ statistics.announcements &* counter.perAnnouncement
    }
}
