// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Who copies a packet's bytes: the processor, or a DMA engine. The loops of the datapath are
/// written against this.
protocol CopyEngine: ~Copyable {
    /// True when a packet is complete as soon as its last piece was given; it needs no place in the
    /// in-flight FIFO.
    static var completesAtOnce: Bool { get }

    /// Begins a packet.
    mutating func beginPacket()

    /// Copies one side to the other: guest to packet where the device reads.
    mutating func copy(_ pair: CopyPair, _ direction: ChainDirection, memory: MemoryTable)

    /// For the dirty log: keeps in mind where the packet at hand is written that is not there yet,
    /// the first `byteCount` bytes of `segments`. False when it cannot: the packet has to be
    /// cancelled and copied by the processor.
    mutating func remember(_ segments: borrowing SegmentList, byteCount: Int) -> Bool

    /// Forgets the pieces of a packet that is given up in the middle.
    mutating func cancelPacket()

    /// Takes a run of plain packets of the burst, at most `limit`; those that are complete are in
    /// `packets`. Returns how many; not 0 when it is worth another call.
    static func takePlain<R: Ring & ~Copyable>(
        _ burst: QueueBurst, _ engine: inout Self, _ ring: inout R, _ packets: PacketArray,
        limit: Int
    ) -> PlainResult

    /// Gives the guest a run of plain packets, at most all of `packets`. Returns how many; not 0
    /// when it is worth another call.
    static func givePlain<R: Ring & ~Copyable>(
        _ burst: QueueBurst, _ engine: inout Self, _ ring: inout R, _ packets: PacketArray
    ) -> PlainResult

    /// Puts the packet at hand, or a chain that goes back unused, into the FIFO; its used entries
    /// were pushed. False when the burst has to end. Never called where `completesAtOnce`.
    static func keep<R: Ring & ~Copyable>(
        _ record: InflightPacket, _ burst: QueueBurst, _ engine: inout Self, _ ring: inout R
    ) -> Bool
}

extension PacketBuffer {
    /// The room behind the headroom; where an engine finds it only for one that wants to know.
    @inline(__always)
    func room<E: CopyEngine & ~Copyable>(for engine: E.Type) -> PacketSlice {
        E.completesAtOnce ? freshRoom(capacity) : room
    }

    /// The same for the data of this segment.
    @inline(__always)
    func data<E: CopyEngine & ~Copyable>(for engine: E.Type) -> PacketSlice {
        E.completesAtOnce ? plainData : data
    }
}
