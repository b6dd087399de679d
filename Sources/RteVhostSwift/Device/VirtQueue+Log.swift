// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What the library itself writes into rings, in the dirty log.
extension VirtQueue {
    /// Guest-physical address at which writes to the used ring are logged from its first byte on;
    /// nil where the ring is not known yet.
    func usedAddress(in memory: MemoryTable, features: UInt64) -> GuestAddress? {
        if let address = givenUsedAddress(features) { return address }
        return (ringParts ?? parts(over: memory)).flatMap { memory.guestRun($0.used)?.address }
    }

    /// The address that SET_VRING_ADDR gave, which may lie outside of all regions (vhost-user,
    /// Migration). Under an IOMMU frontends give an IOVA, which is of no use here.
    private func givenUsedAddress(_ features: UInt64) -> GuestAddress? {
        guard let addresses, addresses.hasLogAddress, features & Feature.iommuPlatform == 0 else {
            return nil
        }
        return GuestAddress(rawValue: addresses.logAddress)
    }

    /// Marks what the ring wrote, and tells the frontend where it wants to be told.
    func log(_ writes: RingWrites, in memory: MemoryTable, features: UInt64) {
        let given = givenUsedAddress(features)
        var pages = DirtyPages()
        var run = DirtyRun()
        for index in 0..<RingWrites.count {
            let slice = writes[index]
            if let given, let offset = writes.usedOffset(of: slice) {
                let (address, wraps) = given.rawValue.addingReportingOverflow(UInt64(offset))
                guard !wraps else { continue }
                pages.add(GuestAddress(rawValue: address), count: slice.count, dirtyLog)
            } else {
                run.add(slice, dirtyLog, memory, to: &pages)
            }
        }
        run.end(dirtyLog, to: &pages)
        pages.end(dirtyLog)
        if dirtyLog.event >= 0 { _ = EventSignal.send(dirtyLog.event) }
    }
}
