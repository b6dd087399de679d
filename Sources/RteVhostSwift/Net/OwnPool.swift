// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A packet pool of this library: `struct rte_mempool` as DPDK 21.08 lays it out, with per-thread
/// caches in front of a stack of free objects.
@safe
struct OwnPool {
    private let pool: UnsafeMutablePointer<rte_mempool>

    /// `ops_index` of a pool of this library: no index of DPDK's table.
    /// RTEVHOSTSWIFT_MEMPOOL_OPS_INDEX.
    static let operationsIndex: Int32 = -0x5653

    /// Sizes in bytes that make a pool's memory.
    private struct Layout {
        let header = 192
        let caches: Int
        let privateBytes = 64
        let objectHeader = 64
        let privateSize: Int
        let dataRoom: Int
        let count: Int

        var object: Int { 128 + privateSize + dataRoom }

        var objects: Int { (header + caches + privateBytes + 63) & ~63 }
        var stride: Int { (objectHeader + object + 63) & ~63 }
        var total: Int { objects + stride * count }
    }

    /// The free objects: a stack, because the last one used is the likeliest to be in a processor's
    /// cache.
    @safe
    private struct Store: ~Copyable {
        let lock = SpinLock()
        let objects: FixedBuffer<UnsafeMutableRawPointer?>
        var count = 0

        init(capacity: Int) throws(VhostError) {
            // SAFETY: the storage is made and kept together with its count.
            unsafe objects = try FixedBuffer(count: capacity, repeating: nil)
        }
    }

    /// Wraps a pool that `create` made.
    @inline(__always)
    init(_ pool: UnsafeMutablePointer<rte_mempool>) { unsafe self.pool = pool }

    /// The pool's address for C.
    var address: UnsafeMutablePointer<rte_mempool> { unsafe pool }

    private var store: UnsafeMutablePointer<Store> {
        // SAFETY: create put a Store there; only pools of this library come here.
        unsafe pool.pointee.pool_data.assumingMemoryBound(to: Store.self)
    }

    /// A pool of `count` mbufs with `privateSize` bytes behind the structure and `dataRoom` bytes
    /// of buffer, headroom included. Throws `invalidArgument`, `outOfMemory`.
    static func create(
        count: Int, cacheSize: Int, privateSize: Int, dataRoom: Int, socket: Int32
    ) throws(VhostError) -> OwnPool {
        guard count > 0, count < 1 << 30, cacheSize >= 0, cacheSize <= 512,
            cacheSize * 3 / 2 <= count, privateSize & 7 == 0
        else { throw .invalidArgument }
        let layout = Layout(
            caches: cacheSize > 0 ? ThreadSlots.count * 12352 : 0,
            privateSize: privateSize, dataRoom: dataRoom, count: count)
        guard let memory = unsafe aligned_alloc(64, layout.total) else { throw .outOfMemory }
        // SAFETY: all of the first `objects` bytes are zeroed, which is a valid empty rte_mempool.
        unsafe memset(memory, 0, layout.objects)
        let pool = unsafe OwnPool(memory.assumingMemoryBound(to: rte_mempool.self))
        do throws(VhostError) {
            try pool.fillHeader(layout, cacheSize: cacheSize, socket: socket)
        } catch {
            unsafe free(memory)
            throw error
        }
        for index in 0..<count {
            unsafe pool.addObject(
                memory + layout.objects + index * layout.stride, privateSize: privateSize,
                dataRoom: dataRoom)
        }
        return pool
    }

    private func fillHeader(
        _ layout: Layout, cacheSize: Int, socket: Int32
    ) throws(VhostError) {
        let store = try Store(capacity: layout.count)
        guard let raw = unsafe malloc(MemoryLayout<Store>.size) else { throw .outOfMemory }
        let cell = unsafe raw.bindMemory(to: Store.self, capacity: 1)
        // SAFETY: fresh memory of the right size, initialised here; destroy takes it down again.
        unsafe cell.initialize(to: store)
        let base = unsafe UnsafeMutableRawPointer(pool)
        unsafe pool.pointee.pool_data = raw
        unsafe pool.pointee.ops_index = Self.operationsIndex
        unsafe pool.pointee.socket_id = socket
        unsafe pool.pointee.size = UInt32(layout.count)
        unsafe pool.pointee.populated_size = UInt32(layout.count)
        unsafe pool.pointee.cache_size = UInt32(cacheSize)
        unsafe pool.pointee.elt_size = UInt32(layout.object)
        unsafe pool.pointee.header_size = UInt32(layout.objectHeader)
        unsafe pool.pointee.trailer_size = UInt32(
            layout.stride - layout.objectHeader - layout.object)
        unsafe pool.pointee.private_data_size = UInt32(layout.privateBytes)
        unsafe setPrivate(base + layout.header + layout.caches, layout)
        guard cacheSize > 0 else { return }
        unsafe pool.pointee.local_cache = (base + layout.header)
            .assumingMemoryBound(to: rte_mempool_cache.self)
        for slot in 0..<ThreadSlots.count {
            let cache = unsafe base + layout.header + slot * 12352
            unsafe cache.storeBytes(of: UInt32(cacheSize), as: UInt32.self)
            unsafe cache.storeBytes(
                of: UInt32(cacheSize * 3 / 2), toByteOffset: 4, as: UInt32.self)
        }
    }

    /// What `rte_pktmbuf_data_room_size` and `rte_pktmbuf_priv_size` read: `struct
    /// rte_pktmbuf_pool_private`.
    private func setPrivate(_ bytes: UnsafeMutableRawPointer, _ layout: Layout) {
        // SAFETY: the private area has 64 bytes.
        unsafe bytes.storeBytes(of: UInt16(layout.dataRoom), as: UInt16.self)
        unsafe bytes.storeBytes(
            of: UInt16(layout.privateSize), toByteOffset: 2, as: UInt16.self)
    }

    /// Makes one object an mbuf at rest and puts it on the stack.
    private func addObject(
        _ start: UnsafeMutableRawPointer, privateSize: Int, dataRoom: Int
    ) {
        // SAFETY: the object has 64 bytes of header, 128 of mbuf, its private bytes and its data
        // room.
        unsafe memset(start, 0, 64 + 128 + privateSize)
        let object = unsafe start + 64
        // DPDK: struct rte_mempool_objhdr ends where its object begins.
        let header = unsafe (object - MemoryLayout<rte_mempool_objhdr>.size)
            .assumingMemoryBound(to: rte_mempool_objhdr.self)
        unsafe header.pointee.mp = pool
        unsafe header.pointee.iova = UInt64(UInt(bitPattern: object))
        let buffer = unsafe object.assumingMemoryBound(to: rte_mbuf.self)
        unsafe buffer.pointee.buf_addr = object + 128 + privateSize
        let address = unsafe UInt(bitPattern: object + 128 + privateSize)
        unsafe buffer.pointee.buf_iova = UInt64(
            EngineAddressing.isPhysical ? EngineAddressing.physical(address) ?? 0 : address)
        unsafe buffer.pointee.buf_len = UInt16(dataRoom)
        unsafe buffer.pointee.priv_size = UInt16(privateSize)
        unsafe buffer.pointee.data_off = UInt16(min(PacketBuffer.headroom, dataRoom))
        unsafe buffer.pointee.refcnt = 1
        unsafe buffer.pointee.nb_segs = 1
        unsafe buffer.pointee.port = UInt16.max
        unsafe buffer.pointee.pool = pool
        unsafe store.pointee.objects[store.pointee.count] = object
        unsafe store.pointee.count += 1
    }

    /// Frees the pool; whatever is still out is lost with it, as in DPDK.
    func destroy() {
        let store = unsafe store
        // SAFETY: create made all three; the registry lets a pool be destroyed once.
        unsafe store.deinitialize(count: 1)
        unsafe free(store)
        unsafe free(pool)
    }

    /// Takes from the stack, all or none.
    func take(
        _ count: Int, into objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> Bool {
        // SAFETY: the caller has room for `count`; the stack's fields change under its lock.
        unsafe store.pointee.lock.withLock {
            let have = unsafe store.pointee.count
            guard have >= count else { return false }
            for index in 0..<count {
                unsafe objects[index] = store.pointee.objects[have - 1 - index]
            }
            unsafe store.pointee.count = have - count
            return true
        }
    }

    /// Puts on the stack. More than it has room for means that an object was freed twice.
    func put(_ count: Int, from objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>) {
        // SAFETY: as in take.
        unsafe store.pointee.lock.withLock {
            let have = unsafe store.pointee.count
            for index in 0..<count {
                unsafe store.pointee.objects[have + index] = objects[index]
            }
            unsafe store.pointee.count = have + count
        }
    }

    /// Free objects, those in caches included; may be off while other threads work.
    var availableCount: Int {
        // SAFETY: as in take; cache lengths are read while their threads may change them.
        var total = unsafe store.pointee.lock.withLock { unsafe store.pointee.count }
        guard let caches = unsafe pool.pointee.local_cache else { return total }
        for slot in 0..<ThreadSlots.count {
            total += unsafe PoolCache(UnsafeMutableRawPointer(caches), slot: slot, .own).length
        }
        return unsafe min(total, Int(pool.pointee.size))
    }
}
