// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// All devices of the process by vid.
enum DeviceTable {
    /// Most devices: as in DPDK 21.08.
    static let maximumCount = CellTable.count

    /// The open device with this vid.
    @inline(__always)
    static func find(_ vid: Int32) -> HeapCell<Device>? {
        guard let cell = CellTable.find(Int(vid), of: Device.self),
            cell.value.isOpen.load(ordering: .acquiring)
        else { return nil }
        return cell
    }

    /// The open device with this vid and one of its queues. Throws `notFound`.
    static func queue(
        _ vid: Int32, _ queue: UInt16
    ) throws(VhostError) -> (HeapCell<Device>, HeapCell<VirtQueue>) {
        guard let device = find(vid), let cell = device.value.queue(Int(queue)) else {
            throw .notFound
        }
        return (device, cell)
    }

    /// The device with this vid if its connection is gone and an engine still works on it. Event
    /// thread.
    static func draining(_ vid: Int) -> HeapCell<Device>? {
        guard let cell = CellTable.find(vid, of: Device.self), cell.value.isDraining else {
            return nil
        }
        return cell
    }

    /// No vid below is closed: the next connection costs the same however many there are.
    private static let lowestClosed = Atomic<Int>(0)

    /// A vid may be used again. Event thread.
    static func noteClosed(_ vid: Int32) {
        guard Int(vid) < lowestClosed.load(ordering: .relaxed) else { return }
        lowestClosed.store(Int(vid), ordering: .relaxed)
    }

    /// Connections so far. Event thread.
    private static let connectionCount = Atomic<UInt64>(0)

    /// Opens a device for a connection, which gets its number first.
    private static func open(_ cell: HeapCell<Device>) {
        let number = connectionCount.load(ordering: .relaxed) &+ 1
        connectionCount.store(number, ordering: .relaxed)
        cell.value.connectionNumber.store(number, ordering: .relaxed)
        cell.value.isOpen.store(true, ordering: .releasing)
    }

    /// True while a device with this vid is open, and its connection is the one of that number.
    static func has(_ vid: Int, connection number: UInt64) -> Bool {
        guard let cell = find(Int32(truncatingIfNeeded: vid)) else { return false }
        return cell.value.connectionNumber.load(ordering: .relaxed) == number
    }

    /// The lowest closed device, opened. Event thread. Throws `limitReached`, `outOfMemory`.
    static func open(hooks: DatapathHooks) throws(VhostError) -> HeapCell<Device> {
        for vid in lowestClosed.load(ordering: .relaxed)..<maximumCount {
            lowestClosed.store(vid, ordering: .relaxed)
            guard let cell = CellTable.find(vid, of: Device.self) else {
                let cell = try HeapCell(try Device(vid: Int32(vid), hooks: hooks))
                open(cell)
                CellTable.store(cell, at: vid)
                return cell
            }
            if !cell.value.isOpen.load(ordering: .acquiring) && !cell.value.isDraining {
                open(cell)
                return cell
            }
        }
        throw .limitReached
    }
}
