// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A table in guest memory: bounds-checked loads and stores by value. Made once, when a ring's
/// addresses are set.
@safe
struct GuestArray<Element: GuestValue>: BitwiseCopyable {
    private let base: UnsafeMutableRawPointer

    /// Number of elements.
    let count: Int

    /// The elements that fit into `slice`.
    init(_ slice: GuestSlice) {
        // SAFETY: the slice is proven; the table covers no more of it.
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

    /// The bytes of `count` elements from `first` on. A range beyond the table is a bug of ours.
    func slice(from first: Int, count: Int) -> GuestSlice {
        precondition(first >= 0 && count >= 0 && first <= self.count - count)
        let stride = MemoryLayout<Element>.stride
        // SAFETY: the slice proved the range; the line above proves the part.
        return unsafe GuestSlice(proven: base + first * stride, count: count * stride)
    }

    /// Writes one element.
    @inline(__always)
    func store(_ value: Element, at index: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in load.
        unsafe Element.store(value, base + index &* MemoryLayout<Element>.stride)
    }
}

extension GuestArray where Element == UInt16 {
    /// Reads an index that another processor publishes: what it wrote before is visible after.
    @inline(__always)
    func loadAcquire(_ index: Int) -> UInt16 {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in load; slices of 16-bit tables are aligned, checked when the ring was set
        // up.
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

extension GuestArray where Element == UInt64 {
    /// Reads a word that another processor publishes: what it wrote before is visible after.
    @inline(__always)
    func loadAcquire(_ index: Int) -> UInt64 {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in load; slices of descriptor rings are aligned, checked when the ring was
        // set up.
        return unsafe crte_load_acquire_u64(base + index &* 8)
    }

    /// Publishes a word: what we wrote before is visible to whoever reads it.
    @inline(__always)
    func storeRelease(_ value: UInt64, at index: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in loadAcquire.
        unsafe crte_store_release_u64(base + index &* 8, value)
    }
}
