// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost.h: what 21.08 does not have, but for statistics.

/// VIRTQ_DESC_F_AVAIL
private let availableBit: UInt64 = 1 << 7
/// VIRTQ_DESC_F_USED
private let usedBit: UInt64 = 1 << 15

/// `rte_vhost_vring_call_nonblock`: 0; -EAGAIN while the queue is in use; -1.
@_cdecl("rte_vhost_vring_call_nonblock")
public func rte_vhost_vring_call_nonblock(_ vid: Int32, _ queue: UInt16) -> Int32 {
    var isBusy = false
    let result = Call.result("rte_vhost_vring_call_nonblock", vid, queue) {
        () throws(VhostError) in
        let (device, cell) = try DeviceTable.queue(vid, queue)
        guard cell.lock.tryLock() else {
            isBusy = true
            return
        }
        let didNotify = cell.value.notifyGuest()
        cell.lock.unlock()
        if didNotify { Call.tellNotified(device, vid) }
    }
    return isBusy ? -EAGAIN : result
}

/// `rte_vhost_get_monitor_addr`: 0 or -1.
@_cdecl("rte_vhost_get_monitor_addr")
public func rte_vhost_get_monitor_addr(
    _ vid: Int32, _ queue: UInt16, _ condition: UnsafeMutablePointer<rte_vhost_power_monitor_cond>?
) -> Int32 {
    Call.result("rte_vhost_get_monitor_addr", vid, queue) { () throws(VhostError) in
        guard let condition = unsafe condition else { throw .invalidArgument }
        let (_, cell) = try DeviceTable.queue(vid, queue)
        cell.lock.lock()
        defer { cell.lock.unlock() }
        guard let parts = cell.value.ringParts else { throw .notFound }
        let word: GuestSlice
        let value: UInt64
        if cell.value.profile.isPacked {
            // virtio 1.2, 2.8.1: the next descriptor is available when AVAIL is the wrap counter
            // and USED is not; flags are its last two bytes.
            let next = cell.value.packedRing.nextAvailable
            word = parts.descriptors.part(from: Int(next.index) * 16 + 14, count: 2)
            value = next.wrapCounter ? availableBit : usedBit
        } else {
            // virtio 1.2, 2.7.6: `idx`, the second word, counts all entries, so the whole of it is
            // compared; DPDK 22.11 compares its slot and misses a ring that filled in one go.
            word = parts.available.part(from: 2, count: 2)
            value = UInt64(cell.value.splitRing.nextAvailable)
        }
        let isPacked = cell.value.profile.isPacked
        // SAFETY: the caller's structure; the word is mapped while the ring runs.
        unsafe condition.pointee = rte_vhost_power_monitor_cond(
            addr: word.base, val: value, mask: isPacked ? availableBit | usedBit : 0xffff,
            size: 2, match: isPacked ? 1 : 0)
    }
}

/// `rte_vhost_driver_get_vdpa_dev_type`: 0, or -1 where no hardware serves the socket.
@_cdecl("rte_vhost_driver_get_vdpa_dev_type")
public func rte_vhost_driver_get_vdpa_dev_type(
    _ path: UnsafePointer<CChar>?, _ type: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_get_vdpa_dev_type", path) { (path) throws(VhostError) in
        guard let type = unsafe type else { throw .invalidArgument }
        guard let device = try Library.vdpa(path) else { throw .notFound }
        unsafe type.pointee = try device.typeNumber()
    }
}
