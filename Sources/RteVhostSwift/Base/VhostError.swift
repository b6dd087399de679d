// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What can go wrong inside the library. `CABI` turns each into the integer that its function
/// promises.
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
    /// The process at the other end of a socket runs as this user, who may not connect.
    case foreignUser(UInt32)
    /// `RTEVHOSTSWIFT_ALLOW_UIDS` is not a list of users.
    case badUserList
    /// A system call failed with this errno.
    case system(Int32)
    /// The frontend broke the vhost-user protocol, in the words of the log line.
    case frontend(FrontendFault)
}

extension VhostError {
    /// True where the peer closed its end: with answers unread, as a process does that ends, the
    /// kernel says so by an error.
    var isHangUp: Bool {
        self == .frontend(.disconnected) || self == .system(ECONNRESET)
            || self == .system(EPIPE)
    }

    /// What went wrong in words, without the number that some have.
    var words: StaticString {
        switch self {
        case .invalidArgument: "invalid argument"
        case .notFound: "not found"
        case .exists: "exists already"
        case .busy: "busy"
        case .outOfMemory: "out of memory"
        case .limitReached: "limit reached"
        case .unsupported: "not supported"
        case .foreignUser: "the user is not allowed"
        case .badUserList: "RTEVHOSTSWIFT_ALLOW_UIDS is not a list of at most 16 users"
        case .system: "system error"
        case .frontend(let fault): fault.words
        }
    }

    /// The errno that says the same, for functions that set it.
    var posixCode: Int32 {
        switch self {
        case .invalidArgument, .frontend, .badUserList: EINVAL
        case .notFound: ENOENT
        case .exists: EEXIST
        case .busy: EBUSY
        case .outOfMemory: ENOMEM
        case .limitReached: ENOSPC
        case .unsupported: ENOTSUP
        case .foreignUser: EACCES
        case .system(let code): code
        }
    }
}
