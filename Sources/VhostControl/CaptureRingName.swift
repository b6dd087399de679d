// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A ring of a device.
public struct CaptureRingName: Equatable, Sendable {
    /// The device.
    public var device: Int
    /// The ring.
    public var ring: Int
    /// The connection that the device has to be; nil where the process does not number them.
    public var connection: UInt64?

    /// This one.
    public init(device: Int, ring: Int, connection: UInt64? = nil) {
        self.device = device
        self.ring = ring
        self.connection = connection
    }

    /// The process's words for it.
    func request(packetBytes: Int) -> String {
        "capture \(device) \(ring) \(packetBytes)" + (connection.map { " \($0)" } ?? "")
    }
}
