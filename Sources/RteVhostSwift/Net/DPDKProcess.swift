// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What of DPDK is in this process, found once by name, before the first driver starts.
enum DPDKProcess {
    /// Where a release keeps the objects of a mempool cache.
    struct CacheLayout: BitwiseCopyable {
        /// Offset of the objects in a cache.
        var objects: Int
        /// Bytes of a cache.
        var stride: Int

        /// DPDK 21.08, and this library's own pools.
        static let release2108 = CacheLayout(objects: 16, stride: 12352)
        /// DPDK 22.11.
        static let release2211 = CacheLayout(objects: 64, stride: 8256)
    }

    /// `rte_mempool_ops_table`; nil without DPDK.
    // SAFETY: written once, by `prepare`, before any burst can run.
    nonisolated(unsafe) private(set) static var mempoolOperations: UnsafeMutableRawPointer? = nil

    /// How this process's DPDK lays out mempool caches.
    // SAFETY: written once, by `prepare`, before any burst can run.
    nonisolated(unsafe) private static var layout = CacheLayout(objects: 16, stride: 12352)

    /// The same, to read.
    @inline(__always)
    static var cacheLayout: CacheLayout { unsafe layout }

    private typealias VersionFunction = @convention(c) () -> UnsafePointer<CChar>?

    /// Looks for DPDK. Called before the first driver starts; more calls change nothing.
    static func prepare() {
        // SAFETY: the names are C strings; written before any burst can run.
        unsafe mempoolOperations = crte_find_symbol("rte_mempool_ops_table")
        guard let found = unsafe crte_find_symbol("rte_version"),
            let text = unsafe unsafeBitCast(found, to: VersionFunction.self)()
        else { return }
        // SAFETY: rte_version gives a C string like "DPDK 22.11.1".
        unsafe layout = release(text) >= 2211 ? .release2211 : .release2108
    }

    /// Year and month of a version string as one number; 0 when it has none.
    private static func release(_ text: UnsafePointer<CChar>) -> Int {
        var number = 0
        var digits = 0
        var index = 0
        // SAFETY: a C string is read up to its closing zero.
        while unsafe text[index] != 0, digits < 4, index < 64 {
            let byte = unsafe UInt8(bitPattern: text[index])
            if byte >= 0x30, byte <= 0x39 {
                number = number * 10 + Int(byte - 0x30)
                digits += 1
            }
            index += 1
        }
        return number
    }
}
