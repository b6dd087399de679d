// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

// rte_vhost.h: what a queue is asked and told.

/// `rte_vhost_get_vhost_vring`: where a ring lies, its size and eventfds; 0 or -1.
@_cdecl("rte_vhost_get_vhost_vring")
public func rte_vhost_get_vhost_vring(
    _ vid: Int32, _ queue: UInt16, _ ring: UnsafeMutablePointer<rte_vhost_vring>?
) -> Int32 {
    Call.result("rte_vhost_get_vhost_vring", vid, queue) { () throws(VhostError) in
        guard let ring = unsafe ring else { throw .invalidArgument }
        let (device, cell) = try DeviceTable.queue(vid, queue)
        cell.lock.lock()
        defer { cell.lock.unlock() }
        device.lock.lock()
        defer { device.lock.unlock() }
        let slices =
            cell.value.ringParts ?? cell.value.parts(over: device.value.memory.table)
        // SAFETY: the application's structure; the addresses are those of guest memory while it is
        // mapped.
        unsafe ring.pointee = rte_vhost_vring()
        if let slices {
            unsafe ring.pointee.desc = slices.descriptors.base.assumingMemoryBound(
                to: vring_desc.self)
            unsafe ring.pointee.avail = slices.available.base.assumingMemoryBound(
                to: vring_avail.self)
            unsafe ring.pointee.used = slices.used.base.assumingMemoryBound(to: vring_used.self)
        }
        unsafe ring.pointee.log_guest_addr = cell.value.addresses?.logAddress ?? 0
        unsafe ring.pointee.callfd = cell.value.call.number
        unsafe ring.pointee.kickfd = cell.value.kick.number
        unsafe ring.pointee.size = UInt16(truncatingIfNeeded: cell.value.size)
    }
}

/// `rte_vhost_vring_call`: interrupts the guest if it wants that; 0 or -1.
@_cdecl("rte_vhost_vring_call")
public func rte_vhost_vring_call(_ vid: Int32, _ queue: UInt16) -> Int32 {
    Call.result("rte_vhost_vring_call", vid, queue) { () throws(VhostError) in
        let (device, cell) = try DeviceTable.queue(vid, queue)
        let didNotify = cell.lock.withLock { cell.value.notifyGuest() }
        if didNotify { Call.tellNotified(device, vid) }
    }
}

/// `rte_vhost_avail_entries`: chains that the guest offers; 0 where there is no such queue or it is
/// disabled.
@_cdecl("rte_vhost_avail_entries")
public func rte_vhost_avail_entries(_ vid: Int32, _ queue: UInt16) -> UInt16 {
    guard let (_, cell) = try? DeviceTable.queue(vid, queue) else { return 0 }
    return cell.lock.withLock {
        cell.value.isRunning
            ? UInt16(truncatingIfNeeded: cell.value.refreshAvailable()) : 0
    }
}

/// `rte_vhost_rx_queue_count`: packets that wait in a transmit queue of the guest (an odd one); 0
/// for any other.
@_cdecl("rte_vhost_rx_queue_count")
public func rte_vhost_rx_queue_count(_ vid: Int32, _ queue: UInt16) -> UInt32 {
    guard queue & 1 == 1 else {
        if DeviceTable.find(vid) != nil {
            Call.log("rte_vhost_rx_queue_count", vid, queue, .invalidArgument)
        }
        return 0
    }
    return UInt32(rte_vhost_avail_entries(vid, queue))
}

/// `rte_vhost_enable_guest_notification`: whether the guest kicks; 0 or -1.
@_cdecl("rte_vhost_enable_guest_notification")
public func rte_vhost_enable_guest_notification(
    _ vid: Int32, _ queue: UInt16, _ enable: Int32
) -> Int32 {
    Call.result("rte_vhost_enable_guest_notification", vid, queue) { () throws(VhostError) in
        let (device, cell) = try DeviceTable.queue(vid, queue)
        try cell.lock.withLock { () throws(VhostError) in
            guard device.value.isOpen.load(ordering: .relaxed) else { throw .notFound }
            cell.value.wantsKicks = enable != 0
            cell.value.setKicksWanted(enable != 0)
            device.logRing(cell)
        }
    }
}

/// `rte_vhost_get_vring_base`: positions in the available and the used ring; 0 or -1.
@_cdecl("rte_vhost_get_vring_base")
public func rte_vhost_get_vring_base(
    _ vid: Int32, _ queue: UInt16, _ available: UnsafeMutablePointer<UInt16>?,
    _ used: UnsafeMutablePointer<UInt16>?
) -> Int32 {
    Call.result("rte_vhost_get_vring_base", vid, queue) { () throws(VhostError) in
        guard let available = unsafe available, let used = unsafe used else {
            throw .invalidArgument
        }
        let (_, cell) = try DeviceTable.queue(vid, queue)
        unsafe (available.pointee, used.pointee) = cell.lock.withLock {
            cell.value.positions
        }
    }
}

/// `rte_vhost_set_vring_base`: the same, set; 0 or -1. Refused while asynchronous packets are in
/// flight.
@_cdecl("rte_vhost_set_vring_base")
public func rte_vhost_set_vring_base(
    _ vid: Int32, _ queue: UInt16, _ available: UInt16, _ used: UInt16
) -> Int32 {
    Call.result("rte_vhost_set_vring_base", vid, queue) { () throws(VhostError) in
        let (device, cell) = try DeviceTable.queue(vid, queue)
        try cell.lock.withLock { () throws(VhostError) in
            guard device.value.isOpen.load(ordering: .relaxed) else { throw .notFound }
            guard NetDatapath.isIdle(cell) else { throw .busy }
            try cell.value.setPositions(available: available, used: used)
        }
    }
}

/// `rte_vhost_enqueue_burst`: packets given to the guest. They stay the caller's.
@_cdecl("rte_vhost_enqueue_burst")
public func rte_vhost_enqueue_burst(
    _ vid: Int32, _ queue: UInt16,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16
) -> UInt16 {
    guard let packets = unsafe PacketArray(packets, count: count) else {
        Call.log("rte_vhost_enqueue_burst", vid, queue, .invalidArgument, .data)
        return 0
    }
    return UInt16(
        truncatingIfNeeded: NetDatapath.enqueue(vid, queue, packets: packets))
}

/// `rte_vhost_dequeue_burst`: packets taken from the guest into mbufs of `pool`, which become the
/// caller's.
@_cdecl("rte_vhost_dequeue_burst")
public func rte_vhost_dequeue_burst(
    _ vid: Int32, _ queue: UInt16, _ pool: UnsafeMutablePointer<rte_mempool>?,
    _ packets: UnsafeMutablePointer<UnsafeMutablePointer<rte_mbuf>?>?, _ count: UInt16
) -> UInt16 {
    guard let pool = unsafe pool, let packets = unsafe PacketArray(packets, count: count) else {
        Call.log("rte_vhost_dequeue_burst", vid, queue, .invalidArgument, .data)
        return 0
    }
    return unsafe UInt16(
        truncatingIfNeeded: NetDatapath.dequeue(
            vid, queue, pool: PacketPool(pool), packets: packets))
}
