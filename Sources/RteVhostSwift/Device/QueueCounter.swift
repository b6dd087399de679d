// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The table of what is counted of a queue, for the functions of `rtevhostswift.h`, the control
/// socket and telemetry. The raw values are the public ids: new ones are appended, none changes its
/// meaning.
enum QueueCounter: Int, CounterTable {
    case packets
    case bytes
    case processorPackets
    case processorBytes
    case enginePackets
    case engineBytes
    case inflight
    case submitted
    case completed
    case notifications
    case notificationsSuppressed
    case notificationsFailed
    case poolEmpty
    case rawObjects
    case noBuffers
    case badChain
    case unmapped
    case short
    case direction
    case tooLong
    case notCopied
    case badOffload
    case ringBroken
    case engineRefused
    case engineErrors
    case engineStuck
    case translationHits
    case translationMisses
    case announcements
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

    /// How many there are.
    static let count = 39

    /// What was counted since: 0 where the two were looked at while they changed, and the later one
    /// is behind.
    static func difference(_ now: UInt64, _ before: UInt64) -> UInt64 {
        now > before ? now &- before : 0
    }

    /// True for what goes up and down; all others only grow until they are set to zero.
    var isGauge: Bool { self == .inflight }

    /// Place in `PacketClasses.sizes`, for those that are of a size.
    var sizeClass: Int? {
        let place = rawValue - Self.undersize.rawValue
        return (0...7).contains(place) ? place : nil
    }

    /// The public name.
    var name: StaticString {
        switch self {
        case .packets: "packets"
        case .bytes: "bytes"
        case .processorPackets: "cpu_packets"
        case .processorBytes: "cpu_bytes"
        case .enginePackets: "engine_packets"
        case .engineBytes: "engine_bytes"
        case .inflight: "in_flight"
        case .submitted: "inflight_submitted"
        case .completed: "inflight_completed"
        case .notifications: "notifications"
        case .notificationsSuppressed: "notifications_suppressed"
        case .notificationsFailed: "notifications_failed"
        case .poolEmpty: "pool_empty"
        case .rawObjects: "pool_raw_objects"
        case .noBuffers: "no_guest_buffers"
        case .badChain: "dropped_bad_chain"
        case .unmapped: "dropped_unmapped"
        case .short: "dropped_short"
        case .direction: "dropped_direction"
        case .tooLong: "dropped_too_long"
        case .notCopied: "dropped_not_copied"
        case .badOffload: "bad_offload"
        case .ringBroken: "ring_broken"
        case .engineRefused: "engine_refused"
        case .engineErrors: "engine_errors"
        case .engineStuck: "engine_stuck"
        case .translationHits: "iotlb_hits"
        case .translationMisses: "iotlb_misses"
        case .announcements: "rarp_announcements"
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
        }
    }
}

extension VirtQueue {
    /// What a counter has come to since the queue was made, whatever was set to zero meanwhile.
    func total(_ counter: QueueCounter, inflight: Int) -> UInt64 {
        switch counter {
        case .packets: statistics.packets
        case .bytes: statistics.bytes
        case .processorPackets:
            QueueCounter.difference(statistics.packets, statistics.enginePackets)
        case .processorBytes:
            QueueCounter.difference(statistics.bytes, statistics.engineBytes)
        case .enginePackets: statistics.enginePackets
        case .engineBytes: statistics.engineBytes
        case .inflight: UInt64(truncatingIfNeeded: inflight)
        case .submitted: statistics.submitted
        case .completed: statistics.completed
        case .notifications: statistics.notifications
        case .notificationsSuppressed: statistics.notificationsSuppressed
        case .notificationsFailed: statistics.notificationsFailed
        case .poolEmpty: statistics.poolEmpty
        case .rawObjects: statistics.rawObjects
        case .noBuffers: statistics.noBuffers
        case .badChain: statistics.badChain
        case .unmapped: statistics.unmapped
        case .short: statistics.short
        case .direction: statistics.direction
        case .tooLong: statistics.tooLong
        case .notCopied: statistics.notCopied
        case .badOffload: statistics.badOffload
        case .ringBroken: statistics.ringBroken
        case .engineRefused: statistics.engineRefused
        case .engineErrors: statistics.engineErrors
        case .engineStuck: statistics.engineStuck
        case .translationHits: iotlb.value.lookups.hits
        case .translationMisses: iotlb.value.lookups.misses
        case .announcements: statistics.announcements
        case .multicast: statistics.classes.multicast
        case .broadcast: statistics.classes.broadcast
        case .undersize, .size64, .size65, .size128, .size256, .size512, .size1024, .size1519:
            statistics.classes.sizes[counter.sizeClass ?? 0]
        }
    }
}
