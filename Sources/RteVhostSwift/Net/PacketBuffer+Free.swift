// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Giving packets back, with reference counts, attached and external buffers honoured as DPDK
/// defines them.
extension PacketBuffer {
    /// Frees all segments.
    func freeChain() {
        var segment: PacketBuffer? = self
        while let current = segment {
            segment = current.next
            current.freeSegment()
        }
    }

    /// Frees this segment alone.
    func freeSegment() {
        guard releaseReference() else { return }
        if offloadFlags & (OffloadFlags.externalBuffer | OffloadFlags.indirect) != 0 {
            detach()
        }
        next = nil
        segmentCount = 1
        // SAFETY: the last reference was ours; the mbuf goes to rest with refcnt 1, as pools keep
        // it.
        unsafe pointer.pointee.refcnt = 1
        guard let pool = unsafe pointer.pointee.pool else { return }
        var object: UnsafeMutableRawPointer? = unsafe UnsafeMutableRawPointer(pointer)
        unsafe PacketPool(pool).put(1, from: &object)
    }

    /// True when the caller held the last reference.
    private func releaseReference() -> Bool {
        // SAFETY: the count may be shared with other threads, so it is changed atomically unless it
        // is 1.
        if unsafe pointer.pointee.refcnt == 1 { return true }
        return unsafe crte_add_u16(crte_refcount(pointer), UInt16.max) == 0
    }

    /// Makes an indirect mbuf, or one with an external buffer, direct again.
    func detach() {
        if offloadFlags & OffloadFlags.externalBuffer != 0 {
            guard !isPinned else { return restorePinned() }
            releaseExternalBuffer()
        } else {
            releaseDirect()
        }
        restoreOwnBuffer()
    }

    /// True when the pool's mbufs have external buffers for good:
    /// RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF.
    private var isPinned: Bool {
        // SAFETY: a packet pool has rte_pktmbuf_pool_private behind its header and caches; flags at
        // byte 4.
        guard let pool = unsafe pointer.pointee.pool else { return false }
        let stride =
            unsafe pool.pointee.ops_index == OwnPool.operationsIndex
            ? DPDKProcess.CacheLayout.release2108.stride : DPDKProcess.cacheLayout.stride
        let caches = unsafe pool.pointee.cache_size > 0 ? ThreadSlots.count * stride : 0
        let flags = unsafe UnsafeRawPointer(pool).load(
            fromByteOffset: 192 + caches + 4, as: UInt32.self)
        return flags & 1 != 0
    }

    private func restorePinned() {
        // SAFETY: shinfo of a pinned buffer lives as long as its mbuf.
        guard let shared = unsafe pointer.pointee.shinfo else { return }
        unsafe shared.pointee.refcnt = 1
    }

    private func releaseExternalBuffer() {
        guard let shared = unsafe pointer.pointee.shinfo else { return }
        // SAFETY: whoever attached the buffer keeps shinfo until the last reference goes.
        let isLast =
            unsafe shared.pointee.refcnt == 1
            || crte_add_u16(crte_shared_refcount(shared), UInt16.max) == 0
        guard isLast, let function = unsafe shared.pointee.free_cb else { return }
        unsafe function(pointer.pointee.buf_addr, shared.pointee.fcb_opaque)
    }

    /// An indirect mbuf's buffer belongs to the mbuf that lies in front of it.
    private func releaseDirect() {
        // SAFETY: DPDK: the direct mbuf lies priv_size and the structure's size before its buffer.
        let direct = unsafe PacketBuffer(
            object: pointer.pointee.buf_addr - Int(pointer.pointee.priv_size) - 128)
        guard direct.releaseReference() else { return }
        unsafe direct.pointer.pointee.refcnt = 1
        direct.next = nil
        direct.segmentCount = 1
        guard let pool = unsafe direct.pointer.pointee.pool else { return }
        var object: UnsafeMutableRawPointer? = unsafe UnsafeMutableRawPointer(direct.pointer)
        unsafe PacketPool(pool).put(1, from: &object)
    }

    private func restoreOwnBuffer() {
        guard let pool = unsafe pointer.pointee.pool else { return }
        // SAFETY: an object of a packet pool: structure, private bytes, then the data room up to
        // elt_size.
        let own = unsafe UnsafeMutableRawPointer(pointer)
        let privateSize = unsafe poolPrivateSize(pool)
        unsafe pointer.pointee.priv_size = UInt16(privateSize)
        unsafe pointer.pointee.buf_addr = own + 128 + privateSize
        unsafe pointer.pointee.buf_iova = ownAddress(privateSize)
        unsafe pointer.pointee.buf_len = UInt16(
            truncatingIfNeeded: Int(pool.pointee.elt_size) - 128 - privateSize)
        unsafe pointer.pointee.data_off = UInt16(Self.headroom)
        byteCount = 0
        offloadFlags = 0
    }

    /// mbuf_priv_size of `rte_pktmbuf_pool_private`, at byte 2; a pool of ours keeps it there as
    /// well.
    private func poolPrivateSize(_ pool: UnsafeMutablePointer<rte_mempool>) -> Int {
        let isOwn = unsafe pool.pointee.ops_index == OwnPool.operationsIndex
        let stride =
            isOwn
            ? DPDKProcess.CacheLayout.release2108.stride : DPDKProcess.cacheLayout.stride
        let caches = unsafe pool.pointee.cache_size > 0 ? ThreadSlots.count * stride : 0
        // SAFETY: as in isPinned.
        return unsafe Int(
            UnsafeRawPointer(pool).load(fromByteOffset: 192 + caches + 2, as: UInt16.self))
    }

    /// Engine address of the own buffer: the object header in front of the mbuf knows the object's.
    private func ownAddress(_ privateSize: Int) -> UInt64 {
        // SAFETY: struct rte_mempool_objhdr lies right before the object; iova is its last word.
        let object = unsafe (UnsafeRawPointer(pointer) - 8).load(as: UInt64.self)
        return object &+ UInt64(128 + privateSize)
    }
}
