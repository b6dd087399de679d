// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A position in a ring: an index, or slot and wrap counter of a packed one.
public struct RingPosition: Decodable, Sendable, CustomStringConvertible {
    private struct Packed: Decodable {
        var slot: Int
        var wrapCounter: Int
    }

    /// For people.
    public let description: String

    /// From a number or an object.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let index = try? container.decode(Int.self) {
            description = "\(index)"
        } else {
            let packed = try container.decode(Packed.self)
            description = "\(packed.slot)/\(packed.wrapCounter)"
        }
    }
}
