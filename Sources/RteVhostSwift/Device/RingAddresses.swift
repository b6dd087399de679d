// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Where a frontend says that a ring lies, as SET_VRING_ADDR carries it.
struct RingAddresses: Equatable {
    /// The descriptor table.
    var descriptors: FrontendAddress
    /// The used ring.
    var used: FrontendAddress
    /// The available ring.
    var available: FrontendAddress
    /// VHOST_VRING_F_LOG and others.
    var flags: UInt32
    /// Guest-physical address of the used ring for the dirty log.
    var logAddress: UInt64

    /// VHOST_VRING_F_LOG: writes to the used ring are logged at `logAddress`.
    var hasLogAddress: Bool { flags & 1 != 0 }

    /// True when the ring lies at the same place; flags and log address may differ.
    func areSamePlaces(as other: RingAddresses) -> Bool {
        descriptors == other.descriptors && used == other.used && available == other.available
    }
}
