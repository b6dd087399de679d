// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// The guest's memory.
extension Handlers {
    /// SET_MEM_TABLE: number of regions, padding, then 32 bytes for each, whose descriptors come in
    /// the same order.
    static func setMemoryTable(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let count = Int(try message.payload.u32())
        _ = try message.payload.u32()
        guard count > 0, count <= GuestMemory.maximumRegionCount else {
            throw .frontend(.badValue)
        }
        guard message.descriptors.count == count else { throw .frontend(.descriptors) }
        // DPDK's frontends send the full table whatever the number of regions.
        guard message.payload.remaining >= count * 32 else { throw .frontend(.malformed) }
        var memory = try GuestMemory()
        for index in 0..<count {
            let description = try region(&message)
            guard let file = message.descriptors.take(index) else {
                throw .frontend(.descriptors)
            }
            try memory.add(try MappedRegion(description, file: file))
        }
        try device.setMemory(memory)
        return .acknowledge
    }

    /// A "memory region description": 32 bytes.
    private static func region(
        _ message: inout Message
    ) throws(VhostError) -> MappedRegion.Description {
        MappedRegion.Description(
            guest: GuestAddress(rawValue: try message.payload.u64()),
            byteCount: try message.payload.u64(),
            frontend: FrontendAddress(rawValue: try message.payload.u64()),
            fileOffset: try message.payload.u64())
    }

    private static func checkSlots(_ device: HeapCell<Device>) throws(VhostError) {
        let features = device.value.protocolFeatures.load(ordering: .relaxed)
        guard features & ProtocolFeature.memorySlots != 0 else { throw .frontend(.badState) }
    }

    /// GET_MAX_MEM_SLOTS
    static func getMaximumMemorySlots(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        try checkSlots(device)
        return .number(UInt64(GuestMemory.maximumSlotCount))
    }

    /// ADD_MEM_REG: eight bytes of padding, a region, and its file.
    static func addMemoryRegion(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        try checkSlots(device)
        _ = try message.payload.u64()
        let description = try region(&message)
        guard let file = message.descriptors.take(0) else { throw .frontend(.descriptors) }
        try device.addMemory(try MappedRegion(description, file: file))
        return .acknowledge
    }

    /// REM_MEM_REG: eight bytes of padding and a region.
    static func removeMemoryRegion(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        try checkSlots(device)
        _ = try message.payload.u64()
        try device.removeMemory(try region(&message))
        return .acknowledge
    }
}
