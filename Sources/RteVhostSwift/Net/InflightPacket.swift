// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A packet, or a chain that goes back unused, on its way through the FIFO.
struct InflightPacket: BitwiseCopyable {
    /// The packet; nil for a chain that goes back unused, or once it was handed out.
    var packet: PacketBuffer?
    /// Where the ring stood before its chains were taken.
    var mark = RingMark(index: 0)
    /// First of its used entries, and how many are still to be written.
    var usedStart: UInt32 = 0
    var usedCount: UInt16 = 0
    /// Why the chain goes back unused; with a packet, why that is worth nothing.
    var fault: ChainFault?
    /// False while a DMA engine copies.
    var isComplete = false
    /// Bytes that the engine copies.
    var engineByteCount: UInt32 = 0
    /// The guest's header, applied when the payload has arrived.
    var header = NetHeader()
}
