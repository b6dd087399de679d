// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A ring's parts in the guest's memory: descriptors, then available and used ring, or the event
/// structures of driver and device.
struct RingParts: BitwiseCopyable {
    /// The descriptor table or ring.
    var descriptors: GuestSlice
    /// The available ring, or the driver's events.
    var available: GuestSlice
    /// The used ring, or the device's events.
    var used: GuestSlice

    /// True when both lie in the same places.
    func isSame(as other: RingParts) -> Bool {
        descriptors.isSame(as: other.descriptors) && available.isSame(as: other.available)
            && used.isSame(as: other.used)
    }
}
