// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A message of a frontend.
public struct MessageState: Decodable, Sendable {
    /// Its name.
    public var name: String
    /// When it was handled.
    public var timeNs: UInt64
    /// Why it was refused.
    public var error: String?
}
