// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// One contiguous copy of a descriptor.
struct SoftwarePiece: BitwiseCopyable {
    /// Address of the bytes to copy.
    var source: UInt
    /// Address to copy them to.
    var destination: UInt
    /// Bytes; 0 in the only piece of an empty descriptor.
    var count: Int
    /// The descriptor is complete after this piece.
    var isLastOfDescriptor: Bool
}
