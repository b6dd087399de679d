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

    private init(unchecked base: UnsafeMutableRawPointer, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// The table of `count` elements from `first` on. A range beyond this one is a bug of ours.
    @inline(__always)
    func part(from first: Int, count: Int) -> GuestArray {
        precondition(first >= 0 && count >= 0 && first <= self.count - count)
        // SAFETY: the slice proved the range; the line above proves the part.
        return unsafe GuestArray(
            unchecked: base + first &* MemoryLayout<Element>.stride, count: count)
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

    /// Four elements from `first` on, the first in the lowest bits. As in `load`.
    @inline(__always)
    func loadFour(_ first: Int) -> UInt64 {
        precondition(first >= 0 && first <= count - 4)
        // SAFETY: the slice proved the range; the line above proves the elements.
        return unsafe UInt64(littleEndian: crte_load_u64(base + first &* 2))
    }

    /// Publishes an index: what we wrote before is visible to whoever reads it.
    @inline(__always)
    func storeRelease(_ value: UInt16, at index: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in loadAcquire.
        unsafe crte_store_release_u16(base + index &* 2, value)
    }
}

/// Descriptors of a packed ring, whose second words say whose they are.
extension GuestArray where Element == GuestWords {
    /// The second word, which another processor publishes: what it wrote before is visible after.
    @inline(__always)
    func loadSecondAcquire(_ index: Int) -> UInt64 {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in load; slices of descriptor rings are aligned, checked when the ring was
        // set up.
        return unsafe crte_load_acquire_u64(base + index &* 16 + 8)
    }

    /// Both words, the second one first, which another processor publishes.
    @inline(__always)
    func loadAcquire(_ index: Int) -> GuestWords {
        let second = loadSecondAcquire(index)
        // SAFETY: the line above proved the index.
        return GuestWords(first: unsafe crte_load_u64(base + index &* 16), second: second)
    }

    /// Publishes the second word: what we wrote before is visible to whoever reads it.
    @inline(__always)
    func storeSecondRelease(_ value: UInt64, at index: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: as in loadSecondAcquire.
        unsafe crte_store_release_u64(base + index &* 16 + 8, value)
    }

    /// Publishes the second words of elements from `first` on, in order: those of `words`, with
    /// `bits`.
    @inline(__always)
    func publishSeconds(_ words: FixedView<UInt64>, from first: Int, with bits: UInt64) {
        precondition(first >= 0 && first <= count &- words.count)
        for index in 0..<words.count {
            // SAFETY: as in loadSecondAcquire; the line above proves all indices.
            unsafe crte_store_release_u64(
                base + (first &+ index) &* 16 + 8, words[index] | bits)
        }
    }
}
