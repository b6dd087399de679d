// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Looks up the buffers of plain chains: a window on the region met last, and how to find others.
struct PlainBuffers: BitwiseCopyable {
    /// Bytes of the virtio-net header.
    let headerByteCount: Int
    /// What the device wants to do with them.
    let direction: ChainDirection
    private var window = MemoryWindow()
    /// The same for tables, which are read, whatever is done with their buffers.
    private var tables = MemoryWindow()

    /// Lookups for packets with headers of so many bytes.
    @inline(__always)
    init(headerByteCount: Int, _ direction: ChainDirection) {
        self.headerByteCount = headerByteCount
        self.direction = direction
    }

    /// All of a buffer; nil where it does not lie in one region.
    @inline(__always)
    mutating func whole<D: RingDescriptor>(_ descriptor: D, from memory: AddressSpace)
        -> GuestSlice?
    {
        let address = descriptor.address
        if let slice = window.whole(at: address, count: descriptor.byteCount) { return slice }
        guard let other = memory.window(at: address, direction.permission) else { return nil }
        window = other
        return other.whole(at: address, count: descriptor.byteCount)
    }

    /// How many chains ahead a buffer is asked for.
    static let lead = 4

    /// Asks for the first lines of a buffer, which may be none: a hint, which touches nothing.
    @inline(__always)
    func prefetch<D: RingDescriptor>(_ descriptor: D) { window.prefetch(descriptor.address) }

    /// A chain of one buffer.
    @inline(__always)
    mutating func single<D: RingDescriptor>(
        _ descriptor: D, id: UInt16, from memory: AddressSpace
    ) -> PlainChain? {
        guard let buffer = whole(descriptor, from: memory), buffer.count > headerByteCount else {
            return nil
        }
        return PlainChain(
            header: buffer, payload: buffer.dropping(headerByteCount), id: id, slotCount: 1)
    }

    /// A chain of two buffers. Transparent, as `ChainWalk.pair`: the optimizer makes functions of
    /// what it inlines twice into a loop.
    @_transparent
    mutating func pair<D: RingDescriptor>(
        _ first: D, _ second: D, id: UInt16, from memory: AddressSpace
    ) -> PlainChain? {
        guard Int(first.byteCount) == headerByteCount, second.byteCount > 0,
            let header = whole(first, from: memory), let payload = whole(second, from: memory)
        else { return nil }
        return PlainChain(header: header, payload: payload, id: id, slotCount: 1)
    }

    /// The indirect table of a descriptor: all of it, of as many entries as a chain may have.
    @inline(__always)
    mutating func table<D: RingDescriptor>(
        _ outer: D, from memory: AddressSpace
    ) -> GuestArray<GuestWords>? {
        guard outer.byteCount & 15 == 0, outer.byteCount > 0,
            outer.byteCount <= UInt32(SegmentList.maximumCount) &* 16
        else { return nil }
        if let slice = tables.whole(at: outer.address, count: outer.byteCount) {
            return GuestArray(slice)
        }
        guard let other = memory.window(at: outer.address, .read) else { return nil }
        tables = other
        guard let slice = other.whole(at: outer.address, count: outer.byteCount) else {
            return nil
        }
        return GuestArray(slice)
    }
}
