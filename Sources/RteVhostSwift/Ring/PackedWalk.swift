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
        guard let slice = memory.slice(at: outer.address, count: count * 16, .read) else {
            throw memory.fault
        }
        let whole = GuestArray<GuestWords>(slice)
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
            try segments.append(
                descriptor.address, byteCount: descriptor.byteCount, direction.permission,
                in: memory)
        }
    }
}
