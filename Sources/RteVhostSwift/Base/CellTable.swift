// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The process's table of 1,024 cells by vid. It is C storage: a global that any thread reads
/// without a `once`.
enum CellTable {
    /// Slots.
    static let count = 1024

    /// The cell in a slot; nil while the slot was never used. The table holds cells of one type
    /// only.
    @inline(__always)
    static func find<Value: ~Copyable>(_ index: Int, of type: Value.Type) -> HeapCell<Value>? {
        guard UInt(bitPattern: index) < UInt(count) else { return nil }
        // SAFETY: the index was checked; `store` put a cell of this type there.
        guard let address = unsafe crte_device_cell(UInt32(truncatingIfNeeded: index)) else {
            return nil
        }
        return unsafe HeapCell(opaque: address)
    }

    /// Fills a slot for good.
    static func store<Value: ~Copyable>(_ cell: HeapCell<Value>, at index: Int) {
        precondition(UInt(bitPattern: index) < UInt(count))
        // SAFETY: checked on the line above.
        unsafe crte_set_device_cell(UInt32(truncatingIfNeeded: index), cell.opaque)
    }
}
