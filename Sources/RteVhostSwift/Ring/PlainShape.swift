// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What shapes of plain chains a loop is for: one that is for less needs fewer registers. Each is for
/// single buffers besides.
protocol PlainShape {
    /// Chains of two buffers in the ring.
    static var hasPairs: Bool { get }

    /// Indirect tables of one or two buffers.
    static var hasTables: Bool { get }

    /// Packets are long enough for buffers to be asked for before it is their turn. Short ones are
    /// better off with the registers that it takes.
    static var looksAhead: Bool { get }
}

extension PlainShape {
    @inline(__always)
    static var looksAhead: Bool { false }
}

/// Chains of one buffer in the ring.
enum SingleBuffers: PlainShape {
    @inline(__always)
    static var hasPairs: Bool { false }
    @inline(__always)
    static var hasTables: Bool { false }
}

/// The same, of packets of more than a line of cache.
enum LongBuffers: PlainShape {
    @inline(__always)
    static var hasPairs: Bool { false }
    @inline(__always)
    static var hasTables: Bool { false }
    @inline(__always)
    static var looksAhead: Bool { true }

    /// Packets of more bytes are worth it.
    static var threshold: Int { 64 }
}

/// Chains of two buffers in the ring, too.
enum PairedBuffers: PlainShape {
    @inline(__always)
    static var hasPairs: Bool { true }
    @inline(__always)
    static var hasTables: Bool { false }
}

/// Indirect tables, too.
enum TableBuffers: PlainShape {
    @inline(__always)
    static var hasPairs: Bool { false }
    @inline(__always)
    static var hasTables: Bool { true }
}
