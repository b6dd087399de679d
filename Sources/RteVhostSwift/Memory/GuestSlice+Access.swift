// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Small reads and writes of shared bytes, for headers. Each shared byte is read once.
extension GuestSlice {
    /// Eight bytes at `offset`.
    @inline(__always)
    func load64(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= count - 8)
        // SAFETY: within the slice, by the line above.
        return unsafe crte_load_u64(base + offset)
    }

    /// Two bytes at `offset`.
    @inline(__always)
    func load16(at offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset <= count - 2)
        // SAFETY: within the slice, by the line above.
        return unsafe crte_load_u16(base + offset)
    }

    /// The byte at `offset`.
    func load8(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < count)
        // SAFETY: within the slice, by the line above.
        return unsafe crte_load_u8(base + offset)
    }

    /// Writes eight bytes at `offset`.
    @inline(__always)
    func store64(_ value: UInt64, at offset: Int) {
        precondition(offset >= 0 && offset <= count - 8)
        // SAFETY: within the slice, by the line above.
        unsafe crte_store_u64(base + offset, value)
    }

    /// Writes four bytes at `offset`.
    @inline(__always)
    func store32(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset <= count - 4)
        // SAFETY: within the slice, by the line above.
        unsafe crte_store_u32(base + offset, value)
    }

    /// Writes two bytes at `offset`.
    @inline(__always)
    func store16(_ value: UInt16, at offset: Int) {
        precondition(offset >= 0 && offset <= count - 2)
        // SAFETY: within the slice, by the line above.
        unsafe crte_store_u16(base + offset, value)
    }

    /// Writes the byte at `offset`.
    func store8(_ value: UInt8, at offset: Int) {
        precondition(offset >= 0 && offset < count)
        // SAFETY: within the slice, by the line above.
        unsafe (base + offset).storeBytes(of: value, as: UInt8.self)
    }
}
