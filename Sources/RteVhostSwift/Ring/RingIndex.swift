// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A 16-bit index of a ring in a word of its own.
///
/// Two bytes at a multiple of four are read as four where the upper ones do not matter; a read of
/// four that follows a write of two waits until that write has left the store buffer, and with it
/// all before it: the lines that the guest has to give up first.
struct RingIndex: BitwiseCopyable {
    private var word: UInt32

    /// An index.
    @inline(__always)
    init(_ value: UInt16 = 0) { word = UInt32(value) }

    /// The index.
    @inline(__always)
    var value: UInt16 {
        get { UInt16(truncatingIfNeeded: word) }
        set { word = UInt32(newValue) }
    }
}
