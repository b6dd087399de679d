// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Room for the largest payload that is read: the parameters of a crypto session.
typealias MessageBytes = InlineArray<632, UInt8>

/// Little-endian reads of a message's payload in order, each checked against its end.
struct ByteReader: ~Copyable {
    private let bytes: MessageBytes
    private let end: Int
    private var position = 0

    /// A reader of the first `count` of `bytes`.
    init(_ bytes: MessageBytes, count: Int) {
        precondition(count <= MessageBuffer.payloadLimit)
        self.bytes = bytes
        end = count
    }

    /// The next byte. Throws `malformed` past the end.
    mutating func u8() throws(VhostError) -> UInt8 { UInt8(truncatingIfNeeded: try integer(1)) }

    /// The next 32 bits. Throws `malformed` past the end.
    mutating func u32() throws(VhostError) -> UInt32 { UInt32(truncatingIfNeeded: try integer(4)) }

    /// The next 64 bits. Throws `malformed` past the end.
    mutating func u64() throws(VhostError) -> UInt64 { try integer(8) }

    /// Bytes not read yet.
    var remaining: Int { end - position }

    private mutating func integer(_ size: Int) throws(VhostError) -> UInt64 {
        guard remaining >= size else { throw .frontend(.malformed) }
        var value: UInt64 = 0
        for index in 0..<size {
            value |= UInt64(bytes[position + index]) << UInt64(8 * index)
        }
        position += size
        return value
    }
}
