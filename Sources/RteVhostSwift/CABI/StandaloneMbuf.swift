// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// standalone/rte_mbuf.h and rte_mempool.h: packet memory for a process without DPDK.

/// `rte_pktmbuf_pool_create`; NULL with errno EINVAL, ENOMEM, EEXIST or ENAMETOOLONG.
@_cdecl("rtevhostswift_pktmbuf_pool_create")
public func rtevhostswift_pktmbuf_pool_create(
    _ name: UnsafePointer<CChar>?, _ count: UInt32, _ cacheSize: UInt32, _ privateSize: UInt16,
    _ dataRoom: UInt16, _ socket: Int32
) -> UnsafeMutablePointer<rte_mempool>? {
    EngineAddressing.prepare()
    do throws(VhostError) {
        let pool = try unsafe PoolRegistry.create(name) { () throws(VhostError) in
            try OwnPool.create(
                count: Int(count), cacheSize: Int(cacheSize), privateSize: Int(privateSize),
                dataRoom: Int(dataRoom), socket: socket)
        }
        return unsafe pool.address
    } catch {
        crte_set_errno(error.posixCode)
        return nil
    }
}

/// `rte_mempool_lookup`; NULL with errno ENOENT, or EINVAL for NULL.
@_cdecl("rtevhostswift_mempool_lookup")
public func rtevhostswift_mempool_lookup(
    _ name: UnsafePointer<CChar>?
) -> UnsafeMutablePointer<rte_mempool>? {
    guard let pool = unsafe PoolRegistry.find(name) else {
        crte_set_errno(unsafe name == nil ? EINVAL : ENOENT)
        return nil
    }
    return unsafe pool.address
}

/// `rte_mempool_free`; NULL is ignored.
@_cdecl("rtevhostswift_mempool_free")
public func rtevhostswift_mempool_free(_ pool: UnsafeMutablePointer<rte_mempool>?) {
    if let pool = unsafe pool { unsafe PoolRegistry.remove(OwnPool(pool)) }
}

/// `rte_mempool_avail_count`
@_cdecl("rtevhostswift_mempool_avail_count")
public func rtevhostswift_mempool_avail_count(_ pool: UnsafePointer<rte_mempool>?) -> UInt32 {
    guard let pool = unsafe pool else { return 0 }
    return unsafe UInt32(OwnPool(UnsafeMutablePointer(mutating: pool)).availableCount)
}

/// `rte_mempool_in_use_count`
@_cdecl("rtevhostswift_mempool_in_use_count")
public func rtevhostswift_mempool_in_use_count(_ pool: UnsafePointer<rte_mempool>?) -> UInt32 {
    guard let pool = unsafe pool else { return 0 }
    return unsafe pool.pointee.size - rtevhostswift_mempool_avail_count(pool)
}

/// `rte_pktmbuf_alloc`; NULL when the pool is empty.
@_cdecl("rtevhostswift_pktmbuf_alloc")
public func rtevhostswift_pktmbuf_alloc(
    _ pool: UnsafeMutablePointer<rte_mempool>?
) -> UnsafeMutablePointer<rte_mbuf>? {
    guard let pool = unsafe pool else { return nil }
    var object: UnsafeMutableRawPointer? = nil
    guard unsafe PacketPool(pool).take(1, into: &object), let object = unsafe object else {
        return nil
    }
    let packet = unsafe PacketBuffer(object: object)
    packet.prepare()
    return unsafe packet.pointer
}

/// `rte_pktmbuf_alloc_bulk`: 0; -ENOENT and none when the pool has too few.
@_cdecl("rtevhostswift_pktmbuf_alloc_bulk")
public func rtevhostswift_pktmbuf_alloc_bulk(
    _ pool: UnsafeMutablePointer<rte_mempool>?,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt32
) -> Int32 {
    guard let pool = unsafe pool, let packets = unsafe packets else { return -EINVAL }
    // SAFETY: an array of pointers to mbufs is an array of pointers; the caller promised `count`
    // places.
    let objects = unsafe UnsafeMutableRawPointer(packets).assumingMemoryBound(
        to: UnsafeMutableRawPointer?.self)
    guard unsafe PacketPool(pool).take(Int(count), into: objects) else { return -ENOENT }
    for index in 0..<Int(count) {
        if let packet = unsafe packets[index] { unsafe PacketBuffer(packet).prepare() }
    }
    return 0
}

/// `rte_pktmbuf_free`: the whole chain; NULL is ignored.
@_cdecl("rtevhostswift_pktmbuf_free")
public func rtevhostswift_pktmbuf_free(_ packet: UnsafeMutablePointer<rte_mbuf>?) {
    if let packet = unsafe packet { unsafe PacketBuffer(packet).freeChain() }
}

/// `rte_pktmbuf_free_seg`: one segment; NULL is ignored.
@_cdecl("rtevhostswift_pktmbuf_free_seg")
public func rtevhostswift_pktmbuf_free_seg(_ packet: UnsafeMutablePointer<rte_mbuf>?) {
    if let packet = unsafe packet { unsafe PacketBuffer(packet).freeSegment() }
}

/// `rte_pktmbuf_free_bulk`: each whole chain; NULLs are ignored.
@_cdecl("rtevhostswift_pktmbuf_free_bulk")
public func rtevhostswift_pktmbuf_free_bulk(
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt32
) {
    guard let packets = unsafe packets else { return }
    // SAFETY: the caller promised `count` places.
    for index in 0..<Int(count) { unsafe rtevhostswift_pktmbuf_free(packets[index]) }
}

/// `rte_pktmbuf_detach`: an indirect mbuf, or one with an external buffer, gets its own buffer
/// back.
@_cdecl("rtevhostswift_pktmbuf_detach")
public func rtevhostswift_pktmbuf_detach(_ packet: UnsafeMutablePointer<rte_mbuf>?) {
    if let packet = unsafe packet { unsafe PacketBuffer(packet).detach() }
}
