// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Counters of a queue, written under its lock. The names are those of `struct rtevhostswift_vring_stats`.
struct QueueStatistics: BitwiseCopyable {
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
    var cpuBytes: UInt64 = 0
    var engineBytes: UInt64 = 0
    var notifications: UInt64 = 0
    var notificationsSuppressed: UInt64 = 0
    var poolEmpty: UInt64 = 0
    var badChain: UInt64 = 0
    var unmapped: UInt64 = 0
    var short: UInt64 = 0
    var direction: UInt64 = 0
    var tooLong: UInt64 = 0
    var badOffload: UInt64 = 0
    var ringBroken: UInt64 = 0
    var engineRefused: UInt64 = 0
    var engineErrors: UInt64 = 0

    /// Counts a chain that went back unused.
    @inline(never)
    mutating func count(_ fault: ChainFault) {
        switch fault {
        case .badChain: badChain &+= 1
        case .unmapped: unmapped &+= 1
        case .short: short &+= 1
        case .direction: direction &+= 1
        case .tooLong: tooLong &+= 1
        }
    }
}
