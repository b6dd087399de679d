// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A cell of a type that the holder does not know: how a lower layer keeps what belongs to a higher
/// one.
@safe
struct OpaqueCell: @unchecked Sendable {
    private let address: UnsafeMutableRawPointer

    /// Forgets the type.
    // SAFETY: a cell lives for ever; its address is only kept.
    init<Value: ~Copyable>(_ cell: HeapCell<Value>) { unsafe address = cell.opaque }

    /// The cell again; for the layer that made it, which knows the type.
    @inline(__always)
    func cell<Value: ~Copyable>(of type: Value.Type) -> HeapCell<Value> {
        // SAFETY: the layer that made the cell names its type.
        unsafe HeapCell(opaque: address)
    }
}
