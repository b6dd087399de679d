// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A chain of one buffer, or of two of which the first is the header alone, each in one piece of
/// memory: what nearly every packet is.
struct PlainChain: BitwiseCopyable {
    /// The buffer that begins with the header.
    let header: GuestSlice
    /// What lies behind the header: at least one byte.
    let payload: GuestSlice
    /// Head index (split) or buffer id (packed).
    let id: UInt16
    /// Slots of the ring that it takes, 1 or 2. Packed rings alone.
    var slotCount: UInt16
}
