// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Where a packed virtqueue lies: virtio 1.2, 2.8.10.
extension PackedRing {
    /// Bytes of each part for a ring of `size` slots: descriptors, driver and device event.
    static func byteCounts(size: Int) -> (descriptors: Int, available: Int, used: Int) {
        (size * 16, 4, 4)
    }
}
