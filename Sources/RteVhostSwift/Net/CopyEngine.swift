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

    /// Where the next piece of a packet goes: what a loop over them keeps in registers.
    associatedtype Run

    /// Begins the pieces of the packet at hand, which are given from `endRun` on.
    func beginRun() -> Run

    /// Ends them.
    mutating func endRun(_ run: Run)

    /// Copies one side to the other, guest to packet where the device reads. `segment` has the
    /// packet's bytes.
    func copy(
        _ pair: CopyPair, of segment: PacketBuffer, _ direction: ChainDirection,
        memory: MemoryTable, _ run: inout Run
    )

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

extension CopyEngine where Self: ~Copyable {
    /// Copies a packet that is one piece.
    @inline(__always)
    mutating func copyWhole(
        _ pair: CopyPair, of packet: PacketBuffer, _ direction: ChainDirection,
        memory: MemoryTable
    ) {
        var run = beginRun()
        copy(pair, of: packet, direction, memory: memory, &run)
        endRun(run)
    }
}
