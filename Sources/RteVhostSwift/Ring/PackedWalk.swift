// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The buffers of a packed ring's descriptors, and of its indirect tables.
enum PackedWalk {
    /// Appends the buffers of an indirect table: all its entries in order, whose NEXT flags and ids
    /// mean nothing. virtio 1.2, 2.8.8. Each entry is translated by itself, so that a table may
    /// cross from one region into the next.
    @inline(never)
    static func walkIndirect(
        _ outer: PackedDescriptor, direction: ChainDirection,
        into segments: inout SegmentList, from memory: AddressSpace
    ) throws(ChainFault) {
        let count = Int(outer.byteCount) / 16
        guard outer.byteCount % 16 == 0, count > 0, count <= SegmentList.maximumCount else {
            throw .badChain
        }
        guard
            let slice = segments.table(
                at: outer.address, byteCount: outer.byteCount, in: memory)
        else {
            throw memory.fault
        }
        let whole = GuestArray<GuestWords>(slice)
        var run = segments.beginRun()
        for index in 0..<count {
            let descriptor: PackedDescriptor
            if slice.count == count * 16 {
                descriptor = PackedDescriptor(whole.load(index))
            } else {
                let address = outer.address.advanced(by: index * 16)
                descriptor = PackedDescriptor(try ChainWalk.loadEntry(address, in: memory))
            }
            // A table within a table is forbidden.
            guard !descriptor.isIndirect else { throw .badChain }
            // DPDK's virtio driver (seen in 22.11) leaves WRITE set on the header of its transmit
            // tables, and on the entry whose index is that of the head's slot. To read what the
            // device might have written harms nobody, so transmit tables are taken as they are.
            guard direction == .deviceReads || descriptor.isDeviceWritable else {
                throw .direction
            }
            try descriptor.appendAnyway(to: &run, of: &segments, direction, from: memory)
        }
        segments.endRun(run, in: memory)
    }

    /// A chain of two slots, of which the run has the second too, if it is a plain one.
    @inline(__always)
    static func pair(
        _ first: PackedDescriptor, at slot: Int, of descriptors: GuestArray<GuestWords>,
        _ buffers: inout PlainBuffers, from memory: AddressSpace
    ) -> PlainChain? {
        let wanted: UInt16 = buffers.direction == .deviceWrites ? 2 : 0
        guard first.flags & 7 == wanted | 1, slot < descriptors.count &- 1 else { return nil }
        let second = PackedDescriptor(descriptors.loadAcquire(slot &+ 1))
        // Of those behind the first, virtio 1.2, 2.8.6: their AVAIL and USED need not be looked at.
        guard second.flags & 7 == wanted,
            var chain = buffers.pair(first, second, id: second.id, from: memory)
        else { return nil }
        chain.slotCount = 2
        return chain
    }

    /// A table of one or two entries, if it is a plain one. As in `walkIndirect`: NEXT and ids mean
    /// nothing, and transmit tables may have WRITE set.
    @inline(__always)
    static func plainTable(
        _ outer: PackedDescriptor, _ buffers: inout PlainBuffers, from memory: AddressSpace
    ) -> PlainChain? {
        guard outer.isIndirect, !outer.hasNext, let table = buffers.table(outer, from: memory)
        else { return nil }
        let first = PackedDescriptor(table.load(0))
        let ignored: UInt16 = buffers.direction == .deviceReads ? 3 : 1
        let wanted: UInt16 = buffers.direction == .deviceReads ? 0 : 2
        guard first.flags & 7 & ~ignored == wanted else { return nil }
        guard table.count > 1 else { return buffers.single(first, id: outer.id, from: memory) }
        guard table.count == 2 else { return nil }
        let second = PackedDescriptor(table.load(1))
        guard second.flags & 7 & ~ignored == wanted else { return nil }
        return buffers.pair(first, second, id: outer.id, from: memory)
    }
}
