// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// DPDK 22.11's statistics of a queue, in the order in which its functions tell them.
enum TrafficCounter: Int {
    /// Packets that passed.
    case packets
    case bytes
    case multicast
    case broadcast
    case undersize
    case size64
    case size65
    case size128
    case size256
    case size512
    case size1024
    case size1519
    case notifications
    case translationHits
    case translationMisses
    case submitted
    case completed

    /// How many there are.
    static let count = 17

    /// DPDK 22.11's name, without that of the queue.
    var name: StaticString {
        switch self {
        case .packets: "good_packets"
        case .bytes: "good_bytes"
        case .multicast: "multicast_packets"
        case .broadcast: "broadcast_packets"
        case .undersize: "undersize_packets"
        case .size64: "size_64_packets"
        case .size65: "size_65_127_packets"
        case .size128: "size_128_255_packets"
        case .size256: "size_256_511_packets"
        case .size512: "size_512_1023_packets"
        case .size1024: "size_1024_1518_packets"
        case .size1519: "size_1519_max_packets"
        case .notifications: "guest_notifications"
        case .translationHits: "iotlb_hits"
        case .translationMisses: "iotlb_misses"
        case .submitted: "inflight_submitted"
        case .completed: "inflight_completed"
        }
    }
}

extension VirtQueue {
    /// A counter's value.
    func traffic(_ counter: TrafficCounter) -> UInt64 {
        switch counter {
        case .packets: traffic.packets
        case .bytes: traffic.bytes
        case .multicast: traffic.classes.multicast
        case .broadcast: traffic.classes.broadcast
        case .undersize, .size64, .size65, .size128, .size256, .size512, .size1024, .size1519:
            traffic.classes.sizes[counter.rawValue - TrafficCounter.undersize.rawValue]
        case .notifications: statistics.notifications &- traffic.before.notifications
        case .translationHits: iotlb.value.lookups.hits &- traffic.lookupsBefore.hits
        case .translationMisses: iotlb.value.lookups.misses &- traffic.lookupsBefore.misses
        case .submitted: statistics.submitted &- traffic.before.submitted
        case .completed: statistics.completed &- traffic.before.completed
        }
    }

    /// Sets all of them to zero; the library's own statistics go on.
    mutating func resetTraffic() {
        traffic = TrafficStatistics(after: statistics, iotlb.value.lookups)
    }
}
