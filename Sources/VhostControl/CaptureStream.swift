// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Understands what a process sends to one who captures, however it is cut into pieces.
public struct CaptureStream {
    /// Something whole.
    public enum Piece: Equatable, Sendable {
        /// The answer's first line.
        case head(String)
        /// A packet.
        case packet(CapturedPacket)
        /// The device is gone: nothing more comes. So many packets were left out.
        case end(lost: UInt64)
    }

    private static let headByteCount = 40
    private static let longest = 1 << 18

    private var bytes: [UInt8] = []
    private var start = 0
    private var hasHead = false

    /// Nothing has come.
    public init() {}

    /// Takes what has come.
    public mutating func append(_ new: ArraySlice<UInt8>) {
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes.append(contentsOf: new)
    }

    /// The next piece; nil when it is not all there yet. Throws `ControlFault`.
    public mutating func next() throws -> Piece? {
        guard hasHead else { return nextHead() }
        guard bytes.count - start >= Self.headByteCount else { return nil }
        let counts = word(0)
        let count = UInt32(truncatingIfNeeded: counts)
        if count == .max {
            start += Self.headByteCount
            return .end(lost: word(2, before: true))
        }
        guard count <= Self.longest else {
            throw ControlFault.notUnderstood("a packet of \(count) bytes")
        }
        let size = (Self.headByteCount + Int(count) + 7) & ~7
        guard bytes.count - start >= size else { return nil }
        let first = start + Self.headByteCount
        let packet = CapturedPacket(
            bytes: Array(bytes[first..<first + Int(count)]), byteCount: Int(counts >> 32),
            time: word(1), lost: word(2), header: VirtioNetHeader(word(3), word(4)))
        start += size
        return .packet(packet)
    }

    private mutating func nextHead() -> Piece? {
        guard let end = bytes[start...].firstIndex(of: 0x0a) else { return nil }
        let line = String(decoding: bytes[start...end], as: UTF8.self)
        start = end + 1
        hasHead = true
        return .head(line)
    }

    /// A word of the record at hand, or of the one that was just passed; little-endian, as the
    /// processors are that the library runs on.
    private func word(_ index: Int, before: Bool = false) -> UInt64 {
        let first = start + 8 * index - (before ? Self.headByteCount : 0)
        return (0..<8).reduce(0) { $0 | UInt64(bytes[first + $1]) << UInt64(8 * $1) }
    }
}
