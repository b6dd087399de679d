// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Bits that were negotiated.
public struct BitState: Decodable, Sendable {
    /// All of them, in hexadecimal.
    public var bits: String
    /// What was offered.
    public var offered: String
    /// Their names, or numbers of those without.
    public var names: [BitName]
    /// What was offered and not taken.
    public var missing: [BitName]

    /// True when it was negotiated.
    public func has(_ name: String) -> Bool { names.contains { $0.text == name } }

    /// True when it was offered in vain.
    public func lacks(_ name: String) -> Bool { missing.contains { $0.text == name } }
}
