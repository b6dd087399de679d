// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost.h: the record of chains in flight, kept by applications that serve rings by themselves.

private enum Inflight {
    /// Runs `body` with the queue locked: 0 or -1. 0 as well where INFLIGHT_SHMFD was not
    /// negotiated, because there is no record to keep.
    static func update(
        _ function: StaticString, _ vid: Int32, _ queue: UInt16,
        _ body: (HeapCell<Device>, HeapCell<VirtQueue>) throws(VhostError) -> Void
    ) -> Int32 {
        Call.result(function, vid, queue) { () throws(VhostError) in
            guard let device = DeviceTable.find(vid) else { throw .notFound }
            guard device.value.hasNegotiated(ProtocolFeature.inflightShared) else { return }
            guard let cell = device.value.queue(Int(queue)) else { throw .notFound }
            try cell.lock.withLock { () throws(VhostError) in try body(device, cell) }
        }
    }
}

extension QueueInflight {
    /// The split ring's record. Throws `invalidArgument` for a packed ring, `notFound` without
    /// record.
    fileprivate func split() throws(VhostError) -> SplitInflightLog {
        switch log {
        case .split(let log): return log
        case .packed: throw .invalidArgument
        case .none: throw .notFound
        }
    }

    /// The packed ring's record. Throws `invalidArgument` for a split ring, `notFound` without
    /// record.
    fileprivate func packed() throws(VhostError) -> PackedInflightLog {
        switch log {
        case .packed(let log): return log
        case .split: throw .invalidArgument
        case .none: throw .notFound
        }
    }
}

/// `rte_vhost_get_vhost_ring_inflight`: the record, and what is to be done again; 0 or -1.
@_cdecl("rte_vhost_get_vhost_ring_inflight")
public func rte_vhost_get_vhost_ring_inflight(
    _ vid: Int32, _ queue: UInt16, _ ring: UnsafeMutablePointer<rte_vhost_ring_inflight>?
) -> Int32 {
    Call.result("rte_vhost_get_vhost_ring_inflight", vid, queue) { () throws(VhostError) in
        guard let ring = unsafe ring else { throw .invalidArgument }
        let (_, cell) = try DeviceTable.queue(vid, queue)
        cell.lock.lock()
        defer { cell.lock.unlock() }
        var found = unsafe rte_vhost_ring_inflight()
        // SAFETY: the record stays mapped until the application was told that the device stops.
        switch cell.value.inflight.log {
        case .none: throw .notFound
        case .split(let log):
            unsafe found.inflight_split = log.region.base.assumingMemoryBound(
                to: rte_vhost_inflight_info_split.self)
        case .packed(let log):
            unsafe found.inflight_packed = log.region.base.assumingMemoryBound(
                to: rte_vhost_inflight_info_packed.self)
        }
        unsafe found.resubmit_inflight = cell.value.inflight.resubmit?.information
        unsafe ring.pointee = found
    }
}

/// `rte_vhost_get_vring_base_from_inflight`: positions of a packed ring as its record has them; 0
/// or -1.
@_cdecl("rte_vhost_get_vring_base_from_inflight")
public func rte_vhost_get_vring_base_from_inflight(
    _ vid: Int32, _ queue: UInt16, _ available: UnsafeMutablePointer<UInt16>?,
    _ used: UnsafeMutablePointer<UInt16>?
) -> Int32 {
    Call.result("rte_vhost_get_vring_base_from_inflight", vid, queue) { () throws(VhostError) in
        guard let available = unsafe available, let used = unsafe used else {
            throw .invalidArgument
        }
        let (_, cell) = try DeviceTable.queue(vid, queue)
        let position = try cell.lock.withLock { () throws(VhostError) in
            try cell.value.inflight.packed().position()
        }
        // DPDK 21.08: both are where the next used descriptor goes.
        unsafe (available.pointee, used.pointee) = (position, position)
    }
}

/// `rte_vhost_set_inflight_desc_split`: a chain was taken; 0 or -1.
@_cdecl("rte_vhost_set_inflight_desc_split")
public func rte_vhost_set_inflight_desc_split(
    _ vid: Int32, _ queue: UInt16, _ head: UInt16
) -> Int32 {
    Inflight.update("rte_vhost_set_inflight_desc_split", vid, queue) {
        (_, cell) throws(VhostError) in
        var log = try cell.value.inflight.split()
        try log.take(head)
        cell.value.inflight.log = .split(log)
    }
}

/// `rte_vhost_set_inflight_desc_packed`: a chain was taken; its record's first element; 0 or -1.
@_cdecl("rte_vhost_set_inflight_desc_packed")
public func rte_vhost_set_inflight_desc_packed(
    _ vid: Int32, _ queue: UInt16, _ head: UInt16, _ last: UInt16,
    _ entry: UnsafeMutablePointer<UInt16>?
) -> Int32 {
    Inflight.update("rte_vhost_set_inflight_desc_packed", vid, queue) {
        (device, cell) throws(VhostError) in
        guard let entry = unsafe entry else { throw .invalidArgument }
        var log = try cell.value.inflight.packed()
        let ring = try device.descriptorRing(of: cell)
        unsafe entry.pointee = try log.take(head, through: last, ring)
        cell.value.inflight.log = .packed(log)
    }
}

/// `rte_vhost_set_last_inflight_io_split`: a chain is about to be returned; 0 or -1.
@_cdecl("rte_vhost_set_last_inflight_io_split")
public func rte_vhost_set_last_inflight_io_split(
    _ vid: Int32, _ queue: UInt16, _ head: UInt16
) -> Int32 {
    Inflight.update("rte_vhost_set_last_inflight_io_split", vid, queue) {
        (_, cell) throws(VhostError) in
        try cell.value.inflight.split().beginReturn(head)
    }
}

/// `rte_vhost_set_last_inflight_io_packed`: a chain is about to be returned; 0 or -1.
@_cdecl("rte_vhost_set_last_inflight_io_packed")
public func rte_vhost_set_last_inflight_io_packed(
    _ vid: Int32, _ queue: UInt16, _ head: UInt16
) -> Int32 {
    Inflight.update("rte_vhost_set_last_inflight_io_packed", vid, queue) {
        (_, cell) throws(VhostError) in
        try cell.value.inflight.packed().beginReturn(head)
    }
}

/// `rte_vhost_clr_inflight_desc_split`: a chain was returned; 0 or -1.
@_cdecl("rte_vhost_clr_inflight_desc_split")
public func rte_vhost_clr_inflight_desc_split(
    _ vid: Int32, _ queue: UInt16, _ used: UInt16, _ head: UInt16
) -> Int32 {
    Inflight.update("rte_vhost_clr_inflight_desc_split", vid, queue) {
        (_, cell) throws(VhostError) in
        try cell.value.inflight.split().endReturn(head, usedIndex: used)
    }
}

/// `rte_vhost_clr_inflight_desc_packed`: a chain was returned; 0 or -1.
@_cdecl("rte_vhost_clr_inflight_desc_packed")
public func rte_vhost_clr_inflight_desc_packed(
    _ vid: Int32, _ queue: UInt16, _ head: UInt16
) -> Int32 {
    Inflight.update("rte_vhost_clr_inflight_desc_packed", vid, queue) {
        (_, cell) throws(VhostError) in
        try cell.value.inflight.packed().endReturn(head)
    }
}
