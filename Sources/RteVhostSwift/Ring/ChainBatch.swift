// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Four chains that were taken at once, each one buffer in one piece of memory.
struct ChainBatch: BitwiseCopyable {
    /// Chains in a batch: the descriptors of a packed ring in one cache line.
    static let count = 4

    /// Their buffers.
    var buffers = InlineArray<4, GuestSlice>(repeating: .empty)
    /// Their ids.
    var ids = InlineArray<4, UInt16>(repeating: 0)
}
