// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What can go wrong inside the library. `CABI` turns each into the integer that its function promises.
enum VhostError: Error, Equatable {
    /// A caller's argument is out of its range.
    case invalidArgument
    /// No such device, queue, socket or channel.
    case notFound
    /// It is there already.
    case exists
    /// It cannot be done now: packets are in flight, or a lock is held.
    case busy
    /// The system gave no memory.
    case outOfMemory
    /// A fixed table is full.
    case limitReached
    /// The library does not do this.
    case unsupported
    /// A system call failed with this errno.
    case system(Int32)
    /// The frontend broke the vhost-user protocol, in the words of the log line.
    case frontend(FrontendFault)
}

extension VhostError {
    /// The errno that says the same, for functions that set it.
    var posixCode: Int32 {
        switch self {
        case .invalidArgument, .frontend: EINVAL
        case .notFound: ENOENT
        case .exists: EEXIST
        case .busy: EBUSY
        case .outOfMemory: ENOMEM
        case .limitReached: ENOSPC
        case .unsupported: ENOTSUP
        case .system(let code): code
        }
    }
}

/// How a frontend broke the protocol.
enum FrontendFault: Equatable {
    /// A header of another version, a payload larger than any request has, or one of the wrong size.
    case malformed
    /// Descriptors attached to a request that has none, or too few, or too many.
    case descriptors
    /// A request code that is not handled.
    case unknownRequest
    /// A queue index beyond what the device has.
    case queueIndex
    /// A value that no frontend may send.
    case badValue
    /// A request that the state of the device does not allow.
    case badState
    /// An address outside the memory table.
    case unmapped
    /// The peer closed the connection.
    case disconnected

    /// Words for the log.
    var words: StaticString {
        switch self {
        case .malformed: "malformed message"
        case .descriptors: "wrong number of file descriptors"
        case .unknownRequest: "unknown request"
        case .queueIndex: "queue index out of range"
        case .badValue: "value out of range"
        case .badState: "request not allowed in this state"
        case .unmapped: "address outside the memory table"
        case .disconnected: "connection closed"
        }
    }
}
