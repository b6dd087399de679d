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
            // DPDK: a pinned buffer that somebody else refers to keeps its mbuf out of the pool;
            // the last one to let go of the buffer returns it.
            guard offloadFlags & OffloadFlags.externalBuffer == 0 || releasePinned() else {
                return
            }
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

    /// Makes an indirect mbuf, or one with an external buffer, direct again; one whose buffer is
    /// pinned keeps it.
    @inline(never)
    func detach() {
        // SAFETY: the caller owns the mbuf, whose pool outlives it.
        guard let pool = unsafe pointer.pointee.pool else { return }
        let layout = unsafe PacketPool(pool).packetLayout
        if offloadFlags & OffloadFlags.externalBuffer != 0 {
            guard !layout.isPinned else { return }
            releaseExternalBuffer()
        } else {
            releaseDirect()
        }
        restoreOwnBuffer(layout)
    }

    /// Lets go of a pinned buffer; true when nobody else refers to it, and the mbuf may rest.
    private func releasePinned() -> Bool {
        // SAFETY: shinfo of a pinned buffer lives as long as its mbuf; its count may be shared.
        guard let shared = unsafe pointer.pointee.shinfo else { return true }
        if unsafe shared.pointee.refcnt == 1 { return true }
        guard unsafe crte_add_u16(crte_shared_refcount(shared), UInt16.max) == 0 else {
            return false
        }
        unsafe shared.pointee.refcnt = 1
        return true
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

    private func restoreOwnBuffer(_ layout: PacketLayout) {
        // SAFETY: an object of a packet pool: structure, private bytes, then the data room.
        let own = unsafe UnsafeMutableRawPointer(pointer)
        let offset = 128 + Int(layout.privateSize)
        unsafe pointer.pointee.priv_size = layout.privateSize
        unsafe pointer.pointee.buf_addr = own + offset
        unsafe pointer.pointee.buf_iova = ownAddress(offset)
        unsafe pointer.pointee.buf_len = layout.dataRoom
        unsafe pointer.pointee.data_off = min(UInt16(Self.headroom), layout.dataRoom)
        byteCount = 0
        offloadFlags = 0
    }

    /// Engine address of the own buffer: the object header in front of the mbuf knows the object's.
    private func ownAddress(_ offset: Int) -> UInt64 {
        // SAFETY: struct rte_mempool_objhdr lies right before the object; iova is its last word.
        let object = unsafe (UnsafeRawPointer(pointer) - 8).load(as: UInt64.self)
        return object &+ UInt64(offset)
    }
}
