// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The end of a `SegmentList` while the descriptors of a chain are appended to it: few words, which
/// the walk keeps in registers, and a window on the region that the chain lies in.
struct SegmentRun {
    /// The list's room behind what it had, or less where fewer descriptors may be looked at: each
    /// takes one slice here.
    private let slices: FixedView<GuestSlice>
    private(set) var window: MemoryWindow
    /// Slices that were added.
    private(set) var count = 0
    /// Their bytes together.
    private(set) var byteCount: UInt64 = 0

    /// A run into that room, of which the first buffer lies in the window most likely.
    @inline(__always)
    init(_ slices: FixedView<GuestSlice>, _ window: MemoryWindow) {
        self.slices = slices
        self.window = window
    }

    /// Appends a buffer that lies in one region, or in one entry of the IOTLB, of at least one byte;
    /// false for one that the list has to look at.
    @inline(__always)
    mutating func append(
        _ address: GuestAddress, byteCount total: UInt32, _ permission: AccessPermission,
        in memory: AddressSpace
    ) -> Bool {
        guard count < slices.count, total > 0 else { return false }
        if let slice = window.whole(at: address, count: total) {
            add(slice)
            return true
        }
        guard let other = Self.window(at: address, permission, in: memory) else { return false }
        window = other
        guard let slice = other.whole(at: address, count: total) else { return false }
        add(slice)
        return true
    }

    /// Appends a buffer that was looked up; false when there is no room.
    @inline(__always)
    mutating func append(_ slice: GuestSlice) -> Bool {
        guard count < slices.count else { return false }
        add(slice)
        return true
    }

    /// Out of line: one a chain, nearly always.
    @inline(never)
    private static func window(
        at address: GuestAddress, _ permission: AccessPermission, in memory: AddressSpace
    ) -> MemoryWindow? {
        memory.window(at: address, permission)
    }

    @inline(__always)
    private mutating func add(_ slice: GuestSlice) {
        slices[count] = slice
        count &+= 1
        byteCount &+= UInt64(truncatingIfNeeded: slice.count)
    }
}

extension SegmentList {
    /// Appends any buffer behind those of a run, which goes on behind it. Out of line: nearly every
    /// buffer lies in one region.
    @inline(never)
    mutating func append(
        _ address: GuestAddress, byteCount total: UInt32, _ permission: AccessPermission,
        in memory: AddressSpace, behind run: SegmentRun
    ) throws(ChainFault) -> SegmentRun {
        endRun(run, in: memory)
        try append(address, byteCount: total, permission, in: memory)
        return beginRun()
    }
}

extension RingDescriptor {
    /// Appends the buffer to a run after its direction was checked.
    @inline(__always)
    func append(
        to run: inout SegmentRun, of segments: inout SegmentList, _ direction: ChainDirection,
        from memory: AddressSpace
    ) throws(ChainFault) {
        guard isDeviceWritable == (direction == .deviceWrites) else { throw .direction }
        try appendAnyway(to: &run, of: &segments, direction, from: memory)
    }

    /// The same, whatever its direction.
    @inline(__always)
    func appendAnyway(
        to run: inout SegmentRun, of segments: inout SegmentList, _ direction: ChainDirection,
        from memory: AddressSpace
    ) throws(ChainFault) {
        let permission = direction.permission
        guard !run.append(address, byteCount: byteCount, permission, in: memory) else { return }
        run = try segments.append(
            address, byteCount: byteCount, permission, in: memory, behind: run)
    }
}
