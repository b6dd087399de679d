// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What the guest gets back for a chain, in split and packed rings alike.
struct UsedEntry: BitwiseCopyable, Equatable {
    /// Head index (split) or buffer id (packed).
    var id: UInt16
    /// Slots of the ring that the chain took; 1 in split rings.
    var descriptorCount: UInt16
    /// Bytes written into the chain.
    var byteCount: UInt32
}
