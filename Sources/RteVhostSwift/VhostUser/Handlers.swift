// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What each request does, by family in this file's extensions. A handler gets a message of the
/// right shape and decides about its values.
enum Handlers {
    /// SET_OWNER: nothing to do for a process that serves one frontend a connection.
    static func ignore(_: HeapCell<Device>, _: inout Message) throws(VhostError) -> Reply {
        .acknowledge
    }
}
