// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Counters of a queue, written under its lock. The names are those of `struct
/// rtevhostswift_vring_stats`.
struct QueueStatistics: BitwiseCopyable {
    /// Packets moved.
    var packets: UInt64 = 0
    /// Their bytes without headers.
    var bytes: UInt64 = 0
    /// Bytes that an engine copied.
    var engineBytes: UInt64 = 0
    /// Interrupts sent.
    var notifications: UInt64 = 0
    /// Interrupts the guest did not want.
    var notificationsSuppressed: UInt64 = 0
    /// Bursts that the empty pool cut short.
    var poolEmpty: UInt64 = 0
    /// Chains dropped as malformed.
    var badChain: UInt64 = 0
    /// Chains dropped for an address.
    var unmapped: UInt64 = 0
    /// Chains dropped as too short.
    var short: UInt64 = 0
    /// Chains dropped for a buffer of the wrong direction.
    var direction: UInt64 = 0
    /// Chains dropped as too long.
    var tooLong: UInt64 = 0
    /// Headers that lied.
    var badOffload: UInt64 = 0
    /// Times the guest broke the ring.
    var ringBroken: UInt64 = 0
    /// Packets that an engine did not take.
    var engineRefused: UInt64 = 0
    /// Negative results and over-reports of an engine, and packets that it failed to copy.
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
        case .missing: break
        case .notCopied: engineErrors &+= 1
        }
    }
}
