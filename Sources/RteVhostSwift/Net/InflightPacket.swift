// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A packet, or a chain that goes back unused, on its way through the FIFO.
struct InflightPacket: BitwiseCopyable {
    /// The packet; nil for a chain that goes back unused, or once it was handed out.
    var packet: PacketBuffer?
    /// Where the ring stood before its chains were taken.
    var mark = RingMark(index: 0)
    /// Its used entry when there is one. Of several, the first's place among `usedEntries`.
    var entry = UsedEntry(id: 0, descriptorCount: 0, byteCount: 0)
    var usedStart: UInt32 = 0
    /// Used entries that are still to be written.
    var usedCount: UInt16 = 0
    /// Why the chain goes back unused; with a packet, why that is worth nothing.
    var fault: ChainFault?
    /// False while a DMA engine copies.
    var isComplete = false
    /// Bytes that the engine copies.
    var engineByteCount: UInt32 = 0
    /// The guest's header, applied when the payload has arrived.
    var header = NetHeader()

    /// Complete, with one used entry, and as nearly all are: nothing went wrong.
    @inline(__always)
    var isPlain: Bool { isComplete && usedCount == 1 && fault == nil }
}
