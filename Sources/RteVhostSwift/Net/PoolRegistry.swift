// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The process's own pools by name.
enum PoolRegistry {
    /// Most pools at a time.
    private static let maximumCount = 256

    /// The table; its cell's lock is held while names are compared and pools made.
    @safe
    private struct Table: ~Copyable {
        // SAFETY: a pool is in the table exactly while it exists.
        var pools = unsafe InlineArray<256, UnsafeMutablePointer<rte_mempool>?>(repeating: nil)
    }

    private static let table = LazyCell<Table>()

    /// Makes a pool under a name of 1 to 25 bytes. Throws `invalidArgument`, `nameTooLong`,
    /// `exists`, `limitReached`, `outOfMemory` and what `make` throws.
    static func create(
        _ name: UnsafePointer<CChar>?, _ make: () throws(VhostError) -> OwnPool
    ) throws(VhostError) -> OwnPool {
        let table = try table.get { () throws(VhostError) in try HeapCell(Table()) }
        guard let name = unsafe name, unsafe name[0] != 0 else { throw .invalidArgument }
        // RTE_MEMPOOL_NAMESIZE, the closing zero included.
        guard unsafe strnlen(name, 26) < 26 else { throw .system(ENAMETOOLONG) }
        table.lock.lock()
        defer { table.lock.unlock() }
        guard unsafe index(of: name, in: table) == nil else { throw .exists }
        guard let free = firstFree(in: table) else { throw .limitReached }
        let pool = try make()
        // SAFETY: the name fits with its zero; the pool's 32 bytes were zeroed.
        unsafe strncpy(
            UnsafeMutableRawPointer(pool.address).assumingMemoryBound(to: CChar.self), name, 26)
        unsafe table.value.pools[free] = pool.address
        return pool
    }

    /// The pool of a name.
    static func find(_ name: UnsafePointer<CChar>?) -> OwnPool? {
        // SAFETY: a pool in the table exists.
        guard let table = table.existing, let name = unsafe name else { return nil }
        table.lock.lock()
        defer { table.lock.unlock() }
        guard let index = unsafe index(of: name, in: table),
            let pool = unsafe table.value.pools[index]
        else { return nil }
        return unsafe OwnPool(pool)
    }

    /// Forgets and frees a pool that `create` made; anything else is left alone.
    static func remove(_ pool: OwnPool) {
        guard let table = table.existing else { return }
        table.lock.lock()
        defer { table.lock.unlock() }
        for index in 0..<maximumCount
        // SAFETY: addresses are compared under the lock.
        where unsafe table.value.pools[index] == pool.address {
            unsafe table.value.pools[index] = nil
            pool.destroy()
            return
        }
    }

    private static func index(
        of name: UnsafePointer<CChar>, in table: HeapCell<Table>
    ) -> Int? {
        for index in 0..<maximumCount {
            guard let pool = unsafe table.value.pools[index] else { continue }
            // SAFETY: a pool begins with its name, zero-terminated.
            let other = unsafe UnsafeRawPointer(pool).assumingMemoryBound(to: CChar.self)
            if unsafe strcmp(other, name) == 0 { return index }
        }
        return nil
    }

    private static func firstFree(in table: HeapCell<Table>) -> Int? {
        // SAFETY: addresses are compared under the lock.
        for index in 0..<maximumCount where unsafe table.value.pools[index] == nil {
            return index
        }
        return nil
    }
}
