// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The packed virtqueue: virtio 1.2, 2.8.
struct PackedRing: ~Copyable {
    /// The descriptor ring by words: address, then length, id and flags.
    let descriptors: GuestArray<GuestWords>
    /// The driver's event suppression structure: slot and wrap counter, then flags. 2.8.14.
    let driverEvent: GuestArray<UInt32>
    /// The device's.
    let deviceEvent: GuestArray<UInt32>
    private var outstanding: OutstandingChains

    /// Slots: any number up to 32,768, or 0 before the addresses are set.
    let size: Int
    /// Next slot to take a chain from.
    private(set) var nextAvailable = PackedPosition()
    /// Next slot to write a used descriptor to.
    private(set) var nextUsed = PackedPosition()
    /// Used entries that are not in the ring yet. Packets are written in order, each with its
    /// flags: a process that dies in between leaves a ring that another can go on with. Together,
    /// because a guest that polls fetches the cache line anew for every one that it sees.
    private let shadow: FixedBuffer<UInt64>
    /// How they will lie there; each but those that wait is a single one.
    private let shapes: FixedBuffer<ShadowShape>
    private var shadowCount = 0
    private var hasLongPackets = false
    /// `nextUsed` when the guest was last notified, or asked; nil until the first time.
    var notifiedUsed: PackedPosition?
    /// VIRTIO_F_EVENT_IDX was negotiated.
    let usesEventIndex: Bool
    private(set) var isBroken = false
    /// For `takeWrites`: `nextUsed` when it was asked last, and whether the device's event
    /// structure was written since.
    var takenUsed = PackedPosition()
    var didWriteEvent = false

    /// Used entries that are written at once, unless a packet has more.
    private static let shadowLimit = 64

    /// A ring over three proven slices. Throws `badValue` when size or alignment is none that
    /// virtio 1.2, 2.8.10 allows, or a slice is too short; `outOfMemory`.
    init(
        size: Int, descriptors: GuestSlice, driverEvent: GuestSlice, deviceEvent: GuestSlice,
        usesEventIndex: Bool
    ) throws(VhostError) {
        guard size > 0, size <= 32768, descriptors.isAligned(to: 16),
            driverEvent.isAligned(to: 4), deviceEvent.isAligned(to: 4),
            descriptors.count >= size * 16, driverEvent.count >= 4, deviceEvent.count >= 4
        else { throw .frontend(.badValue) }
        let outstanding = try OutstandingChains(size: size)
        let shadowCount = Self.shadowLimit + min(size, SegmentList.maximumCount)
        let shadow = try FixedBuffer<UInt64>(count: shadowCount, repeating: 0)
        let shapes = try FixedBuffer(count: shadowCount, repeating: ShadowShape.single)
        self.outstanding = outstanding
        self.shadow = shadow
        self.shapes = shapes
        self.size = size
        self.descriptors = GuestArray(descriptors.part(from: 0, count: size * 16))
        self.driverEvent = GuestArray(driverEvent.part(from: 0, count: 4))
        self.deviceEvent = GuestArray(deviceEvent.part(from: 0, count: 4))
        self.usesEventIndex = usesEventIndex
    }

    /// A ring without addresses: nothing is available, nothing may be put.
    init() {
        size = 0
        descriptors = GuestArray(.empty)
        driverEvent = GuestArray(.empty)
        deviceEvent = GuestArray(.empty)
        outstanding = OutstandingChains()
        shadow = FixedBuffer()
        shapes = FixedBuffer()
        usesEventIndex = false
    }

    /// Puts the device's positions where SET_VRING_BASE, or a ring that ran before, left them.
    /// Throws `badValue` for a slot that the ring does not have, `outOfMemory`.
    mutating func start(
        nextAvailable: PackedPosition, nextUsed: PackedPosition
    ) throws(VhostError) {
        guard Int(nextAvailable.index) < size, Int(nextUsed.index) < size else {
            throw .frontend(.badValue)
        }
        outstanding = try OutstandingChains(size: size)
        self.nextAvailable = nextAvailable
        self.nextUsed = nextUsed
        for index in 0..<shadowCount { shapes[index] = .single }
        shadowCount = 0
        hasLongPackets = false
        takenUsed = nextUsed
        notifiedUsed = nil
        isBroken = false
    }

    /// The descriptor in a slot. A head is read with `acquire`: what the driver wrote before its
    /// flags is there then.
    @inline(__always)
    func descriptor(_ index: UInt16) -> PackedDescriptor {
        PackedDescriptor(descriptors.loadAcquire(Int(index)))
    }
}

extension PackedRing: Ring {
    @inline(__always)
    static var runsApart: Bool { true }

    /// A look ahead at flags alone; what is taken is read anew.
    @inline(__always)
    mutating func refreshAvailable(limit: Int) -> Int {
        outstanding.beginLap()
        guard size > 0, !isBroken else { return 0 }
        var position = nextAvailable
        var (chains, slots) = (0, 0)
        while chains < limit, slots < outstanding.freeSlots {
            let second = descriptors.loadSecondAcquire(Int(position.index))
            let descriptor = PackedDescriptor(GuestWords(first: 0, second: second))
            guard descriptor.isAvailable(position.wrapCounter) else { break }
            slots &+= 1
            position.advance(by: 1, size: size)
            if !descriptor.hasNext { chains &+= 1 }
        }
        // A chain that does not end is for `takeChain` to find.
        return chains == 0 && slots > 0 ? 1 : chains
    }

    /// Drivers offer slots in order: where the last one is available, those before it are.
    @inline(__always)
    mutating func estimateAvailable(limit: Int) -> Int {
        outstanding.beginLap()
        guard limit > 0, limit <= outstanding.freeSlots, !isBroken else {
            return refreshAvailable(limit: limit)
        }
        var last = nextAvailable
        last.advance(by: limit &- 1, size: size)
        let second = descriptors.loadSecondAcquire(Int(last.index))
        let descriptor = PackedDescriptor(GuestWords(first: 0, second: second))
        return descriptor.isAvailable(last.wrapCounter) ? limit : refreshAvailable(limit: limit)
    }

    @inline(__always)
    mutating func takeChain(
        _ direction: ChainDirection, into segments: inout SegmentList,
        from memory: AddressSpace
    ) -> ChainResult {
        guard !isBroken, outstanding.freeSlots > 0 else { return .none }
        let first = descriptor(nextAvailable.index)
        guard first.isAvailable(nextAvailable.wrapCounter) else { return .none }
        guard !first.hasNext else {
            return takeLongChain(first, direction, into: &segments, from: memory)
        }
        guard outstanding.add(id: first.id, slots: 1) else {
            isBroken = true
            return .none
        }
        nextAvailable.advance(by: 1, size: size)
        let entry = UsedEntry(id: first.id, descriptorCount: 1, byteCount: 0)
        do throws(ChainFault) {
            if first.isIndirect {
                try PackedWalk.walkIndirect(
                    first, direction: direction, into: &segments, from: memory)
            } else {
                try first.append(to: &segments, direction, from: memory)
            }
        } catch {
            return error == .missing ? .missing : .bad(entry, error)
        }
        return .chain(entry)
    }

    /// The same for a chain of several slots. A faulty one is followed to its end all the same: its
    /// id stands in the last descriptor, and the next chain begins behind it.
    @inline(never)
    private mutating func takeLongChain(
        _ first: PackedDescriptor, _ direction: ChainDirection,
        into segments: inout SegmentList, from memory: AddressSpace
    ) -> ChainResult {
        var run = segments.beginRun()
        var last = first
        // virtio 1.2, 2.8.8: INDIRECT and NEXT exclude each other.
        var fault: ChainFault? = first.isIndirect ? .badChain : nil
        var position = nextAvailable
        var slots = 1
        while true {
            if fault == nil {
                do throws(ChainFault) {
                    try last.append(to: &run, of: &segments, direction, from: memory)
                } catch {
                    if error == .missing { return .missing }
                    fault = error
                }
            }
            position.advance(by: 1, size: size)
            guard last.hasNext else { break }
            // A chain longer than what is free in the ring has no end that one could trust. One that
            // goes on into slots shown in this call is for the next one.
            guard slots < outstanding.freeSlots else {
                isBroken = outstanding.shownCount == 0
                return .none
            }
            slots &+= 1
            last = descriptor(position.index)
            if last.isIndirect, fault == nil { fault = .badChain }
        }
        guard outstanding.add(id: last.id, slots: slots) else {
            isBroken = true
            return .none
        }
        nextAvailable = position
        let entry = UsedEntry(
            id: last.id, descriptorCount: UInt16(truncatingIfNeeded: slots), byteCount: 0)
        if let fault { return .bad(entry, fault) }
        segments.endRun(run, in: memory)
        return .chain(entry)
    }

    @inline(__always)
    mutating func nextHead(limit: Int) -> ChainHead<PackedDescriptor>? {
        outstanding.beginLap()
        guard !isBroken, outstanding.freeSlots > 0 else { return nil }
        let words = descriptors.loadAcquire(Int(nextAvailable.index))
        let first = PackedDescriptor(words)
        guard first.isAvailable(nextAvailable.wrapCounter) else { return nil }
        return ChainHead(id: first.id, words)
    }

    @inline(__always)
    func plainChain<S: PlainShape>(
        _ head: ChainHead<PackedDescriptor>, _ shape: S.Type, _ buffers: PlainBuffers,
        from memory: AddressSpace
    ) -> PlainChain? {
        var buffers = buffers
        let first = head.descriptor
        let found: PlainChain?
        if S.hasPairs {
            guard outstanding.freeSlots > 1 else { return nil }
            found = PackedWalk.pair(
                first, at: Int(nextAvailable.index), of: descriptors, &buffers, from: memory)
        } else if S.hasTables {
            found = PackedWalk.plainTable(first, &buffers, from: memory)
        } else {
            guard first.isDeviceWritable == (buffers.direction == .deviceWrites) else {
                return nil
            }
            found = buffers.single(first, id: first.id, from: memory)
        }
        guard let chain = found, outstanding.ids.isFree(chain.id) else { return nil }
        return chain
    }

    @inline(__always)
    mutating func showPlain(_ chain: PlainChain, byteCount: UInt32) {
        if shadowCount > 0 { publishMany() }
        let slots = Int(chain.slotCount)
        let entry = UsedEntry(
            id: chain.id, descriptorCount: chain.slotCount, byteCount: byteCount)
        descriptors.storeSecondRelease(
            PackedDescriptor.usedWord(entry) | PackedDescriptor.usedFlags(nextUsed.wrapCounter),
            at: Int(nextUsed.index))
        nextAvailable.advance(by: slots, size: size)
        nextUsed.advance(by: slots, size: size)
        outstanding.occupy(slots)
        outstanding.giveBack(chain.id)
        outstanding.show(slots: slots)
    }

    @inline(__always)
    var formAhead: ChainForm {
        size > 0 ? descriptor(nextAvailable.index).form : .single
    }

    @inline(__always)
    mutating func beginRun(_ buffers: PlainBuffers, limit: Int) -> PackedRun {
        if isFull { publishMany() }
        let first = Int(nextAvailable.index)
        let slots = isBroken ? 0 : min(outstanding.freeSlots, size &- first)
        let count = min(min(limit, slots), Self.shadowLimit &- shadowCount)
        return PackedRun(
            descriptors.part(from: first, count: slots), wrapCounter: nextAvailable.wrapCounter,
            buffers: buffers,
            shadow: (
                shadow.view(from: shadowCount, count: count),
                shapes.view(from: shadowCount, count: count)
            ), ids: outstanding.ids)
    }

    @inline(__always)
    mutating func endRun(_ run: PackedRun) {
        outstanding.occupy(run.slotCount)
        shadowCount &+= run.count
        if run.slotCount != run.count { hasLongPackets = true }
        nextAvailable.advance(by: run.slotCount, size: size)
    }

    @inline(__always)
    mutating func endTaking(_ run: PackedRun) {
        outstanding.extend(chains: run.count, slots: run.slotCount)
        nextAvailable.advance(by: run.slotCount, size: size)
    }

    @inline(__always)
    var mark: RingMark {
        RingMark(
            index: nextAvailable.index, wrapCounter: nextAvailable.wrapCounter,
            sequence: outstanding.sequence)
    }

    @inline(__always)
    mutating func rewind(to mark: RingMark) {
        nextAvailable.index = mark.index
        nextAvailable.wrapCounter = mark.wrapCounter
        outstanding.rewind(to: mark.sequence)
    }

    @inline(__always)
    var isFull: Bool { shadowCount >= Self.shadowLimit }

    @inline(__always)
    mutating func putUsed(_ entry: UsedEntry, continues: Bool) {
        // No packet is shown by halves.
        if isFull, !continues || shadowCount == shadow.count { publishMany() }
        shadow[shadowCount] = PackedDescriptor.usedWord(entry)
        outstanding.giveBack(entry.id)
        if continues || entry.descriptorCount != 1 {
            shapes[shadowCount] = ShadowShape(
                slotCount: entry.descriptorCount, continues: continues)
            hasLongPackets = true
        }
        shadowCount &+= 1
    }

    @inline(__always)
    mutating func publishUsed() {
        guard !hasLongPackets, shadowCount <= size &- Int(nextUsed.index) else {
            return publishMany()
        }
        publish(from: 0, count: shadowCount)
        outstanding.show(slots: shadowCount)
        shadowCount = 0
    }

    /// Writes entries of one slot each, within the lap.
    @inline(__always)
    private mutating func publish(from first: Int, count: Int) {
        descriptors.publishSeconds(
            shadow.view(from: first, count: count), from: Int(nextUsed.index),
            with: PackedDescriptor.usedFlags(nextUsed.wrapCounter))
        nextUsed.advance(by: count, size: size)
    }

    /// The same beyond the lap's end, for entries of several slots, or for want of room.
    @inline(never)
    private mutating func publishMany() {
        guard !hasLongPackets else { return publishLongPackets() }
        // The shadow has no more entries than the ring has slots.
        let count = min(shadowCount, size &- Int(nextUsed.index))
        publish(from: 0, count: count)
        publish(from: count, count: shadowCount &- count)
        outstanding.show(slots: shadowCount)
        shadowCount = 0
    }

    /// The same where packets have several entries, or entries several slots. A packet's first entry
    /// shows the others with it: it is written last. The others are written from the last one on:
    /// where this process dies in between, those that are missing are of buffers that are full, and
    /// `completeTornPacket` of the next one knows them.
    private mutating func publishLongPackets() {
        var begin = 0
        var slots = 0
        while begin < shadowCount {
            var end = begin
            repeat {
                let count = Int(shapes[end].slotCount)
                nextUsed.advance(by: count, size: size)
                slots &+= count
                end &+= 1
            } while end < shadowCount && shapes[end].continues
            var position = nextUsed
            for index in (begin..<end).reversed() {
                position.retreat(by: Int(shapes[index].slotCount), size: size)
                descriptors.storeSecondRelease(
                    shadow[index] | PackedDescriptor.usedFlags(position.wrapCounter),
                    at: Int(position.index))
                shapes[index] = .single
            }
            begin = end
        }
        outstanding.show(slots: slots)
        shadowCount = 0
        hasLongPackets = false
    }

    /// Passes slots that a device before this one used.
    mutating func pass(_ slots: Int) {
        nextUsed.advance(by: slots, size: size)
        nextAvailable = nextUsed
    }
}
