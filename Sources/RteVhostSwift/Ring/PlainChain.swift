// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A chain of one buffer in one piece of memory: what nearly every packet is.
struct PlainChain: BitwiseCopyable {
    /// The buffer, header included.
    let buffer: GuestSlice
    /// Head index (split) or buffer id (packed).
    let id: UInt16
}
