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
        guard let cache = cache else { return unsafe takeFromStore(count, into: objects) }
        let length = cache.length
        guard count <= length, cache.drainsWhole || count < cache.size else {
            return unsafe takeBeyond(cache, count, into: objects)
        }
        // SAFETY: the caller has room for `count`; this thread alone uses the cache.
        unsafe cache.copyLast(count, to: objects)
        cache.setLength(length &- count)
        return true
    }

    /// This thread's cache if an object may be taken from it as it is.
    @inline(__always)
    var cacheForOne: PoolCache? {
        guard let cache = cache, cache.length > 0, cache.drainsWhole || cache.size > 1 else {
            return nil
        }
        return cache
    }

    /// The mbuf that would be taken next from a cache that has one, and stays there until it is
    /// dropped; nil when it is none.
    @inline(__always)
    func packet(lastOf cache: PoolCache) -> PacketBuffer? {
        // SAFETY: the pool's objects have room for an mbuf; whether this is one it says itself.
        guard let object = unsafe cache.last, unsafe owns(PacketBuffer(object: object)) else {
            return nil
        }
        return unsafe PacketBuffer(object: object)
    }

    /// Gives `count` objects back.
    @inline(__always)
    func put(_ count: Int, from objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>) {
        guard let cache = cache else { return unsafe putIntoStore(count, from: objects) }
        let length = cache.length
        // Within this, both releases do the same.
        guard length &+ count < cache.flushThreshold else {
            return unsafe putBeyond(cache, count, from: objects)
        }
        // SAFETY: length + count is below the flush threshold, which is below the cache's room.
        for index in 0..<count { unsafe cache.objects[length &+ index] = objects[index] }
        cache.setLength(length &+ count)
    }

    /// `take` where the cache has not enough, or is passed by.
    @inline(never)
    private func takeBeyond(
        _ cache: PoolCache, _ count: Int,
        into objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> Bool {
        let length = cache.length
        guard cache.drainsWhole else {
            // DPDK 21.08: size and more are not the cache's business; else it is filled up to hold
            // `size` after this.
            guard count < cache.size else { return unsafe takeFromStore(count, into: objects) }
            let wanted = cache.size &+ count &- length
            // SAFETY: length + wanted = size + count < 2 × size, which the cache has room for.
            guard unsafe takeFromStore(wanted, into: cache.objects + length) else {
                return unsafe takeFromStore(count, into: objects)
            }
            cache.setLength(length &+ wanted)
            unsafe cache.copyLast(count, to: objects)
            cache.setLength(cache.size)
            return true
        }
        // DPDK 22.11: all that the cache has, then `size` objects more than are missing.
        // SAFETY: as above; what is copied stays in the cache until the rest is there.
        unsafe cache.copyLast(length, to: objects)
        let missing = count &- length
        guard missing <= CacheRules.maximumSize,
            unsafe takeFromStore(cache.size &+ missing, into: cache.objects)
        else {
            guard unsafe takeFromStore(missing, into: objects + length) else { return false }
            cache.setLength(0)
            return true
        }
        cache.setLength(cache.size &+ missing)
        unsafe cache.copyLast(missing, to: objects + length)
        cache.setLength(cache.size)
        return true
    }

    /// `put` where the cache gets too full, or is passed by.
    @inline(never)
    private func putBeyond(
        _ cache: PoolCache, _ count: Int,
        from objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) {
        let most = cache.drainsWhole ? cache.flushThreshold : CacheRules.maximumSize
        guard count <= most else { return unsafe putIntoStore(count, from: objects) }
        var length = cache.length
        // SAFETY: DPDK 22.11: the room is for twice the largest size, the threshold 1.5 times
        // that. DPDK 21.08: three times, for a threshold and the largest request.
        if cache.drainsWhole, length &+ count > cache.flushThreshold {
            unsafe putIntoStore(length, from: cache.objects)
            length = 0
        }
        for index in 0..<count { unsafe cache.objects[length &+ index] = objects[index] }
        length &+= count
        if !cache.drainsWhole {
            // DPDK 21.08: whatever is beyond `size` goes.
            unsafe putIntoStore(length &- cache.size, from: cache.objects + cache.size)
            length = cache.size
        }
        cache.setLength(length)
    }

    /// This thread's cache; nil when the pool has none or the thread has no place in it.
    @inline(__always)
    private var cache: PoolCache? {
        let size = unsafe pool.pointee.cache_size
        guard size > 0, let caches = unsafe pool.pointee.local_cache, let rules = rules else {
            return nil
        }
        let slot = isOwn ? ThreadSlots.current : Int(crte_current_lcore())
        guard slot < ThreadSlots.count else { return nil }
        // SAFETY: a pool with caches has one for each of RTE_MAX_LCORE slots.
        let cache = unsafe PoolCache(UnsafeMutableRawPointer(caches), slot: slot, rules)
        // A DPDK that was built otherwise than its releases are.
        return cache.size == Int(size) ? cache : nil
    }

    /// How the pool's caches are laid out and used; nil when nobody knows.
    @inline(__always)
    private var rules: CacheRules? { isOwn ? .own : DPDKProcess.cacheRules }
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
        // bytes; how many are in use stands at byte 4.
        guard unsafe index < Int(table.load(fromByteOffset: 4, as: UInt32.self)) else {
            return nil
        }
        return unsafe (table + 64 + index * 128).assumingMemoryBound(to: rte_mempool_ops.self)
    }
}

/// What can be said against a pool, and what it knows of its mbufs.
extension PacketPool {
    /// True for a pool that can give packets, as far as its header tells. All of it lies in one
    /// line of cache, which every burst needs.
    @inline(__always)
    var isUsable: Bool {
        if isOwn { return true }
        // SAFETY: the application's pool is valid through the call.
        return unsafe DPDKProcess.mempoolOperations != nil
            && UInt32(
                bitPattern: pool.pointee.ops_index) < 16
            && pool.pointee.elt_size >= Self.structureSize
            && pool.pointee.private_data_size >= Self.leastPrivateSize
            && pool.pointee.populated_size > 0
    }

    /// sizeof(struct rte_mbuf)
    static let structureSize: UInt32 = 128
    /// sizeof(struct rte_pktmbuf_pool_private)
    private static let leastPrivateSize: UInt32 = 8

    /// The same, after another look for DPDK, which may have come after the first driver; says why
    /// not, the first time. Not within a burst.
    @inline(never)
    func isUsableAfterAll(_ function: StaticString) -> Bool {
        // SAFETY: only looked at for being there.
        if unsafe DPDKProcess.mempoolOperations == nil { DPDKProcess.prepare() }
        guard let fault else { return true }
        PoolFault.log(fault, function)
        return false
    }

    private var fault: PoolFault? {
        guard !isOwn else { return nil }
        guard unsafe DPDKProcess.mempoolOperations != nil else { return .noDPDK }
        guard unsafe operations?.pointee.dequeue != nil,
            unsafe operations?.pointee.enqueue != nil
        else { return .operations }
        // SAFETY: the application's pool is valid through the call.
        guard unsafe pool.pointee.elt_size >= Self.structureSize,
            unsafe pool.pointee.private_data_size >= Self.leastPrivateSize
        else { return .notPackets }
        return unsafe pool.pointee.populated_size > 0 ? nil : .empty
    }

    /// True when an object says itself that it belongs here: others were never made mbufs.
    @inline(__always)
    func owns(_ packet: PacketBuffer) -> Bool {
        // SAFETY: an object has room for an mbuf, as isUsable saw.
        unsafe packet.pointer.pointee.pool == pool
    }

    /// What `struct rte_pktmbuf_pool_private` says of the pool's mbufs.
    var packetLayout: PacketLayout {
        // SAFETY: a packet pool has that structure in its private area.
        let bytes = unsafe UnsafeRawPointer(pool) + privateOffset
        return unsafe PacketLayout(
            dataRoom: bytes.load(as: UInt16.self),
            privateSize: bytes.load(fromByteOffset: 2, as: UInt16.self),
            flags: bytes.load(fromByteOffset: 4, as: UInt32.self))
    }

    /// The private area lies behind header and caches; it is the last thing in the pool's
    /// memzone, and that tells where it is whatever a release's caches are.
    private var privateOffset: Int {
        let caches =
            unsafe pool.pointee.cache_size > 0
            ? ThreadSlots.count * (rules ?? .release2211).stride : 0
        guard !isOwn, let zone = unsafe pool.pointee.mz else { return 192 + caches }
        // SAFETY: struct rte_memzone: name (32), iova, address, length.
        let length = unsafe UnsafeRawPointer(zone).load(fromByteOffset: 48, as: Int.self)
        return unsafe max(192, length - Int(pool.pointee.private_data_size))
    }
}
