// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How a frontend broke the protocol.
enum FrontendFault: Equatable {
    /// A header of another version, a payload larger than any request has, or one of the wrong
    /// size.
    case malformed
    /// Descriptors attached to a request that has none, or too few, or too many.
    case descriptors
    /// The process has hardly any descriptors left, and the socket's devices have many of them.
    case tooManyDescriptors
    /// Too many files that the socket's frontends sent do not close.
    case unclosedFiles
    /// A request code that is not handled.
    case unknownRequest
    /// A queue index beyond what the device has.
    case queueIndex
    /// A value that no frontend may send.
    case badValue
    /// A request that the state of the device does not allow.
    case badState
    /// A message handler of the application refused it.
    case refused
    /// An address outside the memory table.
    case unmapped
    /// A file that somebody else may serve: to touch its pages could take for ever.
    case slowFile
    /// The file behind the guest's memory was cut short.
    case memoryGone
    /// The frontend's answer to a request of ours was "no".
    case declined
    /// The frontend did not answer a request of ours in time, or not with an answer.
    case noAnswer
    /// The peer closed the connection.
    case disconnected

    /// Words for the log.
    var words: StaticString {
        switch self {
        case .malformed: "malformed message"
        case .descriptors: "wrong number of file descriptors"
        case .tooManyDescriptors: "no more file descriptors for this socket, the process runs short"
        case .unclosedFiles: "too many files of this socket do not close"
        case .unknownRequest: "unknown request"
        case .queueIndex: "queue index out of range"
        case .badValue: "value out of range"
        case .badState: "request not allowed in this state"
        case .refused: "refused by the application"
        case .unmapped: "address outside the memory table"
        case .slowFile: "the file lies neither in memory nor in a local file system"
        case .memoryGone: "the file behind the guest's memory was cut short"
        case .declined: "the frontend declines"
        case .noAnswer: "the frontend does not answer"
        case .disconnected: "connection closed"
        }
    }
}
