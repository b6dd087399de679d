// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A userfaultfd: the frontend fetches pages of a guest that is migrated while it runs when this
/// process touches them. vhost-user, "Postcopy".
struct FaultDescriptor: ~Copyable {
    private let descriptor: FileDescriptor

    /// A new one. Throws `system` where the kernel does not let this process have one.
    init() throws(VhostError) {
        let descriptor = FileDescriptor(owning: try System.check(crte_userfault_open()))
        _ = try System.check(crte_userfault_agree(descriptor.number))
        self.descriptor = descriptor
    }

    /// For the message that hands it to the frontend.
    var number: Int32 { descriptor.number }

    /// Missing pages of a region are the frontend's business from here on. Throws `system`.
    func watch(_ region: borrowing MappedRegion) throws(VhostError) {
        // SAFETY: the region's own mapping.
        let start = unsafe UInt(bitPattern: region.mapping)
        _ = try System.check(
            crte_userfault_register(number, start, region.mappingByteCount))
    }

    /// No longer: threads that wait for a page of it go on with zeroes.
    func release(_ region: borrowing MappedRegion) {
        // SAFETY: the region's own mapping.
        let start = unsafe UInt(bitPattern: region.mapping)
        _ = crte_userfault_unregister(number, start, region.mappingByteCount)
    }
}
