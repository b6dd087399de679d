// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost_async.h. DPDK 22.11's asynchronous copies, whose engines are channels of rte_dmadev.

/// Bytes from which on a device copies. 22.11 has no number for it in its API: there a device
/// copies everything, which costs more than it saves for small packets. This is what DPDK's own
/// programs used while they had to say it.
private let threshold: UInt32 = 256

private func register(_ name: StaticString, _ vid: Int32, _ queue: UInt16) -> Int32 {
    Call.result(name, vid, queue) { () throws(VhostError) in
        try NetDatapath.register(
            vid, queue, .dmadev, threshold: threshold, isRelaxed: false)
    }
}

/// The channel of a call. Nil, with a log line the first time, for one that was not configured.
@inline(__always)
private func channel(
    _ name: StaticString, _ device: Int16, _ channel: UInt16
) -> HeapCell<DmadevChannel>? {
    if let found = DmadevChannels.find(device, channel) { return found }
    DmadevChannels.logUnknown(name, device, channel)
    return nil
}

/// 0, or -1 with a log line.
private func result(
    _ name: StaticString, _ device: Int16, _ channel: UInt16,
    _ body: () throws(VhostError) -> Void
) -> Int32 {
    do throws(VhostError) {
        try body()
        return 0
    } catch {
        DmadevChannels.log(name, device, channel, error)
        return -1
    }
}

private func clear(
    _ name: StaticString, _ vid: Int32, _ queue: UInt16, _ packets: PacketArray?,
    _ found: HeapCell<DmadevChannel>?
) -> UInt16 {
    guard let packets, let found else {
        Call.log(name, vid, queue, .invalidArgument)
        return 0
    }
    return UInt16(
        truncatingIfNeeded: NetDatapath.clear(vid, queue, packets: packets, channel: found))
}

/// `rte_vhost_async_channel_register`: 0 or -1.
@_cdecl("rte_vhost_async_channel_register")
public func rte_vhost_async_channel_register(_ vid: Int32, _ queue: UInt16) -> Int32 {
    register("rte_vhost_async_channel_register", vid, queue)
}

/// `rte_vhost_async_channel_register_thread_unsafe`: the same; callable from callbacks, as its twin
/// is here.
@_cdecl("rte_vhost_async_channel_register_thread_unsafe")
public func rte_vhost_async_channel_register_thread_unsafe(
    _ vid: Int32, _ queue: UInt16
) -> Int32 {
    register("rte_vhost_async_channel_register_thread_unsafe", vid, queue)
}

/// `rte_vhost_async_dma_configure`: 0; -1 without such a device or channel, or for a device that
/// cannot copy.
@_cdecl("rte_vhost_async_dma_configure")
public func rte_vhost_async_dma_configure(_ device: Int16, _ channel: UInt16) -> Int32 {
    result("rte_vhost_async_dma_configure", device, channel) { () throws(VhostError) in
        try DmadevChannels.configure(device, channel)
    }
}

/// `rte_vhost_async_dma_unconfigure`: 0; -1 for a channel that was not configured, or while it
/// copies.
@_cdecl("rte_vhost_async_dma_unconfigure")
public func rte_vhost_async_dma_unconfigure(_ device: Int16, _ channel: UInt16) -> Int32 {
    result("rte_vhost_async_dma_unconfigure", device, channel) { () throws(VhostError) in
        try DmadevChannels.unconfigure(device, channel)
    }
}

/// `rte_vhost_async_get_inflight_thread_unsafe`: the same, and never busy; callable from callbacks,
/// which run without the queue's lock.
@_cdecl("rte_vhost_async_get_inflight_thread_unsafe")
public func rte_vhost_async_get_inflight_thread_unsafe(_ vid: Int32, _ queue: UInt16) -> Int32 {
    guard let count = try? NetDatapath.inflightCount(vid, queue, mayWait: true) else { return -1 }
    return Int32(truncatingIfNeeded: count)
}

/// `rte_vhost_submit_enqueue_burst`: packets taken; they come back through
/// `rte_vhost_poll_enqueue_completed`.
@_cdecl("rte_vhost_submit_enqueue_burst")
public func rte_vhost_submit_enqueue_burst(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ device: Int16, _ channel: UInt16
) -> UInt16 {
    let name: StaticString = "rte_vhost_submit_enqueue_burst"
    guard let none = unsafe PacketArray(packets, count: 0),
        let packets = unsafe PacketArray(packets, count: count)
    else {
        Call.log(name, vid, queue, .invalidArgument, .data)
        return 0
    }
    guard let found = RteVhostSwift.channel(name, device, channel) else { return 0 }
    let result = NetDatapath.engineEnqueue(
        vid, queue, packets: packets, completed: none, channel: found)
    return UInt16(truncatingIfNeeded: result.taken)
}

/// `rte_vhost_poll_enqueue_completed`: packets whose copies are done, the caller's again.
@_cdecl("rte_vhost_poll_enqueue_completed")
public func rte_vhost_poll_enqueue_completed(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ device: Int16, _ channel: UInt16
) -> UInt16 {
    let name: StaticString = "rte_vhost_poll_enqueue_completed"
    guard let packets = unsafe PacketArray(packets, count: count) else {
        Call.log(name, vid, queue, .invalidArgument, .data)
        return 0
    }
    guard let found = RteVhostSwift.channel(name, device, channel) else { return 0 }
    return UInt16(
        truncatingIfNeeded: NetDatapath.pollEnqueue(
            vid, queue, packets: packets, channel: found))
}

/// `rte_vhost_clear_queue`: the same for both directions, without a working ring.
@_cdecl("rte_vhost_clear_queue")
public func rte_vhost_clear_queue(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ device: Int16, _ channel: UInt16
) -> UInt16 {
    let name: StaticString = "rte_vhost_clear_queue"
    return clear(
        name, vid, queue, unsafe PacketArray(packets, count: count),
        RteVhostSwift.channel(name, device, channel))
}

/// `rte_vhost_clear_queue_thread_unsafe`: the same for callbacks.
@_cdecl("rte_vhost_clear_queue_thread_unsafe")
public func rte_vhost_clear_queue_thread_unsafe(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16,
    _ device: Int16, _ channel: UInt16
) -> UInt16 {
    let name: StaticString = "rte_vhost_clear_queue_thread_unsafe"
    return clear(
        name, vid, queue, unsafe PacketArray(packets, count: count),
        RteVhostSwift.channel(name, device, channel))
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
    let name: StaticString = "rte_vhost_async_try_dequeue_burst"
    guard let inflight = unsafe inflight, let pool = unsafe pool,
        let packets = unsafe PacketArray(packets, count: count)
    else {
        if let inflight = unsafe inflight { unsafe inflight.pointee = -1 }
        OncePerProcess.log("rte_vhost_async_try_dequeue_burst: an argument is NULL")
        return 0
    }
    guard let found = RteVhostSwift.channel(name, device, channel) else {
        unsafe inflight.pointee = -1
        return 0
    }
    let result = unsafe NetDatapath.engineDequeue(
        vid, queue, pool: PacketPool(pool), packets: packets, channel: found)
    unsafe inflight.pointee = result.inflight
    return UInt16(truncatingIfNeeded: result.count)
}
