// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The buffers of one packet's chains in order, translated. Sized when the queue is set up; each
/// add is bounded.
struct SegmentList: ~Copyable {
    private let slices: FixedBuffer<GuestSlice>

    /// Slices in the list.
    private(set) var count = 0

    /// Their bytes together. 64 bits, so that 32-bit lengths cannot wrap it.
    private(set) var byteCount: UInt64 = 0

    /// Descriptors that were looked at, those without bytes included: each costs a step.
    private(set) var descriptorCount = 0

    /// Goes over what the IOTLB does not know as if it had no bytes, for as long as misses are
    /// noted: for a look at what a chain is going to want.
    var skipsMissing = false

    /// Bytes behind which nothing is looked up where addresses are translated.
    private var byteLimit = UInt64.max

    /// What the chains of a burst were looked up in last: their buffers, and their tables. Good for
    /// as long as the queue's lock is held.
    private var window = MemoryWindow()
    private var tables = MemoryWindow()

    /// Most pieces that any packet may have, whatever the ring's size.
    static let maximumCount = 1024

    /// Most borders of pages that buffers may cross: 4 MiB of the smallest pages there are.
    private static let crossingLimit = 1024

    private let descriptorLimit: Int

    /// A list for a ring of `ringSize` slots. A chain is never longer than its ring (virtio 1.2,
    /// 2.7.5.2), but drivers build indirect tables for rings that are smaller, so 256 is the least.
    /// Without a ring there are no chains: nothing is allocated for a queue that never starts.
    init(ringSize: Int, isTranslated: Bool = true) throws(VhostError) {
        guard ringSize > 0 else {
            descriptorLimit = 0
            slices = FixedBuffer()
            return
        }
        let capacity = min(max(ringSize, 256), Self.maximumCount)
        descriptorLimit = capacity + GuestMemory.maximumRegionCount
        // A buffer that crosses regions, or pages of an IOMMU, takes a slice in each. Only queues
        // behind one have room for the latter: 16 KiB for each of very many queues.
        let crossings = isTranslated ? Self.crossingLimit : 0
        slices = try FixedBuffer(count: descriptorLimit + crossings, repeating: .empty)
    }

    /// The slice at `index`.
    @inline(__always)
    subscript(index: Int) -> GuestSlice { slices[index] }

    /// Forgets all.
    @inline(__always)
    mutating func removeAll() {
        count = 0
        byteCount = 0
        descriptorCount = 0
    }

    /// Forgets where the bursts before found their chains: memory may be another since then.
    @inline(__always)
    mutating func beginBurst() {
        window = MemoryWindow()
        tables = MemoryWindow()
    }

    /// From now on chains are as long as the longest packet that this was told of: a short packet
    /// in a long chain need not wait for pages that it does not reach. Not as long as the next
    /// packet: of a chain that is used no answer may be open, and packets come in any order.
    /// nil: to their ends, as packets that take several chains need them.
    mutating func limit(to packetByteCount: Int?) {
        guard let packetByteCount else {
            byteLimit = UInt64.max
            return
        }
        let longest = byteLimit == UInt64.max ? 0 : byteLimit
        byteLimit = max(longest, UInt64(truncatingIfNeeded: packetByteCount))
    }

    /// Slices in the list, for a loop over them.
    @inline(__always)
    var view: FixedView<GuestSlice> { slices.view(from: 0, count: count) }

    /// Begins to append a chain's descriptors. They are in the list from `endRun` on.
    @inline(__always)
    func beginRun() -> SegmentRun {
        let room = max(0, min(slices.count &- count, descriptorLimit &- descriptorCount))
        return SegmentRun(slices.view(from: count, count: room), window)
    }

    /// Takes over what a run has added.
    @inline(__always)
    mutating func endRun(_ run: SegmentRun, in memory: AddressSpace) {
        precondition(run.count <= slices.count &- count)
        window = run.window
        count &+= run.count
        byteCount &+= run.byteCount
        descriptorCount &+= run.count
        memory.count(hits: run.count)
    }

    /// Appends the buffer at `address`, in as many slices as it has regions, or pages of an IOMMU.
    /// Zero bytes add nothing.
    @inline(__always)
    mutating func append(
        _ address: GuestAddress, byteCount total: UInt32, _ permission: AccessPermission,
        in memory: AddressSpace
    ) throws(ChainFault) {
        descriptorCount &+= 1
        guard descriptorCount <= descriptorLimit else { throw .tooLong }
        // Nearly every buffer lies where the one before does; no call in its way.
        if count < slices.count, total > 0, let slice = window.whole(at: address, count: total) {
            add(slice)
            memory.count(hits: 1)
        } else {
            try appendElsewhere(address, byteCount: total, permission, in: memory)
        }
    }

    /// The bytes of an indirect table, or fewer when they do not lie in a row; nil, and a miss is
    /// noted, when the first is unknown.
    @inline(__always)
    mutating func table(
        at address: GuestAddress, byteCount: UInt32, in memory: AddressSpace
    ) -> GuestSlice? {
        guard let slice = tables.whole(at: address, count: byteCount) else {
            return otherTable(at: address, byteCount: byteCount, in: memory)
        }
        memory.count(hits: 1)
        return slice
    }

    @inline(never)
    private mutating func otherTable(
        at address: GuestAddress, byteCount: UInt32, in memory: AddressSpace
    ) -> GuestSlice? {
        if let other = memory.window(at: address, .read) { tables = other }
        return memory.slice(at: address, count: Int(byteCount), .read)
    }

    @inline(__always)
    private mutating func add(_ slice: GuestSlice) {
        slices[count] = slice
        count &+= 1
        byteCount &+= UInt64(truncatingIfNeeded: slice.count)
    }

    /// A buffer that lies elsewhere than the one before.
    @inline(never)
    private mutating func appendElsewhere(
        _ address: GuestAddress, byteCount total: UInt32, _ permission: AccessPermission,
        in memory: AddressSpace
    ) throws(ChainFault) {
        if count < slices.count, total > 0, let other = memory.window(at: address, permission) {
            window = other
            if let slice = other.whole(at: address, count: total) {
                memory.count(hits: 1)
                return add(slice)
            }
        }
        try appendPieces(address, byteCount: Int(total), permission, in: memory)
    }

    /// Any buffer.
    private mutating func appendPieces(
        _ start: GuestAddress, byteCount total: Int, _ permission: AccessPermission,
        in memory: AddressSpace
    ) throws(ChainFault) {
        var address = start
        var rest = total
        // Bounded by the list, or by the misses that are noted: each turn adds to one of them.
        while rest > 0, byteCount < byteLimit || !memory.isTranslated {
            guard let slice = memory.slice(at: address, count: rest, permission) else {
                guard skipsMissing, memory.notesMisses else { throw memory.fault }
                // Each turn passes a page, most of them one that was not noted before.
                let page = Int(TranslationMiss.pageByteCount)
                let step = page &- Int(truncatingIfNeeded: address.rawValue) & (page &- 1)
                // What nobody waits for must not be told: the chain may be done before the answer.
                byteCount &+= UInt64(truncatingIfNeeded: min(step, rest))
                rest &-= step
                address = address.advanced(by: step)
                continue
            }
            guard count < slices.count else { throw .tooLong }
            add(slice)
            rest &-= slice.count
            address = address.advanced(by: slice.count)
        }
    }
}
