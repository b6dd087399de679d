// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A value that is read from, and written to, guest memory in exactly one access, or in one access for each of its
/// words.
protocol GuestValue: BitwiseCopyable {
    /// Reads once.
    static func load(_ address: UnsafeRawPointer) -> Self
    /// Writes once.
    static func store(_ value: Self, _ address: UnsafeMutableRawPointer)
}

/// A table in guest memory: bounds-checked loads and stores by value. Made once, when a ring's addresses are set.
@safe
struct GuestArray<Element: GuestValue>: BitwiseCopyable {
    private let base: UnsafeMutableRawPointer

    /// Number of elements.
    let count: Int

    /// The elements that fit into `slice`.
    init(_ slice: GuestSlice) {
        unsafe base = slice.base
        count = slice.count / MemoryLayout<Element>.stride
    }

    /// One element, read once. An index out of range is a bug of ours: rings mask or check first.
    @inline(__always)
    func load(_ index: Int) -> Element {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: the slice proved the range; the line above proves the index.
        return unsafe Element.load(base + index &* MemoryLayout<Element>.stride)
    }

    /// Writes one element.
    @inline(__always)
    func store(_ value: Element, at index: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in load.
        unsafe Element.store(value, base + index &* MemoryLayout<Element>.stride)
    }

    /// Asks the processor for the element's cache line.
    @inline(__always)
    func prefetch(_ index: Int) {
        // SAFETY: a prefetch has no effect but on caches, wherever it points.
        unsafe crte_prefetch(base + index &* MemoryLayout<Element>.stride)
    }
}

extension GuestArray where Element == UInt16 {
    /// Reads an index that another processor publishes: what it wrote before is visible after.
    @inline(__always)
    func loadAcquire(_ index: Int) -> UInt16 {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in load; slices of 16-bit tables are aligned, checked when the ring was set up.
        return unsafe crte_load_acquire_u16(base + index &* 2)
    }

    /// Publishes an index: what we wrote before is visible to whoever reads it.
    @inline(__always)
    func storeRelease(_ value: UInt16, at index: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in loadAcquire.
        unsafe crte_store_release_u16(base + index &* 2, value)
    }
}

extension UInt16: GuestValue {
    @inline(__always)
    static func load(_ address: UnsafeRawPointer) -> UInt16 { unsafe crte_load_u16(address) }

    @inline(__always)
    static func store(_ value: UInt16, _ address: UnsafeMutableRawPointer) {
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
        let pair = unsafe crte_load_pair(address)
        return GuestWords(first: pair.first, second: pair.second)
    }

    @inline(__always)
    static func store(_ value: GuestWords, _ address: UnsafeMutableRawPointer) {
        unsafe crte_store_u64(address, value.first)
        unsafe crte_store_u64(address + 8, value.second)
    }
}

extension UInt64: GuestValue {
    @inline(__always)
    static func load(_ address: UnsafeRawPointer) -> UInt64 { unsafe crte_load_u64(address) }

    @inline(__always)
    static func store(_ value: UInt64, _ address: UnsafeMutableRawPointer) {
        unsafe crte_store_u64(address, value)
    }
}
