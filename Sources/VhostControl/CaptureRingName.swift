// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A ring of a device.
public struct CaptureRingName: Equatable, Sendable {
    /// The device.
    public var device: Int
    /// The ring.
    public var ring: Int

    /// This one.
    public init(device: Int, ring: Int) {
        self.device = device
        self.ring = ring
    }
}
