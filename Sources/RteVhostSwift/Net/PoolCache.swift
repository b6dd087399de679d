// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// One slot of a mempool's `local_cache`, in the layout of the release that made it.
@safe
struct PoolCache: BitwiseCopyable {
    private let base: UnsafeMutableRawPointer
    /// The cached objects, the last one taken first.
    let objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// As in `CacheRules`.
    let drainsWhole: Bool

    /// The cache of `slot`.
    @inline(__always)
    init(_ caches: UnsafeMutableRawPointer, slot: Int, _ rules: CacheRules) {
        // SAFETY: slot is below RTE_MAX_LCORE, stride and offset are the release's.
        unsafe base = caches + slot &* rules.stride
        unsafe objects = (base + rules.objects)
            .assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
        drainsWhole = rules.drainsWhole
    }

    /// Objects it aims to hold.
    // SAFETY: the application's pool is valid through the call.
    @inline(__always)
    var size: Int { unsafe Int(base.load(as: UInt32.self)) }

    /// Objects at which it is emptied.
    // SAFETY: a cache belongs to one thread; its layout is the release's.
    @inline(__always)
    var flushThreshold: Int { unsafe Int(base.load(fromByteOffset: 4, as: UInt32.self)) }

    /// Objects it holds. Other threads may ask how many they are.
    // SAFETY: a cache belongs to one thread; its layout is the release's.
    @inline(__always)
    var length: Int { unsafe Int(crte_load_relaxed_u32(base + 8)) }

    /// Sets `length`.
    @inline(__always)
    func setLength(_ length: Int) {
        // SAFETY: a cache belongs to one thread; its layout is the release's.
        unsafe crte_store_relaxed_u32(base + 8, UInt32(length))
    }

    /// The object that is taken next. There must be one.
    @inline(__always)
    var last: UnsafeMutableRawPointer? {
        // SAFETY: the cache holds `length` objects.
        unsafe objects[length &- 1]
    }

    /// The last `count` objects were taken. There must be so many.
    @inline(__always)
    func drop(_ count: Int) { setLength(length &- count) }

    /// Copies the last `count` objects, the very last first; they stay in the cache.
    @inline(__always)
    func copyLast(
        _ count: Int, to target: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) {
        let length = length
        // SAFETY: the caller has room for `count`, and that many are in the cache. A loop that is
        // made for many is dear for one.
        if count == 1 { return unsafe target[0] = objects[length &- 1] }
        for index in 0..<count { unsafe target[index] = objects[length &- 1 &- index] }
    }
}
