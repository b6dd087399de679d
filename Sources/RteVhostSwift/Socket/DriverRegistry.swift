// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// All registered sockets of the process.
struct DriverRegistry: ~Copyable {
    /// Most sockets: as in DPDK 21.08.
    static let maximumCount = 1024

    /// Held for short whenever a driver is looked up or changed; never while a callback runs.
    let lock = SpinLock()
    private var drivers = InlineArray<1024, HeapCell<Driver>?>(repeating: nil)
    private var used = 0

    /// An empty registry.
    init() {}

    /// Index and cell of the driver of a path. Lock held.
    func find(_ path: SocketPath) -> (index: Int, cell: HeapCell<Driver>)? {
        for index in 0..<used {
            guard let cell = drivers[index], cell.value.state != .unused,
                cell.value.path == path
            else { continue }
            return (index, cell)
        }
        return nil
    }

    /// The cell at an index. Lock held.
    func cell(_ index: Int) -> HeapCell<Driver>? {
        index >= 0 && index < used ? drivers[index] : nil
    }

    /// Cells that were ever used.
    var count: Int { used }

    /// A free cell. Lock held. Throws `limitReached`, `outOfMemory`.
    mutating func claim() throws(VhostError) -> HeapCell<Driver> {
        for index in 0..<used {
            if let cell = drivers[index], cell.value.state == .unused { return cell }
        }
        guard used < Self.maximumCount else { throw .limitReached }
        let cell = try HeapCell(Driver())
        drivers[used] = cell
        used += 1
        return cell
    }
}
