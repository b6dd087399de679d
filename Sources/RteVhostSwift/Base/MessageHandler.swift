// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A message handler of the application, `rte_vhost_msg_handle`.
@safe
struct MessageHandler: Sendable {
    /// The C function.
    typealias Function =
        @convention(c) (Int32, UnsafeMutableRawPointer?) ->
        rte_vhost_msg_result

    private let function: Function

    /// Wraps a function; nil for NULL.
    // SAFETY: the address is only kept.
    init?(_ function: Function?) {
        guard let function = unsafe function else { return nil }
        unsafe self.function = function
    }

    /// Calls it with a message; `enum rte_vhost_msg_result`, or any other number.
    func call(_ vid: Int32, _ message: UnsafeMutableRawPointer?) -> Int32 {
        // SAFETY: the caller passes the 680 bytes of a message; what the function does is the
        // application's business.
        unsafe function(vid, message).rawValue
    }
}
