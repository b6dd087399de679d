// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a lookup wanted and the IOTLB did not have.
struct TranslationMiss: BitwiseCopyable, Equatable {
    /// The address.
    var address: GuestAddress
    /// What the device wants to do there.
    var permission: AccessPermission
}
