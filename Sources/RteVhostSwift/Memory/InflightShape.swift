// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How many queues an area for chains in flight has room for, and of what kind.
struct InflightShape: Equatable {
    /// Queues.
    var queueCount: Int
    /// Slots of each ring.
    var size: Int
    /// Regions for packed rings.
    var isPacked: Bool

    /// Bytes of one queue's region. vhost-user, inflight I/O tracking: a head of 16 bytes and 16
    /// for each slot (split), or of 32 and 32 (packed). DPDK 21.08: in whole cache lines.
    var regionByteCount: Int {
        let unit = isPacked ? 32 : 16
        return (unit + unit * size + 63) & ~63
    }

    /// Bytes of all.
    var byteCount: Int { regionByteCount * queueCount }
}
