// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

extension PacketBuffer {
    /// Gives a fresh mbuf one buffer from malloc for `byteCount` bytes and the headroom; false when
    /// that is more than an mbuf's 16-bit lengths allow, there is no memory, or the pool's own
    /// buffers are external and pinned. The buffer goes with the last reference.
    func attachBuffer(byteCount: Int) -> Bool {
        let shared = (Self.headroom + byteCount + 7) & ~7
        let total = unsafe shared + MemoryLayout<rte_mbuf_ext_shared_info>.size
        // A pinned buffer can never be given up for another one.
        guard offloadFlags & OffloadFlags.externalBuffer == 0 else { return false }
        guard total <= Int(UInt16.max), let buffer = unsafe malloc(total) else { return false }
        // SAFETY: the buffer has room for shinfo at its end, aligned to 8; the mbuf is fresh and
        // ours.
        let info = unsafe (buffer + shared).bindMemory(
            to: rte_mbuf_ext_shared_info.self, capacity: 1)
        unsafe info.initialize(to: rte_mbuf_ext_shared_info())
        unsafe info.pointee.free_cb = { buffer, _ in unsafe free(buffer) }
        unsafe info.pointee.fcb_opaque = nil
        unsafe info.pointee.refcnt = 1
        unsafe pointer.pointee.buf_addr = buffer
        // An engine that wants physical addresses cannot be given malloc's pages: 0 says so.
        unsafe pointer.pointee.buf_iova =
            EngineAddressing.isPhysical
            ? 0 : UInt64(UInt(bitPattern: buffer))
        unsafe pointer.pointee.buf_len = UInt16(shared)
        unsafe pointer.pointee.data_off = UInt16(Self.headroom)
        unsafe pointer.pointee.shinfo = info
        offloadFlags |= OffloadFlags.externalBuffer
        return true
    }
}
