// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// An address as the guest's driver writes it into descriptors: guest-physical.
struct GuestAddress: Equatable {
    /// The number.
    var rawValue: UInt64

    /// The address `count` bytes further on; wraps, which no region contains.
    @inline(__always)
    func advanced(by count: Int) -> GuestAddress {
        GuestAddress(rawValue: rawValue &+ UInt64(truncatingIfNeeded: count))
    }
}

/// An address in the frontend's own process, as SET_VRING_ADDR carries it.
struct FrontendAddress: Equatable {
    /// The number.
    var rawValue: UInt64
}

/// An address that a DMA engine is given: a virtual address of this process, or a physical one when
/// the EAL runs in IOVA-as-PA mode.
struct EngineAddress: Equatable {
    /// The number.
    var rawValue: UInt
}
