// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Some elements of a `FixedBuffer`: two words that a loop keeps in registers, where the buffer
/// itself would be looked up anew after each write to memory. Good for as long as the buffer.
@safe
struct FixedView<Element: BitwiseCopyable>: BitwiseCopyable {
    private let base: UnsafeMutablePointer<Element>

    /// Number of elements.
    let count: Int

    /// For the buffer alone.
    @inline(__always)
    init(proven base: UnsafeMutablePointer<Element>, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// Address of the first element, for C functions that take an array.
    // SAFETY: the address is only handed on.
    var address: UnsafeMutablePointer<Element> { unsafe base }

    /// The element at `index`.
    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // SAFETY: checked on the line above.
            return unsafe base[index]
        }
        nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // SAFETY: checked on the line above.
            unsafe base[index] = newValue
        }
    }
}

extension FixedBuffer where Element: BitwiseCopyable {
    /// `count` elements from `first` on. A range beyond the buffer is a bug of ours.
    @inline(__always)
    func view(from first: Int, count: Int) -> FixedView<Element> {
        precondition(first >= 0 && count >= 0 && first <= self.count - count)
        // SAFETY: within the buffer, by the line above.
        return unsafe FixedView(proven: base + first, count: count)
    }

    /// All of it.
    @inline(__always)
    var view: FixedView<Element> {
        // SAFETY: the buffer has `count` elements.
        unsafe FixedView(proven: base, count: count)
    }
}
