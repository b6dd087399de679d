// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How the mbufs of a pool are made: `struct rte_pktmbuf_pool_private`.
struct PacketLayout: BitwiseCopyable {
    /// Bytes of a buffer, headroom included.
    var dataRoom: UInt16
    /// Bytes between structure and buffer.
    var privateSize: UInt16
    /// RTE_PKTMBUF_POOL_F_…
    var flags: UInt32

    /// RTE_PKTMBUF_POOL_F_PINNED_EXT_BUF: the mbufs have external buffers for good.
    var isPinned: Bool { flags & 1 != 0 }
}
