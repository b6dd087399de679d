// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is counted of a queue, written under its lock. They go on for as long as the connection:
/// whoever sets something to zero keeps what it was. The names are those of `struct
/// rtevhostswift_vring_stats` and of `QueueCounter`.
struct QueueStatistics: BitwiseCopyable {
    /// Packets moved, by size and receivers.
    var classes = PacketClasses()
    /// Bytes that an engine copied.
    var engineBytes: UInt64 = 0
    /// Packets of which an engine copied something.
    var enginePackets: UInt64 = 0
    /// Packets taken by an asynchronous call.
    var submitted: UInt64 = 0
    /// Packets that such a call gave back.
    var completed: UInt64 = 0
    /// Interrupts sent.
    var notifications: UInt64 = 0
    /// Interrupts the guest did not want.
    var notificationsSuppressed: UInt64 = 0
    /// Interrupts that the system did not take.
    var notificationsFailed: UInt64 = 0
    /// Bursts that the empty pool cut short.
    var poolEmpty: UInt64 = 0
    /// Those among them for which the pool had objects that are no mbufs.
    var rawObjects: UInt64 = 0
    /// Bursts to the guest that ended for want of its buffers.
    var noBuffers: UInt64 = 0
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
    /// Packets that an engine failed to copy.
    var notCopied: UInt64 = 0
    /// Headers that lied.
    var badOffload: UInt64 = 0
    /// Times the guest broke the ring.
    var ringBroken: UInt64 = 0
    /// Packets that an engine did not take.
    var engineRefused: UInt64 = 0
    /// Negative results and over-reports of an engine.
    var engineErrors: UInt64 = 0
    /// Times that the control plane waited for an engine in vain.
    var engineStuck: UInt64 = 0
    /// Announcements of a guest that moved, handed out as packets.
    var announcements: UInt64 = 0

    /// Packets moved.
    var packets: UInt64 { classes.packets }

    /// Their bytes without headers.
    var bytes: UInt64 { classes.bytes }

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
        case .notCopied: notCopied &+= 1
        }
    }
}
