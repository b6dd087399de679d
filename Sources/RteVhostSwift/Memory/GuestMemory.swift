// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The guest's memory as the frontend's table gave it: owns the mappings, and the table through
/// which addresses become host bytes.
struct GuestMemory: ~Copyable {
    /// Most regions of a table: DPDK 21.08, and vhost-user without CONFIGURE_MEM_SLOTS.
    static let maximumRegionCount = 8

    /// Bytes that one frontend may have mapped: larger than any guest, and a fraction of what the
    /// process may map in all, so that one frontend does not use up what others need.
    private static let mappingLimit = 8 << 40
    private var mappedByteCount = 0

    /// What only the API asks of a region.
    private struct Mapping: BitwiseCopyable {
        /// First mapped byte.
        var start: UInt = 0
        /// Bytes mapped.
        var byteCount = 0
        /// Number of the file.
        var file: Int32 = -1
        /// Where a fault is noted.
        var guardSlot: UInt32 = 0
    }

    private var mappings = InlineArray<8, Mapping>(repeating: Mapping())
    private var owners = InlineArray<8, MappedRegion?> { _ in nil }

    /// For translation. Good for as long as self.
    private(set) var table: MemoryTable

    /// Memory without regions: nothing translates. Throws `outOfMemory`.
    init() throws(VhostError) {
        table = try MemoryTable(capacity: Self.maximumRegionCount)
    }

    deinit { table.free() }

    /// True when a region's file was cut short under its mapping.
    var isBroken: Bool {
        for index in 0..<table.count where MemoryGuard.isBroken(mappings[index].guardSlot) {
            return true
        }
        return false
    }

    /// Unmaps everything.
    mutating func removeAll() {
        table.removeAll()
        mappedByteCount = 0
        for index in 0..<Self.maximumRegionCount { owners[index] = nil }
    }

    /// Adds a region. Throws `limitReached`, or `badValue` when it overlaps one that is there.
    mutating func add(_ owner: consuming MappedRegion) throws(VhostError) {
        let index = table.count
        mappedByteCount &+= owner.mappingByteCount
        guard mappedByteCount <= Self.mappingLimit else { throw .limitReached }
        guard index < Self.maximumRegionCount else { throw .limitReached }
        // SAFETY: addresses are kept as numbers; the owner is kept beside them.
        let new = unsafe MemoryTable.Region(
            guest: owner.description.guest.rawValue,
            frontend: owner.description.frontend.rawValue,
            byteCount: owner.description.byteCount, host: UInt(bitPattern: owner.host))
        for other in 0..<index {
            let old = table[other]
            let apart =
                new.guest >= old.guest &+ old.byteCount
                || old.guest >= new.guest &+ new.byteCount
            guard apart else { throw .frontend(.badValue) }
        }
        mappings[index] = unsafe Mapping(
            start: UInt(bitPattern: owner.mapping), byteCount: owner.mappingByteCount,
            file: owner.file.number, guardSlot: owner.guardSlot)
        owners[index] = consume owner
        table.append(new)
    }

    /// What `rte_vhost_get_mem_table` gives of a region.
    func publicRegion(_ index: Int) -> rte_vhost_mem_region {
        let region = table[index]
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
