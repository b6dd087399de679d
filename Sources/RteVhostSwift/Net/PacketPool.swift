// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A mempool of mbufs: DPDK's with its lcore caches and its own operations, or one of this
/// library's. Both have the layout of `struct rte_mempool`.
@safe
struct PacketPool: BitwiseCopyable {
    private let pool: UnsafeMutablePointer<rte_mempool>

    /// Wraps a pool that the application passed.
    @inline(__always)
    init(_ pool: UnsafeMutablePointer<rte_mempool>) { unsafe self.pool = pool }

    /// Mbufs that it has, free or not.
    // SAFETY: the application's pool is valid through the call.
    var size: Int { unsafe Int(pool.pointee.populated_size) }

    /// True for a pool that this library made.
    // SAFETY: the application's pool is valid through the call.
    @inline(__always)
    private var isOwn: Bool { unsafe pool.pointee.ops_index == OwnPool.operationsIndex }

    /// Takes `count` objects, all or none.
    @inline(__always)
    func take(
        _ count: Int, into objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> Bool {
        guard let cache = cache, count <= Int(cache.size) else {
            return unsafe takeFromStore(count, into: objects)
        }
        if cache.length < count, !refill(cache, for: count) {
            return unsafe takeFromStore(count, into: objects)
        }
        let length = cache.length
        // SAFETY: length objects are in the cache, count of them are taken from its end; this
        // thread alone uses it.
        for index in 0..<count {
            unsafe objects[index] = cache.objects[length &- 1 &- index]
        }
        cache.setLength(length &- count)
        return true
    }

    /// Gives `count` objects back.
    @inline(__always)
    func put(_ count: Int, from objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>) {
        guard let cache = cache, count <= cache.size else {
            return unsafe putIntoStore(count, from: objects)
        }
        if cache.length &+ count > cache.flushThreshold {
            unsafe putIntoStore(cache.length, from: cache.objects)
            cache.setLength(0)
        }
        let length = cache.length
        // SAFETY: length + count ≤ flush threshold, which is below the cache's room.
        for index in 0..<count { unsafe cache.objects[length &+ index] = objects[index] }
        cache.setLength(length &+ count)
    }

    @inline(never)
    private func refill(_ cache: PoolCache, for count: Int) -> Bool {
        let length = cache.length
        let wanted = cache.size &+ count &- length
        // SAFETY: length + wanted = size + count ≤ 2 × size, which the cache has room for.
        guard unsafe takeFromStore(wanted, into: cache.objects + length) else { return false }
        cache.setLength(length &+ wanted)
        return true
    }

    /// This thread's cache; nil when the pool has none or the thread has no place in it.
    @inline(__always)
    private var cache: PoolCache? {
        guard unsafe pool.pointee.cache_size > 0, let caches = unsafe pool.pointee.local_cache
        else { return nil }
        let slot = isOwn ? ThreadSlots.current : Int(crte_current_lcore())
        guard slot < ThreadSlots.count else { return nil }
        // SAFETY: a pool with caches has one for each of RTE_MAX_LCORE slots.
        return unsafe PoolCache(UnsafeMutableRawPointer(caches), slot: slot, isOwn: isOwn)
    }
}

extension PacketPool {
    private typealias Dequeue =
        @convention(c) (
            UnsafeMutablePointer<rte_mempool>?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
            UInt32
        ) -> Int32

    @inline(never)
    private func takeFromStore(
        _ count: Int, into objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> Bool {
        guard !isOwn else {
            // SAFETY: the caller has room for `count`; the operations are those of this pool.
            return unsafe OwnPool(pool).take(count, into: objects)
        }
        guard let operations = unsafe operations, let function = unsafe operations.pointee.dequeue
        else {
            return false
        }
        return unsafe function(pool, objects, UInt32(count)) >= 0
    }

    @inline(never)
    private func putIntoStore(
        _ count: Int, from objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) {
        // SAFETY: the caller owns `count` objects of this pool.
        guard !isOwn else { return unsafe OwnPool(pool).put(count, from: objects) }
        guard let operations = unsafe operations, let function = unsafe operations.pointee.enqueue
        else { return }
        _ = unsafe function(pool, objects, UInt32(count))
    }

    /// The pool's entry in DPDK's table; nil when there is no DPDK or the index is none.
    private var operations: UnsafeMutablePointer<rte_mempool_ops>? {
        let index = unsafe Int(pool.pointee.ops_index)
        guard let table = unsafe DPDKProcess.mempoolOperations, index >= 0, index < 16 else {
            return nil
        }
        // SAFETY: DPDK 21.08 and 22.11: the array begins at byte 64 and has 16 entries of 128
        // bytes.
        return unsafe (table + 64 + index * 128).assumingMemoryBound(to: rte_mempool_ops.self)
    }
}
