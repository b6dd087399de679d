// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The two sides of a copy, guest and packet, of the same count.
struct CopyPair: BitwiseCopyable {
    /// The guest's bytes.
    let guest: GuestSlice
    /// The packet's bytes.
    let packet: PacketSlice

    /// Both sides. Different counts are a bug of ours.
    @inline(__always)
    init(_ guest: GuestSlice, _ packet: PacketSlice) {
        precondition(guest.count == packet.count)
        self.guest = guest
        self.packet = packet
    }

    /// Bytes of each side.
    @inline(__always)
    var count: Int { guest.count }

    /// Both sides from `offset` on.
    @inline(__always)
    func dropping(_ offset: Int) -> CopyPair {
        CopyPair(
            guest.part(from: offset, count: count &- offset),
            packet.part(from: offset, count: count &- offset))
    }

    /// Has the processor copy. What came from a guest is not read there again.
    @inline(__always)
    func copyBytes(_ direction: ChainDirection) {
        // SAFETY: both sides have `count` bytes and do not overlap: guest memory holds no mbuf.
        switch direction {
        case .deviceReads: unsafe crte_copy(packet.base, guest.base, count)
        case .deviceWrites: unsafe crte_copy(guest.base, packet.base, count)
        }
    }

    /// The same, where the call costs less than the room that it takes in a loop.
    @inline(never)
    func copyBytesApart(_ direction: ChainDirection) { copyBytes(direction) }
}
