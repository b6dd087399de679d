// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The way back: where the guest has host bytes.
extension MemoryTable {
    /// Guest-physical address of a slice's first byte, and how many of its bytes follow there in
    /// a row; nil for bytes that no region has. However the slice was found (an address of the
    /// guest, an IOVA, a ring), this tells which of the guest's pages it is.
    func guestRun(_ slice: GuestSlice) -> (address: GuestAddress, count: Int)? {
        // SAFETY: an address to compare; it is not followed here.
        let host = unsafe UInt(bitPattern: slice.base)
        let index = index(ofHost: host)
        guard index >= 0 else { return nil }
        let region = self[index]
        let offset = UInt64(host &- region.host)
        return (
            GuestAddress(rawValue: region.guest &+ offset),
            Int(truncatingIfNeeded: min(region.byteCount - offset, UInt64(slice.count)))
        )
    }
}
