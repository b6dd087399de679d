// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A ring of pieces between one producer, the thread in `transfer_data`, and one consumer, the
/// worker. What either side writes has cache lines of its own.
struct SoftwareRing: ~Copyable {
    private let pieces: FixedBuffer<SoftwarePiece>
    private let mask: UInt
    /// Slots, a power of two.
    let capacity: Int

    private let linesBeforeTail = InlineArray<128, UInt8>(repeating: 0)
    private let tail = Atomic<UInt>(0)
    /// What the producer last read of `head`, which spares it the consumer's cache line.
    private let knownHead = Atomic<UInt>(0)

    private let linesBeforeHead = InlineArray<128, UInt8>(repeating: 0)
    private let head = Atomic<UInt>(0)
    private let linesAfterHead = InlineArray<128, UInt8>(repeating: 0)

    /// An empty ring of `capacity` slots, a power of two. Throws `outOfMemory`.
    init(capacity: Int) throws(VhostError) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0)
        self.capacity = capacity
        mask = UInt(capacity - 1)
        pieces = try FixedBuffer(
            count: capacity,
            repeating: SoftwarePiece(
                source: 0, destination: 0, count: 0, isLastOfDescriptor: false))
    }

    /// True when every piece was copied. Any thread.
    @inline(__always)
    borrowing func isEmpty() -> Bool {
        head.load(ordering: .acquiring) == tail.load(ordering: .acquiring)
    }
}

/// The producer.
extension SoftwareRing {
    /// Where the producer writes: positions count up for ever and wrap.
    struct Writer {
        /// The next position to write.
        var position: UInt
        /// The position that must not be written before the consumer has moved on.
        var end: UInt
    }

    /// Begins to write.
    @inline(__always)
    borrowing func beginWriting() -> Writer {
        Writer(
            position: tail.load(ordering: .relaxed),
            end: knownHead.load(ordering: .relaxed) &+ UInt(capacity))
    }

    /// Puts a piece behind those written, unseen by the consumer. False when the ring is full.
    @inline(__always)
    borrowing func write(_ piece: SoftwarePiece, _ writer: inout Writer) -> Bool {
        guard hasRoom(for: 1, &writer) else { return false }
        put(piece, &writer)
        return true
    }

    /// True when there is room for `count` more pieces.
    @inline(__always)
    borrowing func hasRoom(for count: UInt, _ writer: inout Writer) -> Bool {
        if writer.end &- writer.position < count {
            let known = head.load(ordering: .acquiring)
            knownHead.store(known, ordering: .relaxed)
            writer.end = known &+ UInt(capacity)
        }
        return writer.end &- writer.position >= count
    }

    /// Puts a piece behind those written, unseen by the consumer; there is room for it.
    @inline(__always)
    borrowing func put(_ piece: SoftwarePiece, _ writer: inout Writer) {
        pieces[Int(writer.position & mask)] = piece
        writer.position &+= 1
    }

    /// Shows the consumer all pieces before the writer's position.
    @inline(__always)
    borrowing func publish(_ writer: Writer) {
        tail.store(writer.position, ordering: .releasing)
    }
}

/// The consumer.
extension SoftwareRing {
    /// The positions to copy, the first and the one behind the last.
    @inline(__always)
    borrowing func beginReading() -> (position: UInt, end: UInt) {
        (head.load(ordering: .relaxed), tail.load(ordering: .acquiring))
    }

    /// The piece at a position that was published.
    @inline(__always)
    borrowing func piece(at position: UInt) -> SoftwarePiece { pieces[Int(position & mask)] }

    /// Gives the slots before `position` back to the producer.
    @inline(__always)
    borrowing func release(before position: UInt) {
        head.store(position, ordering: .releasing)
    }
}
