// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How a release of DPDK lays out the per-lcore caches of mempools, and how it uses them.
struct CacheRules: BitwiseCopyable {
    /// Offset of the objects in a cache.
    var objects: Int
    /// Bytes of a cache.
    var stride: Int
    /// DPDK 22.11: a get takes what the cache has before it fetches more, and a put that would
    /// cross the flush threshold empties the cache. Before: a get of `size` or more passes the
    /// cache by, and a put that crosses the threshold leaves `size` objects.
    var drainsWhole: Bool

    /// DPDK 21.08: RTE_MEMPOOL_CACHE_MAX_SIZE; no cache is larger and no request passes through
    /// one that is.
    static let maximumSize = 512

    /// DPDK 21.08.
    static let release2108 = CacheRules(objects: 16, stride: 12352, drainsWhole: false)
    /// DPDK 22.11.
    static let release2211 = CacheRules(objects: 64, stride: 8256, drainsWhole: true)
    /// This library's own pools: programs see them through headers of 21.08.
    static let own = CacheRules(objects: 16, stride: 12352, drainsWhole: true)

    /// The rules of a release, year and month as in `2108`; nil for one that nobody here knows.
    static func of(release: Int) -> CacheRules? {
        switch release {
        // DPDK keeps its ABI from each November release on (ABI policy): 20.11 to 21.08 are
        // ABI 21; 21.11 to 22.07 are ABI 22, with the same caches.
        case 2011, 2102, 2105, 2108, 2111, 2203, 2207: return .release2108
        case 2211, 2303, 2307: return .release2211
        default: return nil
        }
    }
}
