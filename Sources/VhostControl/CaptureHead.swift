// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a process says before it sends packets.
public struct CaptureHead: Decodable, Equatable, Sendable {
    /// The device.
    public var device: Int
    /// The number of its connection.
    public var connection: UInt64?
    /// Its socket.
    public var socket: String
    /// The ring.
    public var ring: Int
    /// "to guest" or "from guest".
    public var direction: String
    /// Most bytes of a packet.
    public var packetBytes: Int

    /// A name for the file.
    public var name: String { "\(socket) ring \(ring) \(direction)" }

    /// Packets go to the guest.
    public var isToGuest: Bool { direction == "to guest" }
}
