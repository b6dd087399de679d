// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Why there is no answer from a process.
public enum ControlFault: Error, Equatable, CustomStringConvertible {
    /// The connection ended before the answer did.
    case cut
    /// The answer is no JSON, or not of this shape.
    case notUnderstood(String)
    /// The process speaks another version.
    case otherVersion(Int)
    /// The process says why.
    case refused(String)
    /// A system call failed.
    case system(String, path: String)
    /// No socket was named.
    case noPath
    /// There is no such socket in the process.
    case noSocket(String)
    /// It ended a capture.
    case hungUp

    /// In words.
    public var description: String {
        switch self {
        case .cut: "the answer ends too soon: the process ended, or hung up on us"
        case .notUnderstood(let why): "the answer is not understood: \(why)"
        case .otherVersion(let version): "the process speaks version \(version), this tool 1"
        case .refused(let words): "the process refuses: \(words)"
        case .system(let words, let path): "\(path): \(words)"
        case .noPath: "no control socket: give --control, or set RTEVHOSTSWIFT_CONTROL"
        case .noSocket(let path): "the process has no socket \(path)"
        case .hungUp: "the process hung up: it ended, or packets were not fetched for two seconds"
        }
    }
}
