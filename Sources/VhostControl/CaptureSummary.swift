// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a capture came to.
public struct CaptureSummary: Encodable, Equatable, Sendable {
    /// Why it ended.
    public enum Reason: String, Encodable, Sendable {
        /// The file has its size.
        case size
        /// There are as many packets as were wanted.
        case count
        /// The time is over.
        case time
        /// The user ended it.
        case user
        /// The device is gone.
        case device
    }

    /// The file.
    public var file: String
    /// Bytes in it.
    public var bytes = 0
    /// Packets in it.
    public var packets = 0
    /// Packets that were left out, because they came faster than they were fetched.
    public var lost: UInt64 = 0
    /// Why it ended.
    public var ended = Reason.user

    /// In words.
    public var text: String {
        let why =
            switch ended {
            case .size: "the file has its size"
            case .count: "as many as were wanted"
            case .time: "the time is over"
            case .user: "ended by the user"
            case .device: "the device is gone"
            }
        return "\(packets) packets captured, \(lost) lost, \(bytes) bytes in \(file): \(why)"
    }
}
