// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// The ring between a burst and one who captures.
@Suite struct CaptureRingTests {
    /// What the macro does, which takes no call of a value that cannot be copied.
    private func expect(_ isSo: Bool, _ location: SourceLocation = #_sourceLocation) {
        #expect(isSo, sourceLocation: location)
    }

    private static func write(_ ring: borrowing CaptureRing, _ byte: UInt8, _ count: Int) -> Bool {
        guard
            ring.beginRecord(byteCount: count, of: count, time: UInt64(byte), header: (1, 2))
        else { return false }
        let bytes = [UInt8](repeating: byte, count: count)
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            // In two pieces, as the packet may be.
            ring.put(base, count: count / 3)
            ring.put(base + count / 3, count: count - count / 3)
        }
        ring.endRecord()
        return true
    }

    /// Reads so many bytes, however they lie.
    private static func read(_ ring: borrowing CaptureRing, _ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let pending = ring.pending
            guard pending.count > 0 else { break }
            let part = min(pending.count, count - bytes.count)
            for index in 0..<part { bytes.append(pending[index]) }
            ring.drop(part)
        }
        return bytes
    }

    /// A device that ends closes the ring under its reader; the next one of that number is for
    /// nobody else before that reader lets go.
    @Test func aRingHasOneReader() throws {
        var ring = CaptureRing()
        try expect(ring.open(limit: 100))
        expect(ring.beginWriting())
        expect(Self.write(ring, 1, 50))
        ring.endWriting()
        ring.close()
        try expect(!ring.open(limit: 100))
        expect(Self.read(ring, 4).count == 4)
        ring.release()
        try expect(ring.open(limit: 100))
        expect(ring.pending.count == 0)
        ring.release()
    }

    @Test func recordsComeBackAroundTheEnd() throws {
        var ring = CaptureRing()
        try expect(ring.open(limit: 70_000))
        expect(ring.beginWriting())
        // Several times around, and never a multiple of the ring.
        for round in 0..<200 {
            let count = 60_000 + round
            expect(Self.write(ring, UInt8(round), count))
            let size = CaptureRing.recordByteCount(count)
            let bytes = Self.read(ring, size)
            expect(bytes.count == size)
            let head = (0..<4).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
            expect(head == count && bytes[8] == UInt8(round) && bytes[24] == 1 && bytes[32] == 2)
            expect(bytes[40..<40 + count].allSatisfy { $0 == UInt8(round) })
            // No byte of an older packet behind it.
            expect(bytes[(40 + count)...].allSatisfy { $0 == 0 })
        }
        ring.endWriting()
        expect(ring.pending.count == 0 && ring.lostCount == 0)
    }

    @Test func whatFindsNoRoomIsCounted() throws {
        var ring = CaptureRing()
        try expect(ring.open(limit: 100_000))
        expect(ring.beginWriting())
        var written = 0
        while Self.write(ring, 1, 99_960) { written += 1 }
        expect(written == CaptureRing.capacity / 100_000)
        expect(ring.lostCount == 1)
        expect(!Self.write(ring, 1, 99_960) && ring.lostCount == 2)
        _ = Self.read(ring, 100_000)
        expect(Self.write(ring, 1, 99_960))
        expect(ring.lostCount == 2)
        // Longer than any may be.
        expect(!ring.beginRecord(byteCount: 1 << 19, of: 1 << 19, time: 0, header: (0, 0)))
    }

    @Test func nobodyWritesOnceItIsClosed() throws {
        var ring = CaptureRing()
        expect(!ring.beginWriting())
        try expect(ring.open(limit: 10))
        try expect(!ring.open(limit: 10))
        expect(ring.beginWriting())
        ring.release()
        // The writer is not done: the memory stays, and nobody else has the ring.
        expect(ring.pending.count == 0)
        expect(Self.write(ring, 1, 8))
        try expect(!ring.open(limit: 10))
        ring.endWriting()
        expect(!ring.beginWriting())
        try expect(ring.open(limit: 1 << 30))
        expect(ring.limit == CaptureRing.longest && ring.pending.count == 0)
    }
}
