// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The RARP broadcast that makes switches learn where a migrated guest lives: RFC 903, as QEMU
/// sends it.
enum Announcement {
    /// Its length: the smallest Ethernet frame without its check sequence has 60; DPDK 21.08 pads to
    /// 64.
    static let byteCount = 64
}
