// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a burst did.
struct BurstResult {
    /// Packets.
    var count = 0
    /// The guest was interrupted, so the application's `guest_notified` is due once the lock is
    /// free.
    var didNotify = false
}
