// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The ring of a queue, whatever its format.
extension VirtQueue {
    /// Builds the ring over the guest's memory where its parts are known; does nothing while one is
    /// missing. Throws `unmapped` or `badValue` when they are wrong, `outOfMemory`.
    mutating func startRing(in memory: MemoryTable) throws(VhostError) {
        guard !hasRing, size > 0, kick.isSet, addresses != nil, memory.count > 0 else { return }
        isAwaitingTranslation = false
        _ = iotlb.value.takeMisses()
        guard let slices = parts(over: memory) else {
            // A part that translates, but not in a row, never will.
            guard profile.isTranslated, iotlb.value.hasMiss else { throw .frontend(.unmapped) }
            isAwaitingTranslation = true
            return
        }
        if profile.isPacked {
            var ring = try PackedRing(
                size: size, descriptors: slices.descriptors, driverEvent: slices.available,
                deviceEvent: slices.used, usesEventIndex: profile.usesEventIndex)
            let positions = packedPositions
            guard Int(positions.available.index) < size else { throw .frontend(.badValue) }
            try ring.start(nextAvailable: positions.used, nextUsed: positions.used)
            ring.setKicksWanted(wantsKicks)
            packedRing = ring
        } else {
            var ring = try SplitRing(
                size: size, descriptors: slices.descriptors, available: slices.available,
                used: slices.used, usesEventIndex: profile.usesEventIndex)
            // A frontend that lost its backend sends base 0 although the guest's ring went on:
            // what was used is done, what was only taken is offered again. DPDK 21.08 does the
            // same.
            let used = ring.storedUsedIndex()
            ring.start(nextAvailable: used, nextUsed: used)
            ring.setKicksWanted(wantsKicks)
            splitRing = ring
        }
        ringParts = slices
        hasLoggedBroken = false
    }

    /// Where a packed ring stands. vhost-user, "Vring state object": the available position in the
    /// lower 16 bits of the base, the used one above. DPDK's frontends leave the upper half 0; a
    /// ring that was drained has both at the same place. In a base of our own 0 is the first slot
    /// of an even lap.
    private var packedPositions: (available: PackedPosition, used: PackedPosition) {
        guard let base else { return (PackedPosition(), PackedPosition()) }
        let low = PackedPosition(bits: UInt16(truncatingIfNeeded: base))
        guard hasUsedBase || base >> 16 != 0 else { return (low, low) }
        return (low, PackedPosition(bits: UInt16(truncatingIfNeeded: base >> 16)))
    }

    /// Positions in the available and the used ring; for packed rings with the wrap counter in bit
    /// 15.
    var positions: (available: UInt16, used: UInt16) {
        if profile.isPacked {
            guard packedRing.size > 0 else {
                let stored = packedPositions
                return (stored.available.bits, stored.used.bits)
            }
            return (packedRing.nextAvailable.bits, packedRing.nextUsed.bits)
        }
        guard splitRing.size > 0 else {
            let stored = UInt16(truncatingIfNeeded: base ?? 0)
            return (stored, stored)
        }
        return (splitRing.nextAvailable, splitRing.nextUsed)
    }

    /// Moves both positions, as an application does that serves the ring by itself. Throws
    /// `badValue` for a slot that a packed ring does not have, `outOfMemory`.
    mutating func setPositions(available: UInt16, used: UInt16) throws(VhostError) {
        if packedRing.size > 0 {
            try packedRing.start(
                nextAvailable: PackedPosition(bits: available),
                nextUsed: PackedPosition(bits: used))
        }
        if splitRing.size > 0 { splitRing.start(nextAvailable: available, nextUsed: used) }
        keepBase(available, used)
    }

    /// Remembers where the ring stands.
    private mutating func keepBase(_ available: UInt16, _ used: UInt16) {
        base = UInt32(available) | (profile.isPacked ? UInt32(used) << 16 : 0)
        hasUsedBase = profile.isPacked
    }

    /// Takes the ring away; returns where it stood, as GET_VRING_BASE tells it.
    mutating func stopRing() -> UInt32 {
        let (available, used) = positions
        if hasRing { keepBase(available, used) }
        splitRing = SplitRing()
        packedRing = PackedRing()
        ringParts = nil
        isAwaitingTranslation = false
        return base ?? (profile.isPacked ? UInt32(available) | UInt32(used) << 16 : 0)
    }

    /// Chains that the guest offers.
    mutating func refreshAvailable() -> Int {
        profile.isPacked
            ? packedRing.refreshAvailable(limit: packedRing.size)
            : splitRing.refreshAvailable(limit: splitRing.size)
    }

    /// What the ring wrote into guest memory since this was asked last.
    mutating func takeWrites() -> RingWrites {
        profile.isPacked ? packedRing.takeWrites() : splitRing.takeWrites()
    }

    /// Asks the guest to kick, or not to.
    mutating func setKicksWanted(_ wanted: Bool) {
        packedRing.setKicksWanted(wanted)
        splitRing.setKicksWanted(wanted)
    }
}
