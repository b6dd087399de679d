// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The processor copies, at once.
struct ProcessorCopy: CopyEngine, ~Copyable {
    @inline(__always)
    static var completesAtOnce: Bool { true }

    @inline(__always)
    mutating func beginPacket() {}

    @inline(__always)
    func beginRun() {}

    @inline(__always)
    mutating func endRun(_ run: Void) {}

    @inline(__always)
    func copy(
        _ pair: CopyPair, of segment: PacketBuffer, _ direction: ChainDirection,
        memory: MemoryTable, _ run: inout Void
    ) {
        pair.copyBytes(direction)
    }

    @inline(__always)
    mutating func remember(_ segments: borrowing SegmentList, byteCount: Int) -> Bool { true }

    @inline(__always)
    mutating func cancelPacket() {}

    @inline(__always)
    static func takePlain<R: Ring & ~Copyable>(
        _ burst: QueueBurst, _ engine: inout ProcessorCopy, _ ring: inout R,
        _ packets: PacketArray, limit: Int
    ) -> PlainResult {
        PlainResult(count: burst.dequeuePlain(&ring, packets.first(limit)))
    }

    @inline(__always)
    static func givePlain<R: Ring & ~Copyable>(
        _ burst: QueueBurst, _ engine: inout ProcessorCopy, _ ring: inout R,
        _ packets: PacketArray
    ) -> PlainResult {
        PlainResult(count: burst.enqueuePlain(&ring, packets))
    }

    @inline(__always)
    static func keep<R: Ring & ~Copyable>(
        _ record: InflightPacket, _ burst: QueueBurst, _ engine: inout ProcessorCopy,
        _ ring: inout R
    ) -> Bool { true }
}
