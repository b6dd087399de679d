// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The name of a bit, or its number.
public struct BitName: Decodable, Sendable {
    /// For people.
    public let text: String

    /// From a string or a number.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let name = try? container.decode(String.self) {
            text = name
        } else {
            text = "bit \(try container.decode(Int.self))"
        }
    }
}
