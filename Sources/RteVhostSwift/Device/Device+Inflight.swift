// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// INFLIGHT_SHMFD: rings and their records. Event thread.
extension HeapCell where Value == Device {
    /// True when packed rings were negotiated.
    var hasPackedRings: Bool {
        value.features.load(ordering: .relaxed) & Feature.ringPacked != 0
    }

    /// SET_INFLIGHT_FD: a new area in the place of the old one. Throws `badState` while a ring runs:
    /// the application may be reading its record.
    func setInflight(_ area: consuming InflightArea) throws(VhostError) {
        try forEachQueue { queue throws(VhostError) in
            try queue.lock.withLock { () throws(VhostError) in
                guard !queue.value.hasRing, !queue.value.inflight.log.isAttached else {
                    throw .frontend(.badState)
                }
            }
        }
        value.inflightArea = consume area
    }

    /// Gives a ring that has just started its record, finds out what an earlier process left in it,
    /// and lets the ring go on behind that. With the queue's lock held. Throws `badValue`,
    /// `outOfMemory`.
    func attachInflight(_ queue: HeapCell<VirtQueue>) throws(VhostError) {
        guard !queue.value.inflight.log.isAttached,
            value.hasNegotiated(ProtocolFeature.inflightShared)
        else { return }
        let size = queue.value.size
        let isPacked = hasPackedRings
        let found = try value.inflightArea?.slice(
            queue: queue.value.index, size: size, isPacked: isPacked)
        guard let region = found.flatMap({ $0 }) else { return }
        // Twice, for sorting.
        let entries = try FixedBuffer(count: size * 2, repeating: InflightEntry())
        let position = queue.value.positions.used
        let count: Int
        let result: InflightLog
        if isPacked {
            var log = PackedInflightLog(region, size: size)
            let ring = try descriptorRing(of: queue)
            count = try log.start(position: position, ring, entries)
            result = .packed(log)
        } else {
            var log = SplitInflightLog(region, size: size)
            count = try log.start(usedIndex: position, entries)
            result = .split(log)
            // DPDK 21.08: what is in flight was taken, so the next one is behind it.
            try queue.value.setPositions(available: position &+ UInt16(count), used: position)
        }
        queue.value.inflight.resubmit = try list(entries, count: count)
        queue.value.inflight.log = result
    }

    private func list(
        _ entries: borrowing FixedBuffer<InflightEntry>, count: Int
    ) throws(VhostError) -> ResubmitList? {
        guard count > 0 else { return nil }
        let list = try ResubmitList(count: count)
        for index in 0..<count { list.set(entries[index], at: index) }
        return list
    }

    /// The descriptors of a ring that runs: memory does not move under it. With the queue's lock
    /// held. Throws `notFound`.
    func descriptorRing(
        of queue: HeapCell<VirtQueue>
    ) throws(VhostError) -> GuestArray<GuestWords> {
        guard let parts = queue.value.ringParts else { throw .notFound }
        return GuestArray(parts.descriptors)
    }
}
