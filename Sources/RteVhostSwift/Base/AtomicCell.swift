// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A place for a cell, or none, that threads read while another one changes it.
struct AtomicCell<Value: ~Copyable>: ~Copyable {
    private let word = Atomic<UInt>(0)

    /// An empty place.
    init() {}

    /// The cell, with everything that was written to it before it was put here.
    @inline(__always)
    borrowing func load() -> HeapCell<Value>? {
        let address = word.load(ordering: .acquiring)
        guard let opaque = unsafe UnsafeMutableRawPointer(bitPattern: address) else { return nil }
        // SAFETY: `store` put the address of a cell of this type there; cells are never freed.
        return unsafe HeapCell(opaque: opaque)
    }

    /// Puts a cell here, or none.
    borrowing func store(_ cell: HeapCell<Value>?) {
        // SAFETY: the address is kept as a number.
        let address = cell.map { unsafe UInt(bitPattern: $0.opaque) }
        word.store(address ?? 0, ordering: .releasing)
    }
}
