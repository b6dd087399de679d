// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A value at a fixed address that lives as long as the process: devices, queues and drivers are
/// recycled, never freed, so a stale handle finds a closed value and never freed memory.
///
/// The lock that guards the value lies in front of it, not in it: a mutating call has the value for
/// itself, while other threads try the lock. Of what different threads own, each uses fields of its
/// own; ThreadSanitizer takes a mutating call for a write of the value's first byte, so the first
/// field is one that only those touch who may change the value.
@safe
struct HeapCell<Value: ~Copyable>: @unchecked Sendable {
    private let pointer: UnsafeMutablePointer<Value>

    /// Puts a value on the heap for good. Throws `outOfMemory`.
    init(_ value: consuming Value) throws(VhostError) {
        precondition(MemoryLayout<Value>.alignment <= Self.offset)
        precondition(MemoryLayout<SpinLock>.size <= Self.offset)
        let bytes = Self.offset + MemoryLayout<Value>.size
        // SAFETY: the allocation has room for the lock and Value behind it, both aligned; it is
        // never freed.
        guard let raw = unsafe aligned_alloc(64, (bytes + 63) & ~63) else { throw .outOfMemory }
        unsafe raw.bindMemory(to: SpinLock.self, capacity: 1).initialize(to: SpinLock())
        unsafe pointer = (raw + Self.offset).bindMemory(to: Value.self, capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    /// Bytes from the lock to the value, which shares its cache line.
    private static var offset: Int { 16 }

    /// The cell whose address `opaque` gave.
    init(opaque: UnsafeMutableRawPointer) {
        // SAFETY: only `opaque` makes such an address, of a cell of the same type.
        unsafe pointer = opaque.assumingMemoryBound(to: Value.self)
    }

    /// The address, for tables in C and for epoll.
    // SAFETY: the address is only handed on.
    var opaque: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(pointer) }

    /// What guards the value, wherever it is not one thread's.
    var lock: SpinLock {
        @_transparent unsafeAddress {
            // SAFETY: init put a lock there, never freed.
            unsafe UnsafePointer(
                (UnsafeRawPointer(pointer) - Self.offset).assumingMemoryBound(
                    to: SpinLock.self))
        }
    }

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

extension HeapCell: Equatable where Value: ~Copyable {
    /// True when both are the same cell.
    static func == (left: HeapCell, right: HeapCell) -> Bool {
        // SAFETY: addresses are compared, not followed.
        unsafe left.pointer == right.pointer
    }
}
