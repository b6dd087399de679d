// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A socket of the process.
public struct SocketState: Decodable, Sendable {
    /// Where it is.
    public var path: String
    /// registered, starting, started, closing.
    public var state: String
    /// server or client.
    public var role: String
    /// Queue pairs offered.
    public var queuePairs: Int
    /// Connections that became devices.
    public var connections: UInt64
    /// How the last one ended.
    public var lastEnd: EndState?
    /// Why a peer, or an attempt to connect, became no connection, the last time.
    public var lastRefusal: EndState?
}
