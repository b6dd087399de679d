// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A device of the process.
public struct DeviceState: Decodable, Sendable {
    /// Its number, what the API calls vid.
    public var device: Int
    /// The number of its connection: a device's number comes again, this one does not.
    public var connection: UInt64?
    /// Its socket.
    public var socket: String
    /// Between new_device and destroy_device.
    public var running: Bool
    /// Gone, but an engine still copies.
    public var draining: Bool
    /// Served by the net backend.
    public var net: Bool
    /// Queues that messages named.
    public var queues: Int
    /// Messages that came.
    public var messages: UInt64
    /// Those that were refused.
    public var refused: UInt64
    /// Negotiated features.
    public var features: BitState?
    /// Negotiated protocol features.
    public var protocolFeatures: BitState?
    /// NET_SET_MTU.
    public var mtu: Int?
    /// SET_STATUS.
    public var status: Int?
    /// Requests can be sent to the frontend.
    public var backendChannel: Bool?
    /// The guest's memory.
    public var memory: [RegionState]?
    /// Its rings.
    public var rings: [RingState]?
    /// The last messages.
    public var lastMessages: [MessageState]?
    /// The last one that was refused.
    public var lastRefused: MessageState?
}
