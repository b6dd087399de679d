// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A packet as the process sends it: docs/control-socket.md.
public struct CapturedPacket: Equatable, Sendable {
    /// Its bytes, as far as they were wanted.
    public let bytes: [UInt8]
    /// All the bytes that it has.
    public let byteCount: Int
    /// Nanoseconds of CLOCK_MONOTONIC.
    public let time: UInt64
    /// Packets that were left out before it.
    public let lost: UInt64
    /// Its header.
    public let header: VirtioNetHeader
}
