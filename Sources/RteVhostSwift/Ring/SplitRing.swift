// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The split virtqueue: virtio 1.2, 2.7.
struct SplitRing: Ring, ~Copyable {
    private let descriptors: GuestArray<GuestWords>
    /// flags, idx, ring[size], used_event: virtio 1.2, 2.7.6.
    private let available: GuestArray<UInt16>
    /// flags, idx; then elements of 8 bytes; then avail_event: virtio 1.2, 2.7.8.
    private let usedHeader: GuestArray<UInt16>
    private let usedElements: GuestArray<UInt64>
    private let mask: UInt16

    /// Slots: a power of two up to 32,768, or 0 before the addresses are set.
    let size: Int
    private var availableStart = RingIndex()
    private var availableLimit = RingIndex()
    /// Heads of the next chains, which calls for one packet read together: the first of them in the
    /// lowest bits, as many as are not zero in `headsLeft`.
    private var heads: UInt64 = 0
    private var headsLeft: UInt32 = 0
    private var usedEnd = RingIndex()
    private var usedPublished = RingIndex()
    /// `used.idx` when the guest was last notified, or asked; nil until the first time.
    private var notifiedUsed: UInt16?
    /// VIRTIO_F_EVENT_IDX was negotiated.
    private let usesEventIndex: Bool
    private(set) var isBroken = false
    /// For `takeWrites`: all of the used ring, `nextUsed` when it was asked last, and whether
    /// `avail_event` was written since.
    private let usedSlice: GuestSlice
    private var takenUsed: UInt16 = 0
    private var didWriteEvent = false

    /// Bytes of each part for a ring of `size` slots, the event fields included.
    static func byteCounts(size: Int) -> (descriptors: Int, available: Int, used: Int) {
        (size * 16, size * 2 + 6, size * 8 + 6)
    }

    /// A ring over three proven slices. Throws `badValue` when size or alignment is none that
    /// virtio 1.2, 2.7 allows, or a slice is too short.
    init(
        size: Int, descriptors: GuestSlice, available: GuestSlice, used: GuestSlice,
        usesEventIndex: Bool
    ) throws(VhostError) {
        let counts = Self.byteCounts(size: size)
        guard size > 0, size <= 32768, size.nonzeroBitCount == 1,
            descriptors.isAligned(to: 16), available.isAligned(to: 2), used.isAligned(to: 4),
            descriptors.count >= counts.descriptors, available.count >= counts.available,
            used.count >= counts.used
        else { throw .frontend(.badValue) }
        self.size = size
        mask = UInt16(truncatingIfNeeded: size - 1)
        self.descriptors = GuestArray(
            descriptors.part(from: 0, count: counts.descriptors))
        self.available = GuestArray(available.part(from: 0, count: counts.available))
        usedSlice = used.part(from: 0, count: counts.used)
        usedHeader = GuestArray(used.part(from: 0, count: counts.used))
        usedElements = GuestArray(used.part(from: 4, count: size * 8))
        self.usesEventIndex = usesEventIndex
    }

    /// A ring without addresses: nothing is available, nothing may be put.
    init() {
        size = 0
        mask = 0
        descriptors = GuestArray(.empty)
        available = GuestArray(.empty)
        usedSlice = .empty
        usedHeader = GuestArray(.empty)
        usedElements = GuestArray(.empty)
        usesEventIndex = false
    }

    /// Puts the device's positions where SET_VRING_BASE, or a ring that ran before, left them.
    mutating func start(nextAvailable: UInt16, nextUsed: UInt16) {
        self.nextAvailable = nextAvailable
        availableEnd = nextAvailable
        self.nextUsed = nextUsed
        publishedUsed = nextUsed
        takenUsed = nextUsed
        notifiedUsed = nil
        isBroken = false
    }

    /// `used.idx` in memory: where a ring that ran before stood.
    func storedUsedIndex() -> UInt16 { usedHeader.load(1) }
}

extension SplitRing {
    /// Next slot of the available ring to take.
    @inline(__always)
    private(set) var nextAvailable: UInt16 {
        get { availableStart.value }
        set {
            availableStart.value = newValue
            headsLeft = 0
        }
    }

    /// The guest's `idx` as last seen.
    @inline(__always)
    private var availableEnd: UInt16 {
        get { availableLimit.value }
        set { availableLimit.value = newValue }
    }

    /// Next slot of the used ring to write.
    @inline(__always)
    private(set) var nextUsed: UInt16 {
        get { usedEnd.value }
        set { usedEnd.value = newValue }
    }

    /// `used.idx` as the guest sees it.
    @inline(__always)
    private var publishedUsed: UInt16 {
        get { usedPublished.value }
        set { usedPublished.value = newValue }
    }
}

extension SplitRing {
    @inline(__always)
    static var runsApart: Bool { false }

    @inline(__always)
    mutating func refreshAvailable(limit: Int) -> Int {
        guard size > 0, !isBroken else { return 0 }
        availableEnd = available.loadAcquire(1)
        let offered = Int(availableEnd &- nextAvailable)
        guard offered <= size else {
            // virtio 1.2, 2.7.13.3: the driver never adds more chains than the ring has slots.
            isBroken = true
            availableEnd = nextAvailable
            return 0
        }
        return min(offered, limit)
    }

    /// The guest writes its index all the time: to look at it is to wait for its processor. What
    /// was offered once stays offered.
    @inline(__always)
    mutating func estimateAvailable(limit: Int) -> Int {
        guard isBroken || !remembers(limit) else { return limit }
        return refreshAvailable(limit: limit)
    }

    @inline(__always)
    func remembers(_ count: Int) -> Bool { Int(availableEnd &- nextAvailable) >= count }

    mutating func seesMore() -> Bool {
        let before = availableEnd
        _ = refreshAvailable(limit: size)
        return !isBroken && availableEnd != before
    }

    @inline(__always)
    mutating func takeChain(
        _ direction: ChainDirection, into segments: inout SegmentList,
        from memory: AddressSpace
    ) -> ChainResult {
        guard nextAvailable != availableEnd else { return .none }
        let head = available.load(2 &+ Int(nextAvailable & mask))
        nextAvailable &+= 1
        let entry = UsedEntry(id: head, descriptorCount: 1, byteCount: 0)
        guard Int(head) < size else { return .bad(entry, .badChain) }
        let first = SplitDescriptor(descriptors.load(Int(head)))
        do throws(ChainFault) {
            if first.isIndirect {
                try ChainWalk.walkIndirect(
                    first, direction: direction, into: &segments, from: memory)
            } else if !first.hasNext {
                try first.append(to: &segments, direction, from: memory)
            } else {
                try ChainWalk.walk(
                    descriptors, head: first, direction: direction,
                    into: &segments, from: memory)
            }
        } catch {
            return error == .missing ? .missing : .bad(entry, error)
        }
        return .chain(entry)
    }

    @inline(__always)
    mutating func nextHead(limit: Int) -> ChainHead<SplitDescriptor>? {
        guard estimateAvailable(limit: limit) > 0 else { return nil }
        let head =
            limit == 1 ? nextOfFour() : available.load(2 &+ Int(nextAvailable & mask))
        // An index beyond the ring is for `takeChain` to find: nothing plain has no bytes.
        let words =
            Int(head) < size
            ? descriptors.load(Int(head)) : GuestWords(first: 0, second: 0)
        return ChainHead(id: head, words)
    }

    /// The next head. The guest writes to the same line of cache while it offers others: it is asked
    /// for once for four of them.
    @inline(__always)
    private mutating func nextOfFour() -> UInt16 {
        if headsLeft == 0 {
            let first = Int(nextAvailable & mask)
            guard availableEnd &- nextAvailable >= 4, first &+ 4 <= size else {
                return available.load(2 &+ first)
            }
            heads = available.loadFour(2 &+ first)
            headsLeft = 4
        }
        return UInt16(truncatingIfNeeded: heads)
    }

    @inline(__always)
    func plainChain<S: PlainShape>(
        _ head: ChainHead<SplitDescriptor>, _ shape: S.Type, _ buffers: PlainBuffers,
        from memory: AddressSpace
    ) -> PlainChain? {
        let descriptor = head.descriptor
        var buffers = buffers
        if S.hasPairs {
            return ChainWalk.pair(
                descriptor, id: head.id, of: descriptors, &buffers, from: memory)
        }
        if S.hasTables {
            return ChainWalk.plainTable(descriptor, id: head.id, &buffers, from: memory)
        }
        guard descriptor.isDeviceWritable == (buffers.direction == .deviceWrites) else {
            return nil
        }
        return buffers.single(descriptor, id: head.id, from: memory)
    }

    @inline(__always)
    mutating func showPlain(_ chain: PlainChain, byteCount: UInt32) {
        // Not by its setter: the heads behind it are as good as before.
        availableStart.value &+= 1
        heads >>= 16
        headsLeft &-= headsLeft > 0 ? 1 : 0
        putUsed(UsedEntry(id: chain.id, descriptorCount: 1, byteCount: byteCount))
        publishUsed()
    }

    @inline(__always)
    var formAhead: ChainForm {
        let head = size > 0 ? Int(available.load(2 &+ Int(nextAvailable & mask))) : 0
        guard head < size else { return .single }
        return SplitDescriptor(descriptors.load(head)).form
    }

    @inline(__always)
    func beginRun(_ buffers: PlainBuffers, limit: Int) -> SplitRun {
        let first = Int(nextAvailable & mask)
        let firstUsed = Int(nextUsed & mask)
        let count = min(
            min(limit, Int(availableEnd &- nextAvailable)),
            min(size &- first, size &- firstUsed))
        return SplitRun(
            available.part(from: 2 &+ first, count: count), buffers: buffers,
            elements: usedElements.part(from: firstUsed, count: count),
            descriptors: descriptors)
    }

    @inline(__always)
    mutating func endRun(_ run: SplitRun) {
        nextAvailable &+= UInt16(truncatingIfNeeded: run.count)
        nextUsed &+= UInt16(truncatingIfNeeded: run.count)
    }

    @inline(__always)
    mutating func endTaking(_ run: SplitRun) {
        nextAvailable &+= UInt16(truncatingIfNeeded: run.count)
    }

    @inline(__always)
    var mark: RingMark { RingMark(index: nextAvailable) }

    @inline(__always)
    mutating func rewind(to mark: RingMark) { nextAvailable = mark.index }

    @inline(__always)
    mutating func putUsed(_ entry: UsedEntry, continues: Bool) {
        // virtio 1.2, 2.7.8: struct virtq_used_elem {le32 id; le32 len}.
        usedElements.store(
            UInt64(entry.id) | UInt64(entry.byteCount) << 32, at: Int(nextUsed & mask))
        nextUsed &+= 1
    }

    @inline(__always)
    var isFull: Bool { false }

    @inline(__always)
    mutating func publishUsed() {
        usedHeader.storeRelease(nextUsed, at: 1)
        publishedUsed = nextUsed
    }
}

extension SplitRing {
    /// virtio 1.2, 2.7.7 (flags) and 2.7.10 (event index).
    @inline(__always)
    mutating func shouldNotify() -> Bool {
        guard size > 0 else { return false }
        // The guest writes its wish, then looks at used.idx; we write used.idx, then look at its
        // wish.
        crte_fence()
        guard usesEventIndex else { return available.load(0) & 1 == 0 }
        let event = available.load(2 &+ size)
        let old = notifiedUsed
        notifiedUsed = publishedUsed
        guard let old else { return true }
        return publishedUsed &- event &- 1 < publishedUsed &- old
    }

    /// Asks the guest to kick, or not to.
    mutating func setKicksWanted(_ wanted: Bool) {
        guard size > 0 else { return }
        if usesEventIndex {
            if wanted {
                usedHeader.store(nextAvailable, at: 2 + size * 4)
                didWriteEvent = true
            }
        } else {
            usedHeader.store(wanted ? 0 : 1, at: 0)
        }
        crte_fence()
    }
}

extension SplitRing {
    /// Flags and index, at most two runs of elements, and `avail_event`: virtio 1.2, 2.7.8.
    mutating func takeWrites() -> RingWrites {
        var writes = RingWrites(used: usedSlice)
        guard size > 0 else { return writes }
        let first = Int(takenUsed & mask)
        let count = min(Int(nextUsed &- takenUsed), size)
        takenUsed = nextUsed
        let upToEnd = min(count, size - first)
        writes[0] = usedHeader.slice(from: 0, count: 2)
        writes[1] = usedElements.slice(from: first, count: upToEnd)
        writes[2] = usedElements.slice(from: 0, count: count - upToEnd)
        if didWriteEvent { writes[3] = usedHeader.slice(from: 2 + size * 4, count: 1) }
        didWriteEvent = false
        return writes
    }
}
