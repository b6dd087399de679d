// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What shapes of plain chains a loop is for: one that is for less needs fewer registers.
protocol PlainShape {
    /// Chains of two buffers and tables, too.
    static var hasPairs: Bool { get }
}

/// Chains of one buffer in the ring.
enum SingleBuffers: PlainShape {
    @inline(__always)
    static var hasPairs: Bool { false }
}

/// All plain chains.
enum PairedBuffers: PlainShape {
    @inline(__always)
    static var hasPairs: Bool { true }
}
