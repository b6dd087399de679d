// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// DPDK's log, when it is in the process: `rte_log` with the types under which DPDK's own library
/// logs, so that `--log-level=lib.vhost.config:debug` and the like do what they always did.
enum DPDKLog {
    private typealias LevelFunction = @convention(c) (UInt32) -> Int32
    private typealias RegisterFunction =
        @convention(c) (UnsafePointer<CChar>?, UInt32) -> Int32
    private typealias QuestionFunction = @convention(c) (UInt32, UInt32) -> Bool

    /// Address of `rte_log`; 0 until it was found and the types are registered.
    private static let function = Atomic<UInt>(0)
    /// Address of `rte_log_can_log`, or 0.
    private static let question = Atomic<UInt>(0)
    private static let configType = Atomic<UInt32>(0)
    private static let dataType = Atomic<UInt32>(0)
    private static let lock = SpinLock()

    /// True once lines go to DPDK's log.
    static var isFound: Bool { function.load(ordering: .acquiring) != 0 }

    /// Looks for DPDK's log and registers the types. DPDK may come into the process after this
    /// library, or have its log set up after it, so each caller that needs to know asks again.
    static func prepare() {
        guard !isFound, let log = unsafe crte_find_symbol("rte_log"),
            let register = unsafe crte_find_symbol("rte_log_register_type_and_pick_level"),
            let level = unsafe crte_find_symbol("rte_log_get_level")
        else { return }
        lock.lock()
        defer { lock.unlock() }
        // DPDK 22.11: the table of types is made by a constructor that may not have run yet; it
        // forgets types that were registered before. Type 0, RTE_LOGTYPE_EAL, has no level then.
        // SAFETY: the functions have these types in every DPDK release since 18.05.
        guard !isFound, unsafe unsafeBitCast(level, to: LevelFunction.self)(0) >= 0 else { return }
        let make = unsafe unsafeBitCast(register, to: RegisterFunction.self)
        // DPDK 21.08 and 22.11: RTE_LOG_INFO and RTE_LOG_WARNING, unless --log-level says otherwise.
        // SAFETY: the names are C strings. Registering calls nobody back and does not log.
        let config = unsafe make("lib.vhost.config", UInt32(Log.Level.info.dpdk))
        let data = unsafe make("lib.vhost.data", UInt32(Log.Level.warning.dpdk))
        guard config >= 0, data >= 0 else { return }
        configType.store(UInt32(config), ordering: .relaxed)
        dataType.store(UInt32(data), ordering: .relaxed)
        let canLog = unsafe crte_find_symbol("rte_log_can_log")
        question.store(UInt(bitPattern: canLog), ordering: .relaxed)
        function.store(UInt(bitPattern: log), ordering: .releasing)
    }

    /// True when DPDK would write lines of `level`.
    static func isOn(_ level: Log.Level, _ topic: Log.Topic) -> Bool {
        guard
            let found = unsafe UnsafeRawPointer(
                bitPattern: question.load(ordering: .relaxed))
        else { return true }
        // SAFETY: rte_log_can_log of a library that is not unloaded under its users.
        return unsafe unsafeBitCast(found, to: QuestionFunction.self)(
            type(of: topic), UInt32(level.dpdk))
    }

    /// Hands over a line, a C string without its end of line.
    static func write(
        _ level: Log.Level, _ topic: Log.Topic, _ text: UnsafePointer<CChar>
    ) {
        guard
            let found = unsafe UnsafeMutableRawPointer(
                bitPattern: function.load(ordering: .acquiring))
        else { return }
        // Not a String: that would take memory for each line, and end the process without.
        let prefix: StaticString = topic == .data ? "VHOST_DATA: " : "VHOST_CONFIG: "
        // SAFETY: rte_log keeps no address; a static string ends with a zero byte, as text does.
        unsafe crte_log_line(
            found, UInt32(level.dpdk), type(of: topic),
            UnsafeRawPointer(prefix.utf8Start).assumingMemoryBound(to: CChar.self), text)
    }

    private static func type(of topic: Log.Topic) -> UInt32 {
        topic == .data
            ? dataType.load(ordering: .relaxed) : configType.load(ordering: .relaxed)
    }
}
