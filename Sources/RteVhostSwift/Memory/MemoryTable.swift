// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The regions of a guest's memory, for translation: a handle of two words that a burst takes once.
/// It is good for as long as its `GuestMemory`, that is while the lock of a queue that runs is held.
@safe
struct MemoryTable: BitwiseCopyable {
    /// What translation needs of a region.
    struct Region: BitwiseCopyable {
        /// First guest-physical address.
        var guest: UInt64 = 0
        /// First frontend-virtual address.
        var frontend: UInt64 = 0
        /// Number of bytes.
        var byteCount: UInt64 = 0
        /// First host byte.
        var host: UInt = 0
    }

    private let regions: UnsafeMutablePointer<Region>

    /// Regions in the table.
    private(set) var count = 0

    /// An empty table for `capacity` regions, to be freed by its owner. Throws `outOfMemory`.
    init(capacity: Int) throws(VhostError) {
        let bytes = (capacity * MemoryLayout<Region>.stride + 63) & ~63
        // SAFETY: the allocation holds `capacity` regions, all initialised here.
        guard let raw = unsafe aligned_alloc(64, bytes) else { throw .outOfMemory }
        unsafe regions = raw.bindMemory(to: Region.self, capacity: capacity)
        unsafe regions.initialize(repeating: Region(), count: capacity)
    }

    /// Frees the table; for its owner.
    func free() {
        // SAFETY: allocated by init; the owner calls this once.
        unsafe CRteVhost.free(regions)
    }

    /// Adds a region; the owner made room for it.
    mutating func append(_ region: Region) {
        // SAFETY: the owner's limit is the capacity.
        unsafe regions[count] = region
        count += 1
    }

    /// Forgets all regions.
    mutating func removeAll() { count = 0 }

    /// The region at `index`, which is below `count`.
    @inline(__always)
    subscript(index: Int) -> Region {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: checked on the line above.
        return unsafe regions[index]
    }

    /// The bytes at a guest-physical address: `wanted` of them, or fewer when the region ends
    /// before; nil when no region has the first.
    @inline(__always)
    func slice(at address: GuestAddress, count wanted: Int) -> GuestSlice? {
        var index = 0
        while index < count {
            let offset = unsafe address.rawValue &- regions[index].guest
            if unsafe offset < regions[index].byteCount {
                let rest = unsafe regions[index].byteCount &- offset
                let length = min(UInt64(truncatingIfNeeded: wanted), rest)
                // SAFETY: offset + length ≤ byteCount, all of which is mapped at host, which is
                // not NULL.
                return unsafe GuestSlice(
                    proven: UnsafeMutableRawPointer(
                        bitPattern: regions[index].host &+ UInt(offset)
                    ).unsafelyUnwrapped,
                    count: Int(truncatingIfNeeded: length))
            }
            index &+= 1
        }
        return nil
    }

    /// The bytes at a frontend-virtual address, all `wanted` of them in one region; nil otherwise.
    func slice(at address: FrontendAddress, count wanted: Int) -> GuestSlice? {
        guard let slice = run(at: address, count: wanted), slice.count == wanted else { return nil }
        return slice
    }

    /// The bytes at a frontend-virtual address: `wanted` of them, or fewer when the region ends
    /// before; nil when no region has the first.
    func run(at address: FrontendAddress, count wanted: Int) -> GuestSlice? {
        for index in 0..<count {
            let region = self[index]
            let offset = address.rawValue &- region.frontend
            guard offset < region.byteCount else { continue }
            let length = min(UInt64(truncatingIfNeeded: wanted), region.byteCount &- offset)
            // SAFETY: offset + length ≤ byteCount, all of which is mapped at host.
            return unsafe GuestSlice(
                proven: UnsafeMutableRawPointer(bitPattern: region.host + UInt(offset))!,
                count: Int(truncatingIfNeeded: length))
        }
        return nil
    }

    /// True when regions have every byte of a frontend-virtual range.
    func contains(_ address: FrontendAddress, byteCount: UInt64) -> Bool {
        var address = address
        var rest = byteCount
        // Each turn ends a region or is the last.
        for _ in 0..<count {
            guard let part = run(at: address, count: Int(clamping: rest)) else { return false }
            rest -= UInt64(part.count)
            if rest == 0 { return true }
            address.rawValue &+= UInt64(part.count)
        }
        return false
    }

    /// Where a DMA engine finds the bytes of a slice, and how many of them lie there in a row; nil
    /// when nobody knows.
    @inline(__always)
    func engineRun(_ slice: GuestSlice) -> (address: EngineAddress, count: Int)? {
        guard EngineAddressing.isPhysical else {
            // SAFETY: an address for the engine; it is not followed here.
            return (EngineAddress(rawValue: unsafe UInt(bitPattern: slice.base)), slice.count)
        }
        return physicalRun(slice)
    }

    @inline(never)
    private func physicalRun(_ slice: GuestSlice) -> (address: EngineAddress, count: Int)? {
        // SAFETY: as in engineRun.
        let host = unsafe UInt(bitPattern: slice.base)
        guard let address = EngineAddressing.physical(host) else { return nil }
        let count = min(slice.count, EngineAddressing.bytesLeftOnPage(after: host))
        return (EngineAddress(rawValue: address), count)
    }
}
