// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// What is told of a device.
struct DeviceFacts {
    /// Its number.
    let vid: Int32
    /// The connection's.
    let connection: UInt64
    /// The driver's socket.
    let path: SocketPath
    /// Between `new_device` and `destroy_device`.
    let isRunning: Bool
    /// The connection is gone, and an engine still copies.
    let isDraining: Bool
    /// Negotiated features.
    let features: UInt64
    /// Negotiated protocol features.
    let protocolFeatures: UInt64
    /// What the driver offers.
    let offeredFeatures: UInt64
    /// What the driver offers.
    let offeredProtocolFeatures: UInt64
    /// RTE_VHOST_USER_…
    let flags: DriverFlags
    /// The built-in net backend serves it.
    let isNet: Bool
    /// Hardware serves it.
    let hasHardware: Bool
    /// NET_SET_MTU, or 0.
    let mtu: UInt32
    /// SET_STATUS, or -1.
    let status: Int32
    /// Queues that messages named.
    let queueCount: Int
    /// Requests can be sent to the frontend.
    let hasBackendChannel: Bool
    /// A postcopy migration: pages may be missing, and are not to be touched.
    let isPostcopy: Bool
    /// Where the regions of its memory lie.
    let tableAddress: UInt
    /// Whose messages they are.
    private let historyCell: HeapCell<DeviceHistory>
    /// The device itself, and what told before the look whether its memory changes.
    private let cell: HeapCell<Device>
    private let memoryMark: UInt64?

    /// Of an image of a cell's device.
    private init(
        _ device: borrowing Device, in cell: HeapCell<Device>, _ memoryMark: UInt64?
    ) {
        self.cell = cell
        self.memoryMark = memoryMark
        vid = device.vid
        connection = device.connectionNumber.load(ordering: .relaxed)
        path = device.path
        isRunning = device.isRunning.load(ordering: .relaxed)
        isDraining = device.isDraining
        features = device.features.load(ordering: .relaxed)
        protocolFeatures = device.protocolFeatures.load(ordering: .relaxed)
        offeredFeatures = device.offeredFeatures
        offeredProtocolFeatures = device.offeredProtocolFeatures
        flags = device.flags
        isNet = device.isNet.load(ordering: .relaxed)
        hasHardware = device.vdpa != nil
        mtu = device.mtu.load(ordering: .relaxed)
        status = device.status.load(ordering: .relaxed)
        queueCount = device.queueCount.load(ordering: .relaxed)
        hasBackendChannel = device.backendChannel.isOpen
        isPostcopy = device.postcopy.isListening
        tableAddress = device.memory.table.address
        historyCell = device.history
    }

    /// Of a device that the event thread may be changing; not the lock that changes of its memory
    /// take, because they hold those of all its queues meanwhile.
    static func look(
        at device: HeapCell<Device>, _ scratch: borrowing FixedBuffer<UInt64>
    ) -> DeviceFacts {
        // Before the look at where the memory's table is.
        let mark = device.value.memoryChanges.mark
        return device.settled(scratch, { $0.isSame(as: $1) }) {
            DeviceFacts($0, in: device, mark)
        }
    }

    /// True when the memory is still what it was before the look. What was read through the table's
    /// address, or a ring's, in between was the device's own: nothing is freed or unmapped, and no
    /// allocation in its place shown, but after a change has begun.
    var hasSameMemory: Bool { cell.value.memoryChanges.isSame(since: memoryMark) }

    /// What its frontend said: a copy under a lock that no burst takes.
    var history: DeviceHistory {
        historyCell.lock.withLock { historyCell.value }
    }

    private func isSame(as other: DeviceFacts) -> Bool {
        connection == other.connection && path == other.path
            && tableAddress == other.tableAddress && features == other.features
            && queueCount == other.queueCount
    }
}
