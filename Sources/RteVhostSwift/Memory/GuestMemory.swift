// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The guest's memory as the frontend's table gave it: owns the mappings, and the table through
/// which addresses become host bytes.
struct GuestMemory: ~Copyable {
    /// Most regions of one SET_MEM_TABLE: DPDK 21.08, and vhost-user without CONFIGURE_MEM_SLOTS.
    static let maximumRegionCount = 8
    /// Most regions by ADD_MEM_REG: what Linux guests can have (KVM has 509 slots for a guest, which
    /// is what other backends answer as well).
    static let maximumSlotCount = 509

    /// Most additions of one region: one for each pair of queues that virtio-net can have.
    private static let additionLimit = 0x8000

    /// Bytes that one frontend may have mapped: larger than any guest, and a fraction of what the
    /// process may map in all, so that one frontend does not use up what others need.
    private static let mappingLimit = 8 << 40
    private var mappedByteCount = 0

    private var owners: RegionList
    private var tableCapacity = Self.maximumRegionCount

    /// For translation. Good until self changes.
    private(set) var table: MemoryTable

    /// Memory without regions: nothing translates. Throws `outOfMemory`.
    init() throws(VhostError) {
        let owners = try RegionList()
        table = try MemoryTable(capacity: Self.maximumRegionCount)
        self.owners = owners
    }

    deinit { table.free() }

    /// True when a region's file was cut short under its mapping.
    var isBroken: Bool {
        for index in 0..<owners.count where MemoryGuard.isBroken(owners[index].guardSlot) {
            return true
        }
        return false
    }

    /// True when it takes more than memory without regions does, since it had many.
    var hasGrown: Bool {
        tableCapacity > Self.maximumRegionCount || owners.capacity > Self.maximumRegionCount
    }

    /// From here on nothing translates; what is mapped stays so.
    mutating func hide() { table.removeAll() }

    /// Unmaps everything.
    mutating func removeAll() {
        // A burst on a queue that was closed may look at it, where it was hidden.
        if table.count > 0 { table.removeAll() }
        mappedByteCount = 0
        owners.removeAll()
    }

    /// Adds a region. Throws `limitReached`, `outOfMemory`, or `badValue` when it overlaps one that
    /// is there.
    mutating func add(_ owner: consuming MappedRegion) throws(VhostError) {
        let (mapped, overflows) = mappedByteCount.addingReportingOverflow(owner.mappingByteCount)
        guard !overflows, mapped <= Self.mappingLimit, table.count < Self.maximumSlotCount else {
            throw .limitReached
        }
        // SAFETY: addresses are kept as numbers; the owner is kept beside them.
        let new = unsafe MemoryTable.Region(
            guest: owner.description.guest.rawValue,
            frontend: owner.description.frontend.rawValue,
            byteCount: owner.description.byteCount, host: UInt(bitPattern: owner.host))
        let index = table.index(before: new.guest) + 1
        // Regions do not wrap, and those that are there do not overlap.
        if index > 0 {
            let lower = table[index - 1]
            guard new.guest - lower.guest >= lower.byteCount else { throw .frontend(.badValue) }
        }
        if index < table.count {
            guard table[index].guest - new.guest >= new.byteCount else {
                throw .frontend(.badValue)
            }
        }
        try owners.reserve()
        try reserveTable()
        mappedByteCount = mapped
        let origin = owner.frameOrigin
        owners.insert(owner, at: index)
        table.insert(new, frameOrigin: origin, at: index)
    }

    /// Makes room in the table for one more.
    private mutating func reserveTable() throws(VhostError) {
        guard table.count == tableCapacity else { return }
        var larger = try MemoryTable(capacity: tableCapacity * 2)
        for index in 0..<table.count {
            larger.insert(table[index], frameOrigin: table.frameOrigin(index), at: index)
        }
        table.free()
        table = larger
        tableCapacity *= 2
    }

    /// Index of the region that begins and is as long as a description says. vhost-user,
    /// REM_MEM_REG: addresses and size identify it, the offset does not.
    func find(_ description: MappedRegion.Description) -> Int? {
        let index = table.index(before: description.guest.rawValue)
        guard index >= 0 else { return nil }
        let region = table[index]
        guard region.guest == description.guest.rawValue,
            region.frontend == description.frontend.rawValue,
            region.byteCount == description.byteCount
        else { return nil }
        return index
    }

    /// Adds a region once more that is there in just this way, and tells where; nil when it is not.
    /// QEMU before 8.1 sends ADD_MEM_REG and REM_MEM_REG for each pair of queues. Throws
    /// `limitReached`.
    mutating func addAgain(
        _ description: MappedRegion.Description, _ file: borrowing FileDescriptor
    ) throws(VhostError) -> UInt64? {
        guard let index = find(description), owners[index].isSame(as: description, file) else {
            return nil
        }
        guard owners[index].additionCount < Self.additionLimit else { throw .limitReached }
        owners[index].additionCount += 1
        return owners[index].hostAddress
    }

    /// Takes one of a region's additions back; false when it is the last.
    mutating func removeAddition(at index: Int) -> Bool {
        guard owners[index].additionCount > 1 else { return false }
        owners[index].additionCount -= 1
        return true
    }

    /// Calls `body` with each region.
    func forEachRegion<Failure: Error>(
        _ body: (borrowing MappedRegion) throws(Failure) -> Void
    ) throws(Failure) {
        for index in 0..<owners.count { try body(owners[index]) }
    }

    /// Takes the region at `index` out; unmapped when the caller lets go of it.
    mutating func remove(at index: Int) -> MappedRegion {
        table.remove(at: index)
        let owner = owners.remove(at: index)
        mappedByteCount -= owner.mappingByteCount
        return owner
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
        unsafe result.mmap_addr = owners[index].mapping
        unsafe result.mmap_size = UInt64(owners[index].mappingByteCount)
        unsafe result.fd = owners[index].file.number
        return unsafe result
    }
}
