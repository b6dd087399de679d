// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The library's log: standard error, one line a call. `RTEVHOSTSWIFT_LOG` sets the level: error,
/// warning, notice, info or debug; warning when it is not set.
enum Log {
    /// How much a line matters, most first.
    enum Level: Int {
        case error = 1, warning, notice, info, debug
    }

    /// Something failed that a caller asked for.
    static func error(_ build: (inout LogLine) -> Void) { write(.error, build) }

    /// A peer misbehaved, or something works less well than it should.
    static func warning(_ build: (inout LogLine) -> Void) { write(.warning, build) }

    /// A device came or went.
    static func notice(_ build: (inout LogLine) -> Void) { write(.notice, build) }

    /// Each message handled.
    static func info(_ build: (inout LogLine) -> Void) { write(.info, build) }

    /// True when lines of `level` are written.
    static func isOn(_ level: Level) -> Bool { level.rawValue <= threshold }

    @inline(never)
    private static func write(_ level: Level, _ build: (inout LogLine) -> Void) {
        guard isOn(level) else { return }
        let saved = crte_errno()
        var line = LogLine()
        line.add("vhost: ")
        build(&line)
        line.write()
        crte_set_errno(saved)
    }

    /// Read once; the first letter tells the levels apart.
    private static let threshold: Int = {
        // SAFETY: getenv gives NULL or a C string, of which the first byte is read.
        guard let value = unsafe getenv("RTEVHOSTSWIFT_LOG") else { return Level.warning.rawValue }
        switch unsafe UInt8(bitPattern: value[0]) {
        case UInt8(ascii: "e"): return Level.error.rawValue
        case UInt8(ascii: "n"): return Level.notice.rawValue
        case UInt8(ascii: "i"): return Level.info.rawValue
        case UInt8(ascii: "d"): return Level.debug.rawValue
        default: return Level.warning.rawValue
        }
    }()
}
