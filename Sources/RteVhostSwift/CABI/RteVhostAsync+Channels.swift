// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

// rte_vhost_async.h: what the releases have in common, whatever their engines are.

/// `rte_vhost_async_channel_unregister`: 0; -1 while packets are in flight or the queue is busy.
@_cdecl("rte_vhost_async_channel_unregister")
public func rte_vhost_async_channel_unregister(_ vid: Int32, _ queue: UInt16) -> Int32 {
    Call.result("rte_vhost_async_channel_unregister", vid, queue) { () throws(VhostError) in
        try NetDatapath.unregister(vid, queue, mayWait: false)
    }
}

/// `rte_vhost_async_channel_unregister_thread_unsafe`: 0; -1 while packets are in flight.
@_cdecl("rte_vhost_async_channel_unregister_thread_unsafe")
public func rte_vhost_async_channel_unregister_thread_unsafe(
    _ vid: Int32, _ queue: UInt16
) -> Int32 {
    let name: StaticString = "rte_vhost_async_channel_unregister_thread_unsafe"
    return Call.result(name, vid, queue) { () throws(VhostError) in
        try NetDatapath.unregister(vid, queue, mayWait: true)
    }
}

/// `rte_vhost_async_get_inflight`: packets in flight; -1 without device, queue or registration, or
/// when the queue is busy.
@_cdecl("rte_vhost_async_get_inflight")
public func rte_vhost_async_get_inflight(_ vid: Int32, _ queue: UInt16) -> Int32 {
    guard let count = try? NetDatapath.inflightCount(vid, queue) else { return -1 }
    return Int32(truncatingIfNeeded: count)
}
