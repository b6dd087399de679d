// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A cell of the process that is made when it is first wanted. Where the system has no memory for
/// it, or no descriptors, the next one who wants it tries again: a `static let` would stay without
/// it for good.
struct LazyCell<Value: ~Copyable>: ~Copyable {
    private let lock = SpinLock()
    private let place = AtomicCell<Value>()

    /// Nothing is made yet.
    init() {}

    /// The cell if it was made.
    @inline(__always)
    var existing: HeapCell<Value>? { place.load() }

    /// In a child process, while it has one thread: whoever was about to make the cell does not.
    borrowing func freeInChild() { _ = lock.freeInChild() }

    /// The cell, made if it is new. Throws what `make` throws.
    borrowing func get(
        _ make: () throws(VhostError) -> HeapCell<Value>
    ) throws(VhostError) -> HeapCell<Value> {
        if let found = place.load() { return found }
        lock.lock()
        defer { lock.unlock() }
        if let found = place.load() { return found }
        let made = try make()
        place.store(made)
        return made
    }
}
