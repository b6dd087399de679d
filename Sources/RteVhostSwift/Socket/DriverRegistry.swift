// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// All registered sockets of the process, by path: a hash table of chains, so that the thousandth
/// costs what the first did. The cell's lock is held for short whenever a driver is looked up or
/// changed; never while a callback runs.
struct DriverRegistry: ~Copyable {
    /// Most sockets: as in DPDK 21.08.
    static let maximumCount = 1024

    private var drivers = InlineArray<1024, HeapCell<Driver>?>(repeating: nil)
    private var used = 0
    /// The first driver of each chain, or -1.
    private var chains = InlineArray<1024, Int>(repeating: -1)
    /// The first free cell among those that were used, or -1.
    private var firstFree = -1

    /// An empty registry.
    init() {}

    private static func chain(of path: SocketPath) -> Int {
        Int(path.hash % UInt32(maximumCount))
    }

    /// Index and cell of the driver of a path. Lock held.
    func find(_ path: SocketPath) -> (index: Int, cell: HeapCell<Driver>)? {
        var index = chains[Self.chain(of: path)]
        while let cell = cell(index) {
            if cell.value.path == path { return (index, cell) }
            index = cell.value.next
        }
        return nil
    }

    /// The cell at an index. Lock held.
    func cell(_ index: Int) -> HeapCell<Driver>? {
        index >= 0 && index < used ? drivers[index] : nil
    }

    /// Cells that were ever used.
    var count: Int { used }

    /// A cell for a path that is not registered. Lock held. Throws `limitReached`, `outOfMemory`.
    mutating func claim(_ path: SocketPath) throws(VhostError) -> HeapCell<Driver> {
        let index: Int
        let cell: HeapCell<Driver>
        if let free = self.cell(firstFree) {
            try free.value.openAccount(path)
            index = firstFree
            cell = free
            firstFree = free.value.next
        } else {
            guard used < Self.maximumCount else { throw .limitReached }
            index = used
            if let made = drivers[index] { cell = made } else { cell = try HeapCell(Driver()) }
            drivers[index] = cell
            try cell.value.openAccount(path)
            used += 1
        }
        let chain = Self.chain(of: path)
        cell.value.path = path
        cell.value.next = chains[chain]
        chains[chain] = index
        return cell
    }

    /// Frees a registered driver's cell. Lock held.
    mutating func release(_ driver: HeapCell<Driver>) {
        guard let (index, _) = find(driver.value.path) else { return }
        let chain = Self.chain(of: driver.value.path)
        if chains[chain] == index {
            chains[chain] = driver.value.next
        } else {
            // Bounded by the chain, in which the driver was found.
            var before = cell(chains[chain])
            while let link = before, link.value.next != index { before = cell(link.value.next) }
            before?.value.next = driver.value.next
        }
        driver.value.reset()
        driver.value.next = firstFree
        firstFree = index
    }
}
