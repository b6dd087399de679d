// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// When a capture ends by itself.
public struct CaptureLimits: Sendable {
    /// Packets, of all rings together.
    public var packets: Int?
    /// Nanoseconds.
    public var nanoseconds: UInt64?

    /// These.
    public init(packets: Int? = nil, nanoseconds: UInt64? = nil) {
        self.packets = packets
        self.nanoseconds = nanoseconds
    }
}
