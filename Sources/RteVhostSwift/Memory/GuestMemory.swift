// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The guest's memory as the frontend's table gave it, mapped: the one place where addresses become
/// host bytes.
struct GuestMemory: ~Copyable {
    /// Most regions of a table: DPDK 21.08, and vhost-user without CONFIGURE_MEM_SLOTS.
    static let maximumRegionCount = 8

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

    /// What only the API asks of a region.
    private struct Mapping: BitwiseCopyable {
        /// First mapped byte.
        var start: UInt = 0
        /// Bytes mapped.
        var byteCount = 0
        /// Number of the file.
        var file: Int32 = -1
    }

    private var regions = InlineArray<8, Region>(repeating: Region())
    private var mappings = InlineArray<8, Mapping>(repeating: Mapping())
    private var owners = InlineArray<8, MappedRegion?> { _ in nil }
    private var pageTables = InlineArray<8, PageTable?> { _ in nil }

    /// Regions in the table.
    private(set) var regionCount = 0

    /// A table without regions: nothing translates.
    init() {}

    /// Adds a region. Throws `limitReached`, or `badValue` when it overlaps one that is there.
    mutating func add(_ owner: consuming MappedRegion) throws(VhostError) {
        guard regionCount < Self.maximumRegionCount else { throw .limitReached }
        // SAFETY: addresses are kept as numbers; the owner is kept beside them.
        let new = unsafe Region(
            guest: owner.description.guest.rawValue,
            frontend: owner.description.frontend.rawValue,
            byteCount: owner.description.byteCount, host: UInt(bitPattern: owner.host))
        for index in 0..<regionCount {
            let old = regions[index]
            let apart =
                new.guest >= old.guest &+ old.byteCount
                || old.guest >= new.guest &+ new.byteCount
            guard apart else { throw .frontend(.badValue) }
        }
        if EngineAddressing.isPhysical {
            pageTables[regionCount] = try PageTable(host: new.host, byteCount: new.byteCount)
        }
        regions[regionCount] = new
        mappings[regionCount] = unsafe Mapping(
            start: UInt(bitPattern: owner.mapping), byteCount: owner.mappingByteCount,
            file: owner.file.number)
        owners[regionCount] = consume owner
        regionCount += 1
    }

    /// The bytes at a guest-physical address: `count` of them, or fewer when the region ends
    /// before; nil when no region has the first.
    @inline(__always)
    func slice(at address: GuestAddress, count: Int) -> GuestSlice? {
        var index = 0
        while index < regionCount {
            let region = regions[index]
            let offset = address.rawValue &- region.guest
            if offset < region.byteCount {
                let rest = region.byteCount &- offset
                let length = min(UInt64(truncatingIfNeeded: count), rest)
                // SAFETY: offset + length ≤ byteCount, all of which is mapped at host, which is not
                // NULL.
                return unsafe GuestSlice(
                    proven: UnsafeMutableRawPointer(bitPattern: region.host &+ UInt(offset))
                        .unsafelyUnwrapped,
                    count: Int(truncatingIfNeeded: length))
            }
            index &+= 1
        }
        return nil
    }

    /// The bytes at a frontend-virtual address, all `count` of them in one region; nil otherwise.
    func slice(at address: FrontendAddress, count: Int) -> GuestSlice? {
        for index in 0..<regionCount {
            let region = regions[index]
            let offset = address.rawValue &- region.frontend
            guard offset < region.byteCount else { continue }
            guard UInt64(count) <= region.byteCount - offset else { return nil }
            // SAFETY: offset + count ≤ byteCount, all of which is mapped at host.
            return unsafe GuestSlice(
                proven: UnsafeMutableRawPointer(bitPattern: region.host + UInt(offset))!,
                count: count)
        }
        return nil
    }

    /// Where a DMA engine finds the bytes of a slice, and how many of them lie there in a row.
    @inline(__always)
    func engineRun(_ slice: GuestSlice) -> (address: EngineAddress, count: Int) {
        let host = unsafe UInt(bitPattern: slice.base)
        guard EngineAddressing.isPhysical else {
            return (EngineAddress(rawValue: host), slice.count)
        }
        return physicalRun(host: host, count: slice.count)
    }

    @inline(never)
    private func physicalRun(host: UInt, count: Int) -> (address: EngineAddress, count: Int) {
        for index in 0..<regionCount {
            let offset = host &- regions[index].host
            guard offset < regions[index].byteCount else { continue }
            guard let address = pageTables[index]?.address(of: host) else { break }
            return (address, min(count, PageTable.bytesLeft(after: host)))
        }
        preconditionFailure("a slice outside the memory that made it")
    }

    /// What `rte_vhost_get_mem_table` gives of a region.
    func publicRegion(_ index: Int) -> rte_vhost_mem_region {
        let region = regions[index]
        // SAFETY: addresses are handed out as the API wants; they are not followed here.
        var result = unsafe rte_vhost_mem_region()
        unsafe result.guest_phys_addr = region.guest
        unsafe result.guest_user_addr = region.frontend
        unsafe result.host_user_addr = UInt64(region.host)
        unsafe result.size = region.byteCount
        unsafe result.mmap_addr = UnsafeMutableRawPointer(bitPattern: mappings[index].start)
        unsafe result.mmap_size = UInt64(mappings[index].byteCount)
        unsafe result.fd = mappings[index].file
        return unsafe result
    }
}
