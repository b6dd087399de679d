// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The library's log, one line a call: DPDK's where there is one, else standard error, where
/// `RTEVHOSTSWIFT_LOG` sets the level: error, warning, notice, info or debug; warning when it is not
/// set. DPDK hands lines to whatever stream the application gave it, so no lock may be held here.
enum Log {
    /// How much a line matters, most first.
    enum Level: Int {
        case error = 1, warning, notice, info, debug

        /// RTE_LOG_ERR to RTE_LOG_DEBUG.
        var dpdk: Int { rawValue + 3 }
    }

    /// What a line is about: DPDK's two log types.
    enum Topic {
        /// Sockets, devices, calls of the control plane: `lib.vhost.config`.
        case config
        /// Packets: `lib.vhost.data`.
        case data
    }

    /// Something failed that a caller asked for.
    static func error(_ topic: Topic = .config, _ build: (inout LogLine) -> Void) {
        write(.error, topic, build)
    }

    /// The same, where a frontend or its guest caused it.
    static func error(
        _ topic: Topic = .config, of account: HeapCell<FrontendAccount>?,
        _ build: (inout LogLine) -> Void
    ) {
        write(.error, topic, of: account, build)
    }

    /// A peer misbehaved, or something works less well than it should.
    static func warning(_ build: (inout LogLine) -> Void) { write(.warning, .config, build) }

    /// A device came or went.
    static func notice(_ build: (inout LogLine) -> Void) { write(.notice, .config, build) }

    /// A line whose level depends.
    static func add(_ level: Level, _ build: (inout LogLine) -> Void) {
        write(level, .config, build)
    }

    @inline(never)
    private static func write(
        _ level: Level, _ topic: Topic, of account: HeapCell<FrontendAccount>? = nil,
        _ build: (inout LogLine) -> Void
    ) {
        let saved = crte_errno()
        // Each registered or started driver looks for DPDK; a line on standard error is worth
        // another look.
        if level.rawValue <= threshold { DPDKLog.prepare() }
        let isDPDKs = DPDKLog.isFound
        if isDPDKs ? DPDKLog.isOn(level, topic) : level.rawValue <= threshold {
            if isAdmitted(level, account ?? FrontendAccount.own) { put(level, topic, build) }
        }
        crte_set_errno(saved)
    }

    /// A frontend must not fill the disk: false when it caused too many lines.
    private static func isAdmitted(
        _ level: Level, _ account: HeapCell<FrontendAccount>?
    ) -> Bool {
        guard let account else { return true }
        guard let missing = account.lock.withLock({ account.value.admit(level) }) else {
            return false
        }
        guard missing.count > 0 else { return true }
        put(missing.level, .config) { line in
            line.begin(account.value.path)
            line.add(missing.count)
            line.add(" lines of log left out: the frontend causes too many")
        }
        return true
    }

    private static func put(_ level: Level, _ topic: Topic, _ build: (inout LogLine) -> Void) {
        let isDPDKs = DPDKLog.isFound
        var line = LogLine(form: isDPDKs ? .dpdk : .standalone)
        if !isDPDKs { line.add("vhost: ") }
        build(&line)
        line.write(level, topic)
    }

    /// Read once; the first letter tells the levels apart.
    private static let threshold: Int = {
        // SAFETY: getenv gives NULL or a C string, of which the first byte is read.
        guard let value = unsafe System.environment("RTEVHOSTSWIFT_LOG") else {
            return Level.warning.rawValue
        }
        switch unsafe UInt8(bitPattern: value[0]) {
        case UInt8(ascii: "e"): return Level.error.rawValue
        case UInt8(ascii: "n"): return Level.notice.rawValue
        case UInt8(ascii: "i"): return Level.info.rawValue
        case UInt8(ascii: "d"): return Level.debug.rawValue
        default: return Level.warning.rawValue
        }
    }()
}
