// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Who may be at the other end of a driver's connections: a user whom both the application and the
/// environment allow, as far as they say anything.
struct PeerRule {
    /// `rtevhostswift_driver_allow_uids`
    var application: UserList?
    /// `RTEVHOSTSWIFT_ALLOW_UIDS`, which is there for programs that know nothing of this library.
    var environment: UserList?

    /// Anybody.
    init() {}

    /// Throws `foreignUser` for a peer that may not connect; `system`.
    func check(_ socket: borrowing FileDescriptor) throws(VhostError) {
        guard application != nil || environment != nil else { return }
        let user = try System.peerUser(socket)
        guard application?.contains(user) ?? true, environment?.contains(user) ?? true else {
            throw .foreignUser(user)
        }
    }
}
