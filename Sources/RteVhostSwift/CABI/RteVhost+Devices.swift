// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

// rte_vhost.h: what a device is asked.

/// `rte_vhost_get_negotiated_features`: 0 or -1.
@_cdecl("rte_vhost_get_negotiated_features")
public func rte_vhost_get_negotiated_features(
    _ vid: Int32, _ features: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    guard let device = Call.device("rte_vhost_get_negotiated_features", vid),
        let features = unsafe features
    else { return -1 }
    unsafe features.pointee = device.value.features.load(ordering: .acquiring)
    return 0
}

/// `rte_vhost_get_negotiated_protocol_features`: 0 or -1.
@_cdecl("rte_vhost_get_negotiated_protocol_features")
public func rte_vhost_get_negotiated_protocol_features(
    _ vid: Int32, _ features: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    guard let device = Call.device("rte_vhost_get_negotiated_protocol_features", vid),
        let features = unsafe features
    else { return -1 }
    unsafe features.pointee = device.value.protocolFeatures.load(ordering: .acquiring)
    return 0
}

/// `rte_vhost_get_mtu`: 0; -ENODEV without device, -EAGAIN before it runs, -ENOTSUP without
/// VIRTIO_NET_F_MTU.
@_cdecl("rte_vhost_get_mtu")
public func rte_vhost_get_mtu(_ vid: Int32, _ mtu: UnsafeMutablePointer<UInt16>?) -> Int32 {
    guard let device = Call.device("rte_vhost_get_mtu", vid), let mtu = unsafe mtu else {
        return -ENODEV
    }
    guard device.value.isRunning.load(ordering: .acquiring) else { return -EAGAIN }
    guard device.value.features.load(ordering: .relaxed) & Feature.mtu != 0 else {
        return -ENOTSUP
    }
    unsafe mtu.pointee = UInt16(
        truncatingIfNeeded: device.value.mtu.load(ordering: .relaxed))
    return 0
}

/// `rte_vhost_get_numa_node`: the node of the memory that the device works in, the first ring's
/// where there is one, as DPDK moves its structures there; -1 without device or NUMA.
@_cdecl("rte_vhost_get_numa_node")
public func rte_vhost_get_numa_node(_ vid: Int32) -> Int32 {
    guard let device = Call.device("rte_vhost_get_numa_node", vid) else { return -1 }
    var address = unsafe device.opaque
    if let queue = device.value.queue(0) {
        let parts = queue.lock.withLock { queue.value.ringParts }
        if let parts { unsafe address = parts.descriptors.base }
    }
    // The kernel looks the address up by itself, without a lock of ours: should the guest's memory
    // be gone meanwhile, it says so.
    return unsafe crte_numa_node(address)
}

/// `rte_vhost_get_vring_num`: queues; 0 without device.
@_cdecl("rte_vhost_get_vring_num")
public func rte_vhost_get_vring_num(_ vid: Int32) -> UInt16 {
    guard let device = Call.device("rte_vhost_get_vring_num", vid) else { return 0 }
    return UInt16(device.value.queueCount.load(ordering: .acquiring))
}

/// `rte_vhost_get_ifname`: the socket's path, cut to `size`; 0 or -1.
@_cdecl("rte_vhost_get_ifname")
public func rte_vhost_get_ifname(
    _ vid: Int32, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int
) -> Int32 {
    guard let device = Call.device("rte_vhost_get_ifname", vid), let buffer = unsafe buffer else {
        return -1
    }
    let path = device.lock.withLock { device.value.path }
    unsafe path.write(to: buffer, size: size)
    return 0
}

/// `rte_vhost_get_mem_table`: a copy that the caller frees; 0 or -1.
@_cdecl("rte_vhost_get_mem_table")
public func rte_vhost_get_mem_table(
    _ vid: Int32,
    _ table: UnsafeMutablePointer<UnsafeMutablePointer<rte_vhost_memory>?>?
) -> Int32 {
    guard let device = Call.device("rte_vhost_get_mem_table", vid), let table = unsafe table else {
        return -1
    }
    let stride = unsafe MemoryLayout<rte_vhost_mem_region>.stride
    // The number may change until the lock is held.
    let size = 8 + GuestMemory.maximumSlotCount * stride
    guard let memory = unsafe calloc(1, size) else {
        Call.log("rte_vhost_get_mem_table", vid, .outOfMemory)
        return -1
    }
    device.lock.lock()
    defer { device.lock.unlock() }
    let count = device.value.memory.table.count
    guard count > 0 else {
        unsafe free(memory)
        return -1
    }
    // SAFETY: the block has the structure's eight bytes and room for every region behind them.
    unsafe memory.storeBytes(of: UInt32(count), as: UInt32.self)
    for index in 0..<count {
        unsafe (memory + 8 + index * stride).storeBytes(
            of: device.value.memory.publicRegion(index), as: rte_vhost_mem_region.self)
    }
    unsafe table.pointee = memory.assumingMemoryBound(to: rte_vhost_memory.self)
    return 0
}
