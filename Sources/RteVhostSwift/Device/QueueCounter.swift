// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The table of what is counted of a queue. Whoever shows counters walks it: the functions of
/// `rtevhostswift.h`, the control socket, telemetry. The raw values are the public ids: new ones are
/// appended, none changes its meaning.
enum QueueCounter: Int {
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

    /// How many there are.
    static let count = 29

    /// What was counted since: 0 where the two were looked at while they changed, and the later one
    /// is behind.
    static func difference(_ now: UInt64, _ before: UInt64) -> UInt64 {
        now > before ? now &- before : 0
    }

    /// True for what goes up and down; all others only grow until they are set to zero.
    var isGauge: Bool { self == .inflight }

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
        case .processorBytes: QueueCounter.difference(statistics.bytes, statistics.engineBytes)
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
        }
    }
}
