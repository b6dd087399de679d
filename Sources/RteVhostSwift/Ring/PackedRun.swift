// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A run of a packed ring, within one lap.
struct PackedRun: PlainRun {
    /// The slots that the run may take.
    private let descriptors: GuestArray<GuestWords>
    /// Where their used entries wait, and how those will lie in the ring.
    private let shadow: FixedView<UInt64>
    private let shapes: FixedView<ShadowShape>
    private let ids: OutstandingIds
    /// The flags that a chain of one buffer has here...
    private let flags: UInt16
    /// ...and its used descriptor, but for those of the lap.
    private let usedFlags: UInt64
    private var buffers: PlainBuffers
    private(set) var count = 0
    /// Slots taken beyond one for each chain: always 0 in a loop for single buffers, which the
    /// compiler sees.
    private var extraSlots = 0

    /// A run over `descriptors`, of chains that are available in the lap of `wrapCounter`.
    @inline(__always)
    init(
        _ descriptors: GuestArray<GuestWords>, wrapCounter: Bool, buffers: PlainBuffers,
        shadow: (words: FixedView<UInt64>, shapes: FixedView<ShadowShape>), ids: OutstandingIds
    ) {
        self.descriptors = descriptors
        self.shadow = shadow.words
        shapes = shadow.shapes
        self.ids = ids
        self.buffers = buffers
        let direction = buffers.direction
        flags = PackedDescriptor.plainFlags(direction, wrapCounter)
        usedFlags = direction == .deviceWrites ? PackedDescriptor.usedWrite : 0
    }

    @inline(__always)
    var limit: Int { shadow.count }

    /// Slots taken.
    @inline(__always)
    var slotCount: Int { count &+ extraSlots }

    @inline(__always)
    func anew(_ buffers: PlainBuffers) -> PackedRun {
        var run = self
        run.buffers = buffers
        run.count = 0
        run.extraSlots = 0
        return run
    }

    @inline(__always)
    mutating func end(as other: PackedRun) {
        count = other.count
        extraSlots = other.extraSlots
    }

    @inline(__always)
    mutating func next<S: PlainShape>(_ shape: S.Type, from memory: AddressSpace) -> PlainChain? {
        guard slotCount < descriptors.count else { return nil }
        let descriptor = PackedDescriptor(descriptors.loadAcquire(slotCount))
        guard descriptor.flags & PackedDescriptor.meaningfulFlags != flags else {
            guard let chain = buffers.single(descriptor, id: descriptor.id, from: memory),
                ids.isFree(descriptor.id)
            else { return nil }
            return chain
        }
        guard S.hasPairs || S.hasTables,
            descriptor.flags & PackedDescriptor.lapFlags == flags & PackedDescriptor.lapFlags
        else { return nil }
        let found =
            S.hasTables
            ? PackedWalk.plainTable(descriptor, &buffers, from: memory)
            : PackedWalk.pair(
                descriptor, at: slotCount, of: descriptors, &buffers, from: memory)
        guard let chain = found, ids.isFree(chain.id) else { return nil }
        return chain
    }

    @inline(__always)
    static var fetchesAhead: Bool { true }

    @inline(__always)
    func prefetchAhead() {
        let place = slotCount &+ PlainBuffers.lead
        guard place < descriptors.count else { return }
        buffers.prefetch(PackedDescriptor(descriptors.load(place)))
    }

    @inline(__always)
    mutating func use(_ chain: PlainChain, byteCount: UInt32) {
        ids.giveBack(chain.id)
        shadow[count] = usedFlags | UInt64(byteCount) | UInt64(chain.id) << 32
        if chain.slotCount != 1 {
            shapes[count] = ShadowShape(slotCount: chain.slotCount, continues: false)
            extraSlots &+= Int(chain.slotCount) &- 1
        }
        count &+= 1
    }

    @inline(__always)
    mutating func take(_ chain: PlainChain) -> UsedEntry {
        ids.take(chain.id, slots: chain.slotCount, behind: count)
        extraSlots &+= Int(chain.slotCount) &- 1
        count &+= 1
        return UsedEntry(id: chain.id, descriptorCount: chain.slotCount, byteCount: 0)
    }

    @inline(__always)
    func mark(from start: RingMark) -> RingMark {
        // Within the lap: a run ends where the ring begins anew.
        RingMark(
            index: start.index &+ UInt16(truncatingIfNeeded: slotCount),
            wrapCounter: start.wrapCounter,
            sequence: start.sequence &+ UInt16(truncatingIfNeeded: count))
    }
}
