// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// The used ring that a driver gave its hardware, copied into the guest's: for live migration,
/// while hardware cannot log what it writes. Split rings.
enum UsedRelay {
    /// Copies new entries; how many. The used ring's own pages are the driver's to log, as in DPDK
    /// 21.08. Throws `unsupported` for a packed ring, `notFound` for one that does not run,
    /// `badState` when the rings are further apart than they are long, `badValue` for an entry
    /// that names no descriptor.
    static func relay(
        _ device: HeapCell<Device>, _ queue: HeapCell<VirtQueue>, from shadow: UnsafePointer<vring>
    ) throws(VhostError) -> Int {
        let features = device.value.features.load(ordering: .relaxed)
        guard features & Feature.ringPacked == 0 else { throw .unsupported }
        return try queue.lock.withLock { () throws(VhostError) in
            let size = queue.value.size
            // SAFETY: the driver's ring is its own memory, of `num` slots.
            guard queue.value.splitRing.size > 0, unsafe shadow.pointee.num == UInt32(size),
                let slices = queue.value.ringParts
            else { throw .notFound }
            let memory = queue.value.addressSpace(over: device.value.memory.table)
            let table = GuestArray<GuestWords>(slices.descriptors)
            let header = GuestArray<UInt16>(slices.used)
            let elements = GuestArray<UInt64>(slices.used.part(from: 4, count: size * 8))
            let end = unsafe crte_ring_used_index(shadow)
            var index = header.load(1)
            let count = Int(end &- index)
            guard count <= size else { throw .frontend(.badState) }
            var log = RelayLog(queue.value.dirtyLog, over: memory)
            while index != end {
                let slot = Int(index) & (size - 1)
                let element = unsafe crte_ring_used_element(shadow, UInt16(slot))
                let head = Int(element & 0xffff_ffff)
                guard head < size else { throw .frontend(.badValue) }
                elements.store(element, at: slot)
                if queue.value.profile.logsWrites { log.markChain(table, head) }
                index &+= 1
            }
            header.storeRelease(end, at: 1)
            if features & Feature.eventIndex != 0 {
                unsafe crte_ring_set_used_event(shadow, end)
            }
            return count
        }
    }
}
