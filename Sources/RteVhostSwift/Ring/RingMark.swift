// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A position in the available ring that `Ring.rewind` goes back to.
struct RingMark: BitwiseCopyable, Equatable {
    /// Next available slot.
    var index: UInt16
    /// The wrap counter that goes with it in packed rings.
    var wrapCounter = false
    /// Chains that a packed ring had taken, to know again which of them go back.
    var sequence: UInt16 = 0
}
