// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What became of a run of plain packets.
struct PlainResult: BitwiseCopyable {
    /// Packets taken.
    var count: Int
    /// False when the burst has to end: the engine refused some of them.
    var goesOn = true
}
