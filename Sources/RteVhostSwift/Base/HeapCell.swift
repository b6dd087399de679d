// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A value at a fixed address that lives as long as the process: devices, queues and drivers are
/// recycled, never freed, so a stale handle finds a closed value and never freed memory.
@safe
struct HeapCell<Value: ~Copyable>: @unchecked Sendable {
    private let pointer: UnsafeMutablePointer<Value>

    /// Puts a value on the heap for good. Throws `outOfMemory`.
    init(_ value: consuming Value) throws(VhostError) {
        let bytes = MemoryLayout<Value>.size
        // SAFETY: the allocation has the size and at least the alignment of Value; it is never
        // freed.
        guard let raw = unsafe aligned_alloc(64, (bytes + 63) & ~63) else { throw .outOfMemory }
        unsafe pointer = raw.bindMemory(to: Value.self, capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    /// The cell whose address `opaque` gave.
    init(opaque: UnsafeMutableRawPointer) {
        // SAFETY: only `opaque` makes such an address, of a cell of the same type.
        unsafe pointer = opaque.assumingMemoryBound(to: Value.self)
    }

    /// The address, for tables in C and for epoll.
    // SAFETY: the address is only handed on.
    var opaque: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(pointer) }

    /// The value in place.
    var value: Value {
        @_transparent unsafeAddress {
            // SAFETY: initialised in init, never freed.
            unsafe UnsafePointer(pointer)
        }
        @_transparent nonmutating unsafeMutableAddress {
            // SAFETY: as above.
            unsafe pointer
        }
    }
}

extension HeapCell where Value: ~Copyable {
    /// True when both are the same cell.
    static func == (left: HeapCell, right: HeapCell) -> Bool {
        // SAFETY: addresses are compared, not followed.
        unsafe left.pointer == right.pointer
    }
}
