// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How the control plane reaches a datapath whose name it does not know. Every function but `make`
/// is called with the queue's lock held.
struct DatapathHooks: Sendable {
    /// Makes what a new queue needs.
    let make: @Sendable () throws(VhostError) -> OpaqueCell
    /// Fits it to a ring of so many slots, whose buffers are behind an IOMMU or not. Throws `busy`
    /// while packets are in flight, `outOfMemory`.
    let resize: @Sendable (OpaqueCell, Int, Bool) throws(VhostError) -> Void
    /// Asks a DMA engine once what it finished and writes the used ring; true when the engine has
    /// nothing left.
    let poll: @Sendable (HeapCell<Device>, HeapCell<VirtQueue>) -> Bool
    /// The same, for the used ring to have no gaps: only up to the last packet that overtook others.
    /// True when there are none.
    let closeGaps: @Sendable (HeapCell<Device>, HeapCell<VirtQueue>) -> Bool
    /// Gets ready for the dirty log, or lets go of what it took. The engine is idle when it is to
    /// get ready.
    let setLogging: @Sendable (OpaqueCell, Bool) -> Void
    /// Packets of asynchronous calls that are on their way.
    let inflightCount: @Sendable (OpaqueCell) -> Int
    /// Frees packets that nobody fetched and forgets the engine.
    let release: @Sendable (OpaqueCell) -> Void
}
