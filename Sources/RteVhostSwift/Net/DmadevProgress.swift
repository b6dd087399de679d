// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How far a channel of a DMA device is; numbers of copies, as in `DmadevTicket`.
struct DmadevProgress: BitwiseCopyable {
    /// The last copy that ended, well or not.
    var ended: UInt64
    /// The last one that failed.
    var lastFailed: UInt64

    /// What a packet without channel has: all ended, all failed.
    static var all: DmadevProgress { DmadevProgress(ended: .max, lastFailed: .max) }
}
