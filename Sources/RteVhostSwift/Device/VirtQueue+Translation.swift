// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What the addresses of a queue mean.
extension VirtQueue {
    /// The addresses in descriptors.
    @inline(__always)
    func addressSpace(over memory: MemoryTable) -> AddressSpace {
        AddressSpace(memory, iotlb: profile.isTranslated ? iotlb : nil)
    }

    private var partByteCounts: (descriptors: Int, available: Int, used: Int) {
        profile.isPacked
            ? PackedRing.byteCounts(size: size) : SplitRing.byteCounts(size: size)
    }

    /// The ring's parts, where they are known and lie in the guest's memory; nil otherwise, with a
    /// miss noted if that is the reason.
    func parts(over memory: MemoryTable) -> RingParts? {
        guard let addresses, size > 0 else { return nil }
        let counts = partByteCounts
        guard
            // A used descriptor takes the place of an available one in packed rings.
            let descriptors = part(
                at: addresses.descriptors, counts.descriptors,
                profile.isPacked ? .readWrite : .read, memory),
            let available = part(at: addresses.available, counts.available, .read, memory),
            let used = part(at: addresses.used, counts.used, .readWrite, memory)
        else { return nil }
        return RingParts(descriptors: descriptors, available: available, used: used)
    }

    /// vhost-user, SET_VRING_ADDR: frontend addresses, or with VIRTIO_F_IOMMU_PLATFORM those that
    /// the guest's driver gave.
    private func part(
        at address: FrontendAddress, _ byteCount: Int, _ permission: AccessPermission,
        _ memory: MemoryTable
    ) -> GuestSlice? {
        guard profile.isTranslated else { return memory.slice(at: address, count: byteCount) }
        return addressSpace(over: memory).whole(
            at: GuestAddress(rawValue: address.rawValue), count: byteCount, permission)
    }

    /// True when a part of the ring lies between two addresses of the guest's driver.
    func ringTouches(first: UInt64, last: UInt64) -> Bool {
        guard let addresses else { return false }
        let counts = partByteCounts
        func touches(_ address: FrontendAddress, _ byteCount: Int) -> Bool {
            // Parts that wrap do not translate: there is no ring of such.
            let end = address.rawValue &+ UInt64(byteCount) &- 1
            return first <= end && last >= address.rawValue
        }
        return touches(addresses.descriptors, counts.descriptors)
            || touches(addresses.available, counts.available)
            || touches(addresses.used, counts.used)
    }
}
