// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Where a run of plain chains stands: a copy of what the ring would have to fetch anew for each.
struct PlainRun: BitwiseCopyable {
    /// Next slot to take a chain from.
    var index: UInt16
    /// The flags that a plain chain has there.
    var flags: UInt16
    /// Chains taken.
    var count = 0
    /// Most that may be.
    let limit: Int
}
