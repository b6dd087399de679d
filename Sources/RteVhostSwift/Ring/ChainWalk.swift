// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The walk along descriptors linked by `next`: in the ring itself, and the same in an indirect
/// table.
enum ChainWalk {
    /// Appends the chain in the ring that begins with `head`, and goes on. Buffers for packets to the
    /// guest are short ones: header and data.
    @inline(__always)
    static func walk(
        _ table: GuestArray<GuestWords>, head: SplitDescriptor, direction: ChainDirection,
        into segments: inout SegmentList, from memory: AddressSpace
    ) throws(ChainFault) {
        guard direction == .deviceWrites else {
            return try walk(
                table, first: head, direction: direction, into: &segments, from: memory)
        }
        try head.append(to: &segments, direction, from: memory)
        guard table.count > 1, Int(head.next) < table.count else { throw .badChain }
        let second = SplitDescriptor(table.load(Int(head.next)))
        guard !second.isIndirect else { throw .badChain }
        guard second.hasNext else {
            return try second.append(to: &segments, direction, from: memory)
        }
        // A loop is found one step later then.
        try walk(table, first: second, direction: direction, into: &segments, from: memory)
    }

    /// Appends the chain that begins with `first` of `table`. At most `table.count` steps, so a
    /// loop ends; a chain of more descriptors than its table has must pass one twice. Out of line:
    /// the loop has registers to itself.
    @inline(never)
    static func walk(
        _ table: GuestArray<GuestWords>, first: SplitDescriptor,
        direction: ChainDirection, into segments: inout SegmentList,
        from memory: AddressSpace
    ) throws(ChainFault) {
        var run = segments.beginRun()
        var descriptor = first
        var steps = 1
        while true {
            try descriptor.append(to: &run, of: &segments, direction, from: memory)
            guard descriptor.hasNext else { return segments.endRun(run, in: memory) }
            guard steps < table.count, Int(descriptor.next) < table.count else {
                throw .badChain
            }
            steps &+= 1
            descriptor = SplitDescriptor(table.load(Int(descriptor.next)))
            // virtio 1.2, 2.7.5.3.1: a table within a table, or one in mid-chain, is forbidden.
            guard !descriptor.isIndirect else { throw .badChain }
        }
    }

    /// Appends the chain of an indirect table. Out of line: tables are for long chains.
    @inline(never)
    static func walkIndirect(
        _ outer: SplitDescriptor, direction: ChainDirection,
        into segments: inout SegmentList, from memory: AddressSpace
    ) throws(ChainFault) {
        // virtio 1.2, 2.7.5.3.1: INDIRECT and NEXT exclude each other.
        let count = Int(outer.byteCount) / 16
        guard !outer.hasNext, outer.byteCount % 16 == 0, count > 0,
            count <= SegmentList.maximumCount
        else { throw .badChain }
        guard
            let slice = segments.table(
                at: outer.address, byteCount: outer.byteCount, in: memory)
        else {
            throw memory.fault
        }
        guard slice.count == count * 16 else {
            return try walkScattered(
                outer, direction: direction, into: &segments, from: memory)
        }
        let table = GuestArray<GuestWords>(slice)
        let first = SplitDescriptor(table.load(0))
        guard !first.isIndirect else { throw .badChain }
        try walk(
            table, first: first, direction: direction, into: &segments, from: memory)
    }

    /// The same for a table that crosses from one region or page into the next: each entry is
    /// translated by itself.
    private static func walkScattered(
        _ outer: SplitDescriptor, direction: ChainDirection,
        into segments: inout SegmentList, from memory: AddressSpace
    ) throws(ChainFault) {
        let count = Int(outer.byteCount) / 16
        var index = 0
        for _ in 0..<count {
            let address = outer.address.advanced(by: index * 16)
            let descriptor = SplitDescriptor(try loadEntry(address, in: memory))
            guard !descriptor.isIndirect else { throw .badChain }
            try descriptor.append(to: &segments, direction, from: memory)
            guard descriptor.hasNext else { return }
            guard Int(descriptor.next) < count else { throw .badChain }
            index = Int(descriptor.next)
        }
        throw .badChain
    }

    /// A chain of two descriptors in the ring or in a table, whose first is known, if it is a plain
    /// one.
    @_transparent
    static func pair(
        _ first: SplitDescriptor, id: UInt16, of table: GuestArray<GuestWords>,
        _ buffers: inout PlainBuffers, from memory: AddressSpace
    ) -> PlainChain? {
        let flags = SplitDescriptor.plainFlags(buffers.direction)
        guard first.flags & SplitDescriptor.meaningfulFlags == flags | 1,
            Int(first.next) < table.count
        else { return nil }
        let second = SplitDescriptor(table.load(Int(first.next)))
        guard second.flags & SplitDescriptor.meaningfulFlags == flags else { return nil }
        return buffers.pair(first, second, id: id, from: memory)
    }

    /// A table of one or two descriptors, if it is a plain one.
    @inline(__always)
    static func plainTable(
        _ outer: SplitDescriptor, id: UInt16, _ buffers: inout PlainBuffers,
        from memory: AddressSpace
    ) -> PlainChain? {
        guard outer.isIndirect, !outer.hasNext, let table = buffers.table(outer, from: memory)
        else { return nil }
        let first = SplitDescriptor(table.load(0))
        let flags = SplitDescriptor.plainFlags(buffers.direction)
        return first.flags & SplitDescriptor.meaningfulFlags == flags
            ? buffers.single(first, id: id, from: memory)
            : pair(first, id: id, of: table, &buffers, from: memory)
    }

    /// One entry of an indirect table, translated by itself.
    static func loadEntry(
        _ address: GuestAddress, in memory: AddressSpace
    ) throws(ChainFault) -> GuestWords {
        guard let slice = memory.slice(at: address, count: 16, .read) else { throw memory.fault }
        guard slice.count == 16 else {
            // The rest of it is not known, or lies elsewhere.
            let rest = memory.slice(at: address.advanced(by: slice.count), count: 1, .read)
            throw rest == nil ? memory.fault : .unmapped
        }
        return GuestArray<GuestWords>(slice).load(0)
    }
}

extension AddressSpace {
    /// What it means that an address does not translate.
    var fault: ChainFault { isTranslated ? .missing : .unmapped }
}
