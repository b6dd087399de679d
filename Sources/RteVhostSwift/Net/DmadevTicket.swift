// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a packet's copies are on a channel: a run of numbers that count its copies for ever.
struct DmadevTicket {
    /// The channel; never freed.
    var channel: HeapCell<DmadevChannel>?
    /// Number of the packet's first copy and of its last one.
    var first: UInt64 = 0
    var last: UInt64 = 0
    /// The device did not take all of its copies.
    var isBroken = false
}
