// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A used entry of a packed ring that waits to be written.
struct ShadowEntry: BitwiseCopyable {
    /// What the guest gets back.
    var entry = UsedEntry(id: 0, descriptorCount: 0, byteCount: 0)
    /// It belongs to the same packet as the one before.
    var continues = false
}
