// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Regions in an order that their owner decides. Grows when a message adds one.
@safe
struct RegionList: ~Copyable {
    private var storage: UnsafeMutablePointer<MappedRegion>
    /// Regions that there is room for.
    private(set) var capacity: Int

    /// Regions in the list.
    private(set) var count = 0

    /// A list with room for what SET_MEM_TABLE brings. Throws `outOfMemory`.
    init() throws(VhostError) {
        capacity = GuestMemory.maximumRegionCount
        // SAFETY: none of the regions that there is room for is initialised: count is 0.
        unsafe storage = try Self.allocate(capacity)
    }

    deinit {
        // SAFETY: the first `count` are initialised; allocated by this type.
        unsafe storage.deinitialize(count: count)
        unsafe free(storage)
    }

    private static func allocate(
        _ capacity: Int
    ) throws(VhostError) -> UnsafeMutablePointer<MappedRegion> {
        let bytes = (capacity * MemoryLayout<MappedRegion>.stride + 63) & ~63
        // SAFETY: room for `capacity` regions; none is initialised yet.
        guard let raw = unsafe aligned_alloc(64, bytes) else { throw .outOfMemory }
        return unsafe raw.bindMemory(to: MappedRegion.self, capacity: capacity)
    }

    /// Makes room for one more. Throws `outOfMemory`.
    mutating func reserve() throws(VhostError) {
        guard count == capacity else { return }
        let larger = unsafe try Self.allocate(capacity * 2)
        // SAFETY: `count` regions move to the larger storage; the old one is freed without them.
        unsafe larger.moveInitialize(from: storage, count: count)
        unsafe free(storage)
        unsafe storage = larger
        capacity *= 2
    }

    /// Puts a region at `index`, in front of those behind; `reserve` made room.
    mutating func insert(_ region: consuming MappedRegion, at index: Int) {
        precondition(index >= 0 && index <= count && count < capacity)
        // SAFETY: the range is within the storage, by the line above.
        unsafe (storage + index + 1).moveInitialize(from: storage + index, count: count - index)
        unsafe (storage + index).initialize(to: region)
        count += 1
    }

    /// Takes the region at `index` out.
    mutating func remove(at index: Int) -> MappedRegion {
        precondition(index >= 0 && index < count)
        // SAFETY: the range is within the storage, by the line above.
        let region = unsafe (storage + index).move()
        unsafe (storage + index).moveInitialize(
            from: storage + index + 1, count: count - index - 1)
        count -= 1
        return region
    }

    /// Lets go of all.
    mutating func removeAll() {
        // SAFETY: the first `count` are initialised.
        unsafe storage.deinitialize(count: count)
        count = 0
    }

    /// The region at `index`.
    subscript(index: Int) -> MappedRegion {
        @_transparent unsafeAddress {
            precondition(index >= 0 && index < count)
            // SAFETY: checked on the line above.
            return unsafe UnsafePointer(storage + index)
        }
        @_transparent unsafeMutableAddress {
            precondition(index >= 0 && index < count)
            // SAFETY: checked on the line above.
            return unsafe storage + index
        }
    }
}
