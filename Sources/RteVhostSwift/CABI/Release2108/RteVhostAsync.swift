// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost_async.h. DPDK 21.08's asynchronous enqueue, and the asynchronous dequeue that it
// lacked.

/// RTE_VHOST_ASYNC_INORDER, which registration demands.
private let inOrderFeature: UInt32 = 1
/// RTE_VHOST_ASYNC_RELAXED_ORDER
private let relaxedOrderFeature: UInt32 = 2

private func register(
    _ name: StaticString, _ vid: Int32, _ queue: UInt16, _ config: rte_vhost_async_config,
    _ operations: UnsafeMutablePointer<rte_vhost_async_channel_ops>?
) -> Int32 {
    Call.result(name, vid, queue) { () throws(VhostError) in
        guard config.features & inOrderFeature != 0,
            let callbacks = unsafe EngineCallbacks(operations)
        else { throw .invalidArgument }
        try NetDatapath.register(
            vid, queue, .callbacks(callbacks), threshold: config.async_threshold,
            isRelaxed: config.features & relaxedOrderFeature != 0)
    }
}

/// `rte_vhost_async_channel_register`: 0 or -1.
@_cdecl("rte_vhost_async_channel_register")
public func rte_vhost_async_channel_register(
    _ vid: Int32, _ queue: UInt16, _ config: rte_vhost_async_config,
    _ operations: UnsafeMutablePointer<rte_vhost_async_channel_ops>?
) -> Int32 {
    unsafe register("rte_vhost_async_channel_register", vid, queue, config, operations)
}

/// `rte_vhost_async_channel_register_thread_unsafe`: the same; callable from callbacks, as its twin
/// is here.
@_cdecl("rte_vhost_async_channel_register_thread_unsafe")
public func rte_vhost_async_channel_register_thread_unsafe(
    _ vid: Int32, _ queue: UInt16, _ config: rte_vhost_async_config,
    _ operations: UnsafeMutablePointer<rte_vhost_async_channel_ops>?
) -> Int32 {
    unsafe register(
        "rte_vhost_async_channel_register_thread_unsafe", vid, queue, config, operations)
}

/// `rte_vhost_submit_enqueue_burst`: packets taken. Those complete at once come back in
/// `completed`, with their number in `completedCount`; the others through
/// `rte_vhost_poll_enqueue_completed`.
@_cdecl("rte_vhost_submit_enqueue_burst")
public func rte_vhost_submit_enqueue_burst(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ completed: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?,
    _ completedCount: UnsafeMutablePointer<UInt32>?
) -> UInt16 {
    guard let packets = unsafe PacketArray(packets, count: count),
        let completed = unsafe PacketArray(completed, count: count),
        let completedCount = unsafe completedCount
    else {
        Call.log("rte_vhost_submit_enqueue_burst", vid, queue, .invalidArgument, .data)
        return 0
    }
    let result = NetDatapath.engineEnqueue(vid, queue, packets: packets, completed: completed)
    unsafe completedCount.pointee = UInt32(truncatingIfNeeded: result.completed)
    return UInt16(truncatingIfNeeded: result.taken)
}

/// `rte_vhost_poll_enqueue_completed`: packets whose copies are done, theirs again.
@_cdecl("rte_vhost_poll_enqueue_completed")
public func rte_vhost_poll_enqueue_completed(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16
) -> UInt16 {
    guard let packets = unsafe PacketArray(packets, count: count) else {
        Call.log("rte_vhost_poll_enqueue_completed", vid, queue, .invalidArgument, .data)
        return 0
    }
    return UInt16(
        truncatingIfNeeded: NetDatapath.pollEnqueue(vid, queue, packets: packets))
}

/// `rte_vhost_clear_queue_thread_unsafe`: the same for both directions, without a working ring.
@_cdecl("rte_vhost_clear_queue_thread_unsafe")
public func rte_vhost_clear_queue_thread_unsafe(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16
) -> UInt16 {
    guard let packets = unsafe PacketArray(packets, count: count) else {
        Call.log("rte_vhost_clear_queue_thread_unsafe", vid, queue, .invalidArgument)
        return 0
    }
    return UInt16(truncatingIfNeeded: NetDatapath.clear(vid, queue, packets: packets))
}

/// `rte_vhost_async_try_dequeue_burst`: packets from the guest whose copies are done, in `packets`
/// from the first place on; those still being copied are counted in `inflight`, -1 where there is
/// nothing to ask.
@_cdecl("rte_vhost_async_try_dequeue_burst")
public func rte_vhost_async_try_dequeue_burst(
    _ vid: Int32, _ queue: UInt16, _ pool: UnsafeMutablePointer<rte_mempool>?,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ inflight: UnsafeMutablePointer<Int32>?
) -> UInt16 {
    guard let inflight = unsafe inflight, let pool = unsafe pool,
        let packets = unsafe PacketArray(packets, count: count)
    else {
        if let inflight = unsafe inflight { unsafe inflight.pointee = -1 }
        OncePerProcess.log("rte_vhost_async_try_dequeue_burst: an argument is NULL")
        return 0
    }
    let result = unsafe NetDatapath.engineDequeue(
        vid, queue, pool: PacketPool(pool), packets: packets)
    unsafe inflight.pointee = result.inflight
    return UInt16(truncatingIfNeeded: result.count)
}
