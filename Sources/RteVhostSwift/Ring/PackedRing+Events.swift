// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What guest and device tell each other besides descriptors, and what the dirty log asks.
extension PackedRing {
    /// virtio 1.2, 2.8.14: RING_EVENT_FLAGS_ENABLE, DISABLE, DESC.
    @inline(__always)
    mutating func shouldNotify() -> Bool {
        guard size > 0 else { return false }
        // The guest writes its wish, then looks for used descriptors; we write those, then look at
        // its wish.
        crte_fence()
        let event = driverEvent.load(0)
        let old = notifiedUsed
        notifiedUsed = nextUsed
        switch event >> 16 & 3 {
        case 1: return false
        case 2 where usesEventIndex: break
        default: return true
        }
        let wanted = PackedPosition(bits: UInt16(truncatingIfNeeded: event))
        guard let old, Int(wanted.index) < size else { return true }
        return old.distance(to: wanted, size: size) < old.distance(to: nextUsed, size: size)
    }

    /// Asks the guest to kick, or not to.
    mutating func setKicksWanted(_ wanted: Bool) {
        guard size > 0 else { return }
        let flags: UInt32 = !wanted ? 1 : usesEventIndex ? 2 : 0
        let place = flags == 2 ? UInt32(nextAvailable.bits) : 0
        deviceEvent.store(place | flags << 16, at: 0)
        didWriteEvent = true
        crte_fence()
    }

    /// The slots of used chains, in at most two runs, and the device's event structure.
    mutating func takeWrites() -> RingWrites {
        var writes = RingWrites(used: .empty)
        guard size > 0 else { return writes }
        let first = Int(takenUsed.index)
        let last = Int(nextUsed.index)
        let isSameLap = takenUsed.wrapCounter == nextUsed.wrapCounter
        takenUsed = nextUsed
        // Never more than a lap: more is not in flight.
        if isSameLap, first <= last {
            writes[0] = slots(from: first, to: last)
        } else {
            writes[0] = slots(from: first, to: size)
            writes[1] = slots(from: 0, to: last)
        }
        if didWriteEvent { writes[2] = deviceEvent.slice(from: 0, count: 1) }
        didWriteEvent = false
        return writes
    }

    private func slots(from first: Int, to last: Int) -> GuestSlice {
        descriptors.slice(from: first, count: last - first)
    }
}
