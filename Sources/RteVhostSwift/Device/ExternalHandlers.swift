// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What `rte_vhost_extern_callback_register` set.
struct ExternalHandlers: Sendable {
    /// `pre_msg_handle`: asked before the library.
    var before: MessageHandler?
    /// `post_msg_handle`: asked after it.
    var after: MessageHandler?
}

extension HeapCell where Value == Device {
    /// The application's message handlers, if it has any.
    var externalHandlers: ExternalHandlers? {
        lock.withLock { value.externalHandlers }
    }
}
