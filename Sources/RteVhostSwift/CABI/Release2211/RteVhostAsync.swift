// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost_async.h. DPDK 22.11's asynchronous copies, whose engines are channels of rte_dmadev.

/// One line: -1.
private func refuse(_ name: StaticString, _ vid: Int32, _ queue: UInt16) -> Int32 {
    Call.log(name, vid, queue, .unsupported)
    return -1
}

/// `rte_vhost_async_channel_register`: 0 or -1.
@_cdecl("rte_vhost_async_channel_register")
public func rte_vhost_async_channel_register(_ vid: Int32, _ queue: UInt16) -> Int32 {
    refuse("rte_vhost_async_channel_register", vid, queue)
}

/// `rte_vhost_async_channel_register_thread_unsafe`: the same; callable from callbacks, as its twin
/// is here.
@_cdecl("rte_vhost_async_channel_register_thread_unsafe")
public func rte_vhost_async_channel_register_thread_unsafe(
    _ vid: Int32, _ queue: UInt16
) -> Int32 {
    refuse("rte_vhost_async_channel_register_thread_unsafe", vid, queue)
}

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

/// `rte_vhost_async_dma_configure`: 0 or -1.
@_cdecl("rte_vhost_async_dma_configure")
public func rte_vhost_async_dma_configure(_ device: Int16, _ channel: UInt16) -> Int32 {
    Call.log("rte_vhost_async_dma_configure", .unsupported)
    return -1
}

/// `rte_vhost_async_dma_unconfigure`: 0 or -1.
@_cdecl("rte_vhost_async_dma_unconfigure")
public func rte_vhost_async_dma_unconfigure(_ device: Int16, _ channel: UInt16) -> Int32 {
    Call.log("rte_vhost_async_dma_unconfigure", .unsupported)
    return -1
}

/// `rte_vhost_async_get_inflight`: packets in flight; -1 without device, queue or registration, or
/// when the queue is busy.
@_cdecl("rte_vhost_async_get_inflight")
public func rte_vhost_async_get_inflight(_ vid: Int32, _ queue: UInt16) -> Int32 {
    guard let count = try? NetDatapath.inflightCount(vid, queue) else { return -1 }
    return Int32(truncatingIfNeeded: count)
}

/// `rte_vhost_async_get_inflight_thread_unsafe`: the same; callable from callbacks, as its twin is
/// here.
@_cdecl("rte_vhost_async_get_inflight_thread_unsafe")
public func rte_vhost_async_get_inflight_thread_unsafe(_ vid: Int32, _ queue: UInt16) -> Int32 {
    rte_vhost_async_get_inflight(vid, queue)
}

/// `rte_vhost_submit_enqueue_burst`: packets taken; they come back through
/// `rte_vhost_poll_enqueue_completed`.
@_cdecl("rte_vhost_submit_enqueue_burst")
public func rte_vhost_submit_enqueue_burst(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ device: Int16, _ channel: UInt16
) -> UInt16 {
    OncePerProcess.log("rte_vhost_submit_enqueue_burst: no such DMA channel")
    return 0
}

/// `rte_vhost_poll_enqueue_completed`: packets whose copies are done, the caller's again.
@_cdecl("rte_vhost_poll_enqueue_completed")
public func rte_vhost_poll_enqueue_completed(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ device: Int16, _ channel: UInt16
) -> UInt16 {
    OncePerProcess.log("rte_vhost_poll_enqueue_completed: no such DMA channel")
    return 0
}

/// `rte_vhost_clear_queue`: the same for both directions, without a working ring.
@_cdecl("rte_vhost_clear_queue")
public func rte_vhost_clear_queue(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ device: Int16, _ channel: UInt16
) -> UInt16 {
    OncePerProcess.log("rte_vhost_clear_queue: no such DMA channel")
    return 0
}

/// `rte_vhost_clear_queue_thread_unsafe`: the same for callbacks.
@_cdecl("rte_vhost_clear_queue_thread_unsafe")
public func rte_vhost_clear_queue_thread_unsafe(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ device: Int16, _ channel: UInt16
) -> UInt16 {
    OncePerProcess.log("rte_vhost_clear_queue_thread_unsafe: no such DMA channel")
    return 0
}

/// `rte_vhost_async_try_dequeue_burst`: packets from the guest whose copies are done, in `packets`
/// from the first place on; those still being copied are counted in `inflight`, -1 where there is
/// nothing to ask.
@_cdecl("rte_vhost_async_try_dequeue_burst")
public func rte_vhost_async_try_dequeue_burst(
    _ vid: Int32, _ queue: UInt16, _ pool: UnsafeMutablePointer<rte_mempool>?,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ inflight: UnsafeMutablePointer<Int32>?, _ device: Int16, _ channel: UInt16
) -> UInt16 {
    if let inflight = unsafe inflight { unsafe inflight.pointee = -1 }
    OncePerProcess.log("rte_vhost_async_try_dequeue_burst: no such DMA channel")
    return 0
}
