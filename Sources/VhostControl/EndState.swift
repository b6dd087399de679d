// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How a connection ended.
public struct EndState: Decodable, Sendable {
    /// When.
    public var timeNs: UInt64
    /// The device that ended.
    public var device: Int?
    /// The message that was handled last.
    public var lastMessage: String?
    /// Why; nil where the frontend closed it.
    public var error: String?
    /// The system's number of it.
    public var errno: Int32?
    /// The last message that was refused on it.
    public var lastRefused: MessageState?
}
