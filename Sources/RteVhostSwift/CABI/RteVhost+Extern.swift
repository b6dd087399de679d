// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

// rte_vhost.h: message handlers of the application.

/// `rte_vhost_extern_callback_register`: 0 or -1. DPDK 21.08 keeps the context as well, but nothing
/// gives it back.
@_cdecl("rte_vhost_extern_callback_register")
public func rte_vhost_extern_callback_register(
    _ vid: Int32, _ operations: UnsafePointer<rte_vhost_user_extern_ops>?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    guard let device = Call.device("rte_vhost_extern_callback_register", vid) else { return -1 }
    guard let operations = unsafe operations else {
        Call.log("rte_vhost_extern_callback_register", vid, .invalidArgument)
        return -1
    }
    let handlers = unsafe ExternalHandlers(
        before: MessageHandler(operations.pointee.pre_msg_handle),
        after: MessageHandler(operations.pointee.post_msg_handle))
    // It may have closed since it was found, and the next device of this vid is none of the caller's.
    let isOpen = device.lock.withLock {
        guard device.value.isOpen.load(ordering: .relaxed) else { return false }
        device.value.externalHandlers = handlers
        return true
    }
    if !isOpen { Call.log("rte_vhost_extern_callback_register", vid, .notFound) }
    return isOpen ? 0 : -1
}
