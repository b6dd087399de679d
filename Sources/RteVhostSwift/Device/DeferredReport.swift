// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// What a burst found worth a log line. It holds a lock, and the log may be a stream of the
/// application's that calls back; so the line is written after the lock was released.
struct DeferredReport {
    /// What was found.
    enum Kind: UInt32 {
        /// The guest broke its ring.
        case brokenRing = 1
        /// The application's pool gave objects that are no mbufs.
        case rawObjects = 2
        /// Translations cannot be asked for any more.
        case brokenChannel = 3
    }

    /// As it is kept in `Device.deferredReport`: never 0.
    let rawValue: UInt32

    /// A report about a queue.
    init(_ kind: Kind, queue: Int) {
        rawValue = kind.rawValue << 16 | UInt32(truncatingIfNeeded: queue) & 0xffff
    }

    /// What was kept; nil for 0.
    init?(rawValue: UInt32) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }

    /// What was found.
    var kind: Kind? { Kind(rawValue: rawValue >> 16) }
    /// And where.
    var queue: Int { Int(rawValue & 0xffff) }
}

extension HeapCell where Value == Device {
    /// Keeps a report for after the burst; of two at once the later one wins.
    func deferReport(_ kind: DeferredReport.Kind, queue: Int) {
        value.deferredReport.store(
            DeferredReport(kind, queue: queue).rawValue, ordering: .relaxed)
    }

    /// Takes what was kept.
    func takeReport() -> DeferredReport? {
        DeferredReport(rawValue: value.deferredReport.exchange(0, ordering: .relaxed))
    }
}
