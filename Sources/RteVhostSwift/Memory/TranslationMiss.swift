// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a lookup wanted and the IOTLB did not have.
struct TranslationMiss: BitwiseCopyable, Equatable {
    /// The address.
    var address: GuestAddress
    /// What the device wants to do there.
    var permission: AccessPermission

    /// Bytes of the smallest page that an IOMMU has.
    static let pageByteCount: UInt64 = 4096

    /// True when what answers one of them answers the other.
    func isSamePage(as other: TranslationMiss) -> Bool {
        address.rawValue / Self.pageByteCount == other.address.rawValue / Self.pageByteCount
            && permission == other.permission
    }
}
