// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// When a client connects next. After a connection that served, at once; after one that came to
/// nothing, and while nobody listens, at intervals that double up to a second: a frontend that is
/// back after a moment is found within as much again, and one that hangs up on every connection
/// costs next to nothing.
struct Reconnection: Equatable {
    /// The first interval, in nanoseconds.
    private static let shortest: UInt64 = 10_000_000
    /// The longest: DPDK 21.08 tries once a second.
    private static let longest: UInt64 = 1_000_000_000

    /// When, in nanoseconds of the monotonic clock; nil while there is nothing to try.
    private(set) var due: UInt64?
    private var interval: UInt64 = 0
    /// It was said that nobody listens; once for each time is enough.
    var isLogged = false

    /// Nothing to do before the driver starts.
    init() {}

    /// Tries as soon as the event thread can.
    mutating func tryAtOnce(_ now: UInt64) {
        due = now
        interval = 0
        isLogged = false
    }

    /// Tries again later: there was no connection, or none that served.
    mutating func tryLater(_ now: UInt64) {
        interval = interval == 0 ? Self.shortest : min(interval * 2, Self.longest)
        due = now &+ interval
    }

    /// There is a connection, or there never will be one again.
    mutating func stop() { due = nil }

    /// True when a connection that lasted so long, whatever came of it, is reason to try at once.
    static func served(since start: UInt64, until now: UInt64) -> Bool {
        now &- start >= longest
    }
}
