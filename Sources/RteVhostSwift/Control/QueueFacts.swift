// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What is told of a queue: a copy of numbers that bursts change, taken without their lock.
struct QueueFacts {
    /// Position in the device.
    let index: Int
    /// SET_VRING_NUM.
    let size: Int
    /// The format.
    let isPacked: Bool
    /// Bytes of the virtio-net header.
    let headerByteCount: Int
    /// SET_VRING_ENABLE.
    let isEnabled: Bool
    /// The control plane waits for the engine.
    let isPaused: Bool
    /// The engine was waited for in vain.
    let isStuck: Bool
    /// There is a ring.
    let hasRing: Bool
    /// The application was told that it works.
    let isReported: Bool
    /// Its addresses do not translate yet.
    let isAwaitingTranslation: Bool
    /// The guest broke it.
    let isBroken: Bool
    /// SET_VRING_KICK.
    let kick: EventState
    /// SET_VRING_CALL.
    let call: EventState
    /// The application wants kicks.
    let wantsKicks: Bool
    /// SET_VRING_ADDR.
    let addresses: RingAddresses?
    /// Where that is in this process.
    let places: RingPlaces?
    /// Positions; for packed rings with the wrap counter in bit 15.
    let nextAvailable: UInt16
    /// See `nextAvailable`.
    let nextUsed: UInt16
    /// Counters.
    let counters: QueueCounters
    /// What lookups were when the counters were set to zero.
    let lookupsBefore: (hits: UInt64, misses: UInt64)
    /// Translations.
    let iotlb: HeapCell<IOTLB>?
    /// What the datapath has.
    let datapath: OpaqueCell

    /// Of an image.
    private init(_ queue: borrowing VirtQueue) {
        index = queue.index
        size = queue.size
        isPacked = queue.profile.isPacked
        headerByteCount = queue.profile.headerByteCount
        isEnabled = queue.isEnabled
        isPaused = queue.isPaused
        isStuck = queue.isStuck
        hasRing = queue.hasRing
        isReported = queue.reportedReady
        isAwaitingTranslation = queue.isAwaitingTranslation
        isBroken = queue.splitRing.isBroken || queue.packedRing.isBroken
        kick = EventState(queue.kick)
        call = EventState(queue.call)
        wantsKicks = queue.wantsKicks
        addresses = queue.addresses
        places = queue.ringParts.map { RingPlaces($0) }
        (nextAvailable, nextUsed) = queue.positions
        counters = Self.counters(queue)
        lookupsBefore = (
            queue.countersBefore[.translationHits], queue.countersBefore[.translationMisses]
        )
        iotlb = queue.profile.isTranslated ? queue.iotlb : nil
        datapath = queue.datapath
    }

    /// All but the packets in flight, which the datapath knows, and the lookups, which the cache of
    /// translations does: other cells than the image is of.
    private static func counters(_ queue: borrowing VirtQueue) -> QueueCounters {
        var counters = QueueCounters()
        for counter in QueueCounter.rows where !counter.isGauge {
            guard counter != .translationHits, counter != .translationMisses else { continue }
            counters[counter] = QueueCounter.difference(
                queue.total(counter, inflight: 0), queue.countersBefore[counter])
        }
        return counters
    }

    /// Of a queue that bursts run on. What the control plane sets is the same in two looks; what
    /// bursts count is from one of them.
    static func look(
        at queue: HeapCell<VirtQueue>, _ scratch: borrowing FixedBuffer<UInt64>
    ) -> QueueFacts {
        queue.settled(scratch, { $0.isSameSetup(as: $1) }) { QueueFacts($0) }
    }

    private func isSameSetup(as other: QueueFacts) -> Bool {
        size == other.size && hasRing == other.hasRing && addresses == other.addresses
            && isPacked == other.isPacked && places == other.places
            && isEnabled == other.isEnabled && kick == other.kick && call == other.call
    }
}
