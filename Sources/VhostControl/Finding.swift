// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Something that is wrong, or may be.
public struct Finding: Codable, Equatable, Sendable {
    /// How bad it is.
    public enum Level: String, Codable, Sendable {
        /// Packets do not pass, or get lost.
        case problem
        /// Less works than could.
        case warning
    }

    /// How bad it is.
    public var level: Level
    /// A word for programs.
    public var cause: String
    /// The socket.
    public var socket: String
    /// The device, if it is about one.
    public var device: Int?
    /// The ring, if it is about one.
    public var ring: Int?
    /// What is wrong, and what to do about it.
    public var words: String

    /// The line that people read.
    public var line: String {
        var place = socket
        if let device { place += ", device \(device)" }
        if let ring { place += ", ring \(ring)" }
        return "\(level.rawValue): \(place): \(words) [\(cause)]"
    }
}
