// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Who writes into a chain's buffers.
enum ChainDirection {
    /// The guest wrote them and the device reads: transmit, *dequeue*.
    case deviceReads
    /// The device writes: receive, *enqueue*.
    case deviceWrites

    /// What the device does with the buffers.
    @inline(__always)
    var permission: AccessPermission { self == .deviceReads ? .read : .write }
}

/// What one step along the available ring found.
enum ChainResult {
    /// A whole chain, its buffers appended to the segment list.
    case chain(UsedEntry)
    /// A chain that must go back unused; the segment list may hold some of its buffers.
    case bad(UsedEntry, ChainFault)
    /// An address of the chain is not known yet. The caller rewinds to where it stood before.
    case missing
    /// Nothing more is offered.
    case none
}
