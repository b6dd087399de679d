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
    private var descriptorCount = 0

    /// Most pieces that any packet may have, whatever the ring's size.
    static let maximumCount = 1024

    /// A list for a ring of `ringSize` slots. A chain is never longer than its ring (virtio 1.2,
    /// 2.7.5.2), but drivers build indirect tables for rings that are smaller, so 256 is the least.
    /// Without a ring there are no chains: nothing is allocated for a queue that never starts.
    init(ringSize: Int) throws(VhostError) {
        guard ringSize > 0 else {
            slices = try FixedBuffer(count: 0, repeating: .empty)
            return
        }
        let capacity = min(max(ringSize, 256), Self.maximumCount)
        // A buffer that crosses regions takes a slice in each.
        slices = try FixedBuffer(
            count: capacity + GuestMemory.maximumRegionCount, repeating: .empty)
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

    /// Appends the buffer at `address`, in as many slices as it has regions. Zero bytes add
    /// nothing.
    @inline(__always)
    mutating func append(
        _ address: GuestAddress, byteCount total: UInt32, in memory: MemoryTable
    ) throws(ChainFault) {
        descriptorCount &+= 1
        guard descriptorCount <= slices.count else { throw .tooLong }
        var address = address
        var rest = Int(total)
        // Bounded by the regions of the table: each turn ends one or is the last.
        while rest > 0 {
            guard let slice = memory.slice(at: address, count: rest) else { throw .unmapped }
            guard count < slices.count else { throw .tooLong }
            slices[count] = slice
            count &+= 1
            byteCount &+= UInt64(truncatingIfNeeded: slice.count)
            rest &-= slice.count
            address = address.advanced(by: slice.count)
        }
    }
}
