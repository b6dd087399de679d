// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Who is at the other end of a socket, and who may be.
extension System {
    /// The user as whom the peer connected, or began to listen. Throws `system`.
    static func peerUser(_ socket: borrowing FileDescriptor) throws(VhostError) -> UInt32 {
        var user = UInt32.max
        // SAFETY: the address is good for the call.
        _ = try check(unsafe crte_peer_user(socket.number, &user))
        return user
    }

    /// Whose files this process may change.
    static var effectiveUser: UInt32 { geteuid() }

    /// `RTEVHOSTSWIFT_ALLOW_UIDS`; nil when it is not set. Throws `badUserList` for
    /// what is no list of users: whoever set it meant to keep somebody out.
    static func allowedUsers() throws(VhostError) -> UserList? {
        // SAFETY: getenv gives NULL or a C string, which is read up to its closing zero.
        guard let text = unsafe getenv("RTEVHOSTSWIFT_ALLOW_UIDS") else { return nil }
        do throws(VhostError) {
            return try UserList { index in unsafe UInt8(bitPattern: text[index]) }
        } catch {
            throw .badUserList
        }
    }
}
