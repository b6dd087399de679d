// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// What of DPDK is in this process, found by name before the first driver starts.
enum DPDKProcess {
    /// `rte_mempool_ops_table`; nil without DPDK.
    // SAFETY: written by `prepare`, before any burst can run, and never changed once it is found.
    nonisolated(unsafe) private(set) static var mempoolOperations: UnsafeMutableRawPointer? = nil

    /// How this process's DPDK uses mempool caches; nil for a release that nobody here knows,
    /// whose caches are left alone.
    // SAFETY: as above.
    nonisolated(unsafe) private static var rules: CacheRules? = nil

    /// The same, to read.
    @inline(__always)
    static var cacheRules: CacheRules? { unsafe rules }

    private static let isRivalLogged = Atomic<Bool>(false)

    private typealias VersionFunction = @convention(c) () -> UnsafePointer<CChar>?

    /// Looks for DPDK. Called before a driver is registered and started, and for a pool that
    /// cannot be used without; what was found stays.
    static func prepare() {
        DPDKLog.prepare()
        EngineAddressing.prepare()
        findPools()
        reportRival()
    }

    private static func findPools() {
        // SAFETY: the names are C strings; written before any burst can run.
        guard unsafe mempoolOperations == nil,
            let table = unsafe crte_find_symbol("rte_mempool_ops_table")
        else { return }
        var known: CacheRules?
        if let found = unsafe crte_find_symbol("rte_version"),
            let text = unsafe unsafeBitCast(found, to: VersionFunction.self)()
        {
            // SAFETY: rte_version gives a C string like "DPDK 22.11.1".
            let number = unsafe release(text)
            known = CacheRules.of(release: number)
            if known == nil { logUnknown(number) }
        } else {
            logUnknown(0)
        }
        // The rules first: who sees the table relies on them.
        unsafe rules = known
        unsafe mempoolOperations = table
    }

    private static func logUnknown(_ release: Int) {
        Log.warning { line in
            line.add("DPDK release ")
            line.add(release / 100)
            line.add(".")
            line.add(release % 100)
            line.add(" is not known: mempools are used without their lcore caches")
        }
    }

    /// Year and month of a version string, the first two digits, dot, two digits in it, as one
    /// number; 0 when it has none.
    private static func release(_ text: UnsafePointer<CChar>) -> Int {
        // SAFETY: a C string is read up to its closing zero; all five bytes lie before it.
        let count = unsafe strnlen(text, 64)
        var start = 0
        while start + 5 <= count {
            var number = 0
            var isMatch = true
            for index in 0..<5 {
                let byte = unsafe UInt8(bitPattern: text[start + index])
                if index == 2 {
                    isMatch = isMatch && byte == UInt8(ascii: ".")
                } else {
                    let digit = byte.decimalValue
                    isMatch = isMatch && digit != nil
                    number = number * 10 + Int(digit ?? 0)
                }
            }
            if isMatch { return number }
            start += 1
        }
        return 0
    }

    /// DPDK's own librte_vhost beside this library: whoever is bound to it does not come here.
    private static func reportRival() {
        guard isRivalLoaded, !isRivalLogged.exchange(true, ordering: .relaxed) else { return }
        Log.notice { line in
            line.add("DPDK's own librte_vhost is in this process as well;")
            line.add(" its devices and those of this library do not know of each other")
        }
    }

    // SAFETY: the names are C strings.
    private static var isRivalLoaded: Bool {
        unsafe crte_is_loaded_besides("librte_vhost.so.21", "rte_vhost_driver_register")
            || crte_is_loaded_besides("librte_vhost.so.22", "rte_vhost_driver_register")
            || crte_is_loaded_besides("librte_vhost.so.23", "rte_vhost_driver_register")
    }
}
