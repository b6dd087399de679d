// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The way back: where the guest has host bytes.
extension MemoryTable {
    /// Guest-physical address of a slice's first byte, and how many of its bytes follow there in
    /// a row; nil for bytes that no region has. However the slice was found (an address of the
    /// guest, an IOVA, a ring), this tells which of the guest's pages it is.
    func guestRun(_ slice: GuestSlice) -> (address: GuestAddress, count: Int)? {
        guard let region = region(of: slice) else { return nil }
        // SAFETY: an address to subtract; it is not followed here.
        let offset = unsafe UInt64(UInt(bitPattern: slice.base) &- region.host)
        return (
            GuestAddress(rawValue: region.guest &+ offset),
            Int(truncatingIfNeeded: min(region.byteCount - offset, UInt64(slice.count)))
        )
    }

    /// The region of a slice's first byte; nil when none has it.
    func region(of slice: GuestSlice) -> Region? {
        // SAFETY: an address to compare; it is not followed here.
        let index = unsafe index(ofHost: UInt(bitPattern: slice.base))
        return index >= 0 ? self[index] : nil
    }
}
