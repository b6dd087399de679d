// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A value that is read from, and written to, guest memory in exactly one access, or in one access
/// for each of its words.
protocol GuestValue: BitwiseCopyable {
    /// Reads once.
    static func load(_ address: UnsafeRawPointer) -> Self
    /// Writes once.
    static func store(_ value: Self, _ address: UnsafeMutableRawPointer)
}

extension UInt16: GuestValue {
    // SAFETY: the caller proved that the whole value lies in guest memory.
    @inline(__always)
    static func load(_ address: UnsafeRawPointer) -> UInt16 { unsafe crte_load_u16(address) }

    @inline(__always)
    static func store(_ value: UInt16, _ address: UnsafeMutableRawPointer) {
        // SAFETY: the caller proved that the whole value lies in guest memory.
        unsafe crte_store_u16(address, value)
    }
}

/// Two 64-bit words: a descriptor of either ring format, before its fields are told apart.
struct GuestWords: GuestValue {
    /// Bytes 0 to 7.
    let first: UInt64
    /// Bytes 8 to 15.
    let second: UInt64

    @inline(__always)
    static func load(_ address: UnsafeRawPointer) -> GuestWords {
        // SAFETY: the caller proved that the whole value lies in guest memory.
        let pair = unsafe crte_load_pair(address)
        return GuestWords(first: pair.first, second: pair.second)
    }

    @inline(__always)
    static func store(_ value: GuestWords, _ address: UnsafeMutableRawPointer) {
        // SAFETY: the caller proved that the whole value lies in guest memory.
        unsafe crte_store_u64(address, value.first)
        unsafe crte_store_u64(address + 8, value.second)
    }
}

extension UInt64: GuestValue {
    // SAFETY: the caller proved that the whole value lies in guest memory.
    @inline(__always)
    static func load(_ address: UnsafeRawPointer) -> UInt64 { unsafe crte_load_u64(address) }

    @inline(__always)
    static func store(_ value: UInt64, _ address: UnsafeMutableRawPointer) {
        // SAFETY: the caller proved that the whole value lies in guest memory.
        unsafe crte_store_u64(address, value)
    }
}

extension UInt32: GuestValue {
    // SAFETY: the caller proved that the whole value lies in guest memory.
    @inline(__always)
    static func load(_ address: UnsafeRawPointer) -> UInt32 { unsafe crte_load_u32(address) }

    @inline(__always)
    static func store(_ value: UInt32, _ address: UnsafeMutableRawPointer) {
        // SAFETY: the caller proved that the whole value lies in guest memory.
        unsafe crte_store_u32(address, value)
    }
}
