// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How the addresses in a queue's descriptors become host bytes: through the memory table alone, or
/// through the IOTLB first where VIRTIO_F_IOMMU_PLATFORM was negotiated. A handle that is good for
/// as long as the queue's lock is held.
struct AddressSpace {
    /// The guest's memory.
    let table: MemoryTable
    /// Translations; nil where addresses are guest-physical.
    private let iotlb: HeapCell<IOTLB>?

    /// An address space over the guest's memory.
    @inline(__always)
    init(_ table: MemoryTable, iotlb: HeapCell<IOTLB>? = nil) {
        self.table = table
        self.iotlb = iotlb
    }

    /// True when an address that does not translate now may do so later.
    @inline(__always)
    var isTranslated: Bool { iotlb != nil }

    /// The bytes at an address: `wanted` of them, or fewer when they do not lie in a row; nil when
    /// the first is unknown or may not be accessed so. Where addresses are guest-physical the guest
    /// may do everything with all of its memory.
    @inline(__always)
    func slice(
        at address: GuestAddress, count wanted: Int, _ permission: AccessPermission
    ) -> GuestSlice? {
        guard isTranslated else { return table.slice(at: address, count: wanted) }
        return translated(address, wanted, permission)
    }

    /// A window that has an address, and may be accessed so; nil where there is none. No miss is
    /// noted: whoever finds nothing takes the way that does.
    @inline(__always)
    func window(at address: GuestAddress, _ permission: AccessPermission) -> MemoryWindow? {
        isTranslated ? translatedWindow(address, permission) : table.window(at: address)
    }

    @inline(never)
    private func translatedWindow(
        _ address: GuestAddress, _ permission: AccessPermission
    ) -> MemoryWindow? {
        iotlb?.value.window(at: address, permission, in: table)
    }

    /// Counts lookups that windows spared the IOTLB.
    @inline(__always)
    func count(hits: Int) {
        guard isTranslated, hits > 0 else { return }
        iotlb?.value.count(hits: hits)
    }

    @inline(never)
    private func translated(
        _ address: GuestAddress, _ wanted: Int, _ permission: AccessPermission
    ) -> GuestSlice? {
        iotlb?.value.slice(at: address, count: wanted, permission, in: table)
    }

    /// True where lookups in vain are noted, and there is room to note one more.
    var notesMisses: Bool { iotlb?.value.notesMisses ?? false }

    /// The bytes at an address, all `wanted` of them in a row, whatever entries and regions they
    /// lie in; nil otherwise.
    func whole(
        at address: GuestAddress, count wanted: Int, _ permission: AccessPermission
    ) -> GuestSlice? {
        guard var slice = slice(at: address, count: wanted, permission) else { return nil }
        // Bounded by the entries and regions: each turn passes one.
        while slice.count < wanted {
            let next = address.advanced(by: slice.count)
            guard let more = self.slice(at: next, count: wanted - slice.count, permission),
                let joined = slice.joined(more)
            else { return nil }
            slice = joined
        }
        return slice
    }
}
