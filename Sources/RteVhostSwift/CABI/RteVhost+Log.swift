// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost.h: the log of written pages, for applications that write guest memory by themselves.

/// `rte_vhost_log_write`: marks the pages of guest-physical bytes; nothing without LOG_ALL or log.
@_cdecl("rte_vhost_log_write")
public func rte_vhost_log_write(_ vid: Int32, _ address: UInt64, _ count: UInt64) {
    DeviceTable.find(vid)?.logWrite(GuestAddress(rawValue: address), count: count)
}

/// `rte_vhost_log_used_vring`: the same for bytes of a used ring.
@_cdecl("rte_vhost_log_used_vring")
public func rte_vhost_log_used_vring(
    _ vid: Int32, _ queue: UInt16, _ offset: UInt64, _ count: UInt64
) {
    guard let (device, cell) = try? DeviceTable.queue(vid, queue) else { return }
    device.logUsed(cell, offset: offset, count: count)
}

/// `rte_vhost_get_log_base`: where the log lies and its bytes, 0 and 0 without one; 0 or -1.
@_cdecl("rte_vhost_get_log_base")
public func rte_vhost_get_log_base(
    _ vid: Int32, _ base: UnsafeMutablePointer<UInt64>?, _ size: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    guard let device = Call.device("rte_vhost_get_log_base", vid), let base = unsafe base,
        let size = unsafe size
    else { return -1 }
    let log = device.lock.withLock { device.value.dirtyLogHandle }
    unsafe base.pointee = log.address
    unsafe size.pointee = UInt64(log.byteCount)
    return 0
}
