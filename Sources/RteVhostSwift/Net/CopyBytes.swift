// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Copies guest bytes into a packet. Nothing is read back from the guest afterwards.
@inline(__always)
func copyBytes(from source: GuestSlice, to destination: PacketSlice) {
    precondition(source.count == destination.count)
    // SAFETY: both sides have `count` bytes and do not overlap: guest memory holds no mbuf.
    unsafe crte_copy(destination.base, source.base, source.count)
}

/// Copies a packet's bytes to the guest.
@inline(__always)
func copyBytes(from source: PacketSlice, to destination: GuestSlice) {
    precondition(source.count == destination.count)
    // SAFETY: as above.
    unsafe crte_copy(destination.base, source.base, source.count)
}
