// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A region of a guest's memory; all in hexadecimal.
public struct RegionState: Decodable, Sendable {
    /// Guest-physical address.
    public var guest: String
    /// Frontend's address.
    public var frontend: String
    /// Address in the process.
    public var host: String
    /// Bytes.
    public var size: String
}
