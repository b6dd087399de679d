// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A buffer sized once and bounds-checked on each access. An index out of range is a bug of this
/// library, never a guest's doing: what guests write is masked or checked before it becomes an
/// index.
@safe
struct FixedBuffer<Element>: ~Copyable, @unchecked Sendable {
    private let storage: UnsafeMutablePointer<Element>

    /// Number of elements.
    let count: Int

    /// A buffer of `count` copies of `value`, aligned to a cache line. Throws `outOfMemory`.
    init(count: Int, repeating value: Element) throws(VhostError) {
        precondition(count >= 0)
        self.count = count
        guard count > 0 else {
            // SAFETY: as in init().
            unsafe storage = UnsafeMutablePointer(bitPattern: 64)!
            return
        }
        let bytes = count * MemoryLayout<Element>.stride
        // SAFETY: the allocation holds `count` elements, all initialised below; deinit frees it.
        guard let raw = unsafe aligned_alloc(64, (bytes + 63) & ~63) else { throw .outOfMemory }
        unsafe storage = raw.bindMemory(to: Element.self, capacity: count)
        unsafe storage.initialize(repeating: value, count: count)
    }

    /// A buffer without elements and without memory.
    init() {
        // SAFETY: no element of an empty buffer is ever touched; free does not see it.
        unsafe storage = UnsafeMutablePointer(bitPattern: 64)!
        count = 0
    }

    // SAFETY: allocated by init, freed once; an empty one has nothing.
    deinit { if count > 0 { unsafe free(storage) } }

    /// The element at `index`.
    subscript(index: Int) -> Element {
        @inline(__always) get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // SAFETY: checked on the line above.
            return unsafe storage[index]
        }
        @inline(__always) nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // SAFETY: checked on the line above.
            unsafe storage[index] = newValue
        }
    }

    /// Address of the first element, for C functions that take an array.
    var base: UnsafeMutablePointer<Element> {
        @inline(__always) get { unsafe storage }
    }
}
