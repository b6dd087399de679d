// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The guest's memory.
extension Handlers {
    /// SET_MEM_TABLE: number of regions, padding, then 32 bytes for each, whose descriptors come in
    /// the same order.
    static func setMemoryTable(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let byteCount = message.payload.remaining
        let isListening = device.value.postcopy.isListening
        if isListening, byteCount == 0 || byteCount == 8 {
            return try confirmMemory(device, &message)
        }
        let count = Int(try message.payload.u32())
        _ = try message.payload.u32()
        guard count > 0, count <= GuestMemory.maximumRegionCount else {
            throw .frontend(.badValue)
        }
        guard message.descriptors.count == count else { throw .frontend(.descriptors) }
        // DPDK's frontends send the full table whatever the number of regions.
        guard message.payload.remaining >= count * 32 else { throw .frontend(.malformed) }
        var memory = try GuestMemory()
        var order = RegionOrder()
        for index in 0..<count {
            let description = try region(&message)
            guard let file = message.descriptors.take(index) else {
                throw .frontend(.descriptors)
            }
            order.append(description)
            try memory.add(try MappedRegion(description, file: file))
        }
        guard !isListening else {
            return try answerMemory(device, memory, order, byteCount: byteCount)
        }
        try device.setMemory(memory)
        return .acknowledge
    }

    /// The frontend's answer to our answer: it knows where the regions are. Empty in the
    /// specification, a 0 of eight bytes from QEMU.
    private static func confirmMemory(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        guard message.descriptors.count == 0 else { throw .frontend(.descriptors) }
        if message.payload.remaining == 8 {
            guard try message.payload.u64() == 0 else { throw .frontend(.badValue) }
        }
        try device.confirmPending()
        return .nothing
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

    /// GET_MAX_MEM_SLOTS
    static func getMaximumMemorySlots(
        _: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        .number(UInt64(GuestMemory.maximumSlotCount))
    }

    /// ADD_MEM_REG: eight bytes of padding, a region, and its file.
    static func addMemoryRegion(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let isListening = device.value.postcopy.isListening
        if isListening, message.payload.remaining == 8 {
            // QEMU confirms the regions of several messages by one such answer.
            guard message.descriptors.count == 0 else { throw .frontend(.descriptors) }
            guard try message.payload.u64() == 0 else { throw .frontend(.badValue) }
            device.startWaitingRings()
            return .nothing
        }
        guard message.payload.remaining == 40 else { throw .frontend(.malformed) }
        _ = try message.payload.u64()
        let description = try region(&message)
        guard let file = message.descriptors.take(0) else { throw .frontend(.descriptors) }
        // Before it is compared, with the device's lock held.
        try FileInquiry.check(file)
        if let host = try device.addMemoryAgain(description, file) {
            return isListening ? regionAnswer(description, host: host) : .acknowledge
        }
        let mapped = try MappedRegion(description, file: file)
        guard !isListening else { return try answerRegion(device, mapped) }
        try device.addMemory(mapped)
        return .acknowledge
    }

    /// REM_MEM_REG: eight bytes of padding and a region.
    static func removeMemoryRegion(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        _ = try message.payload.u64()
        try device.removeMemory(try region(&message))
        return .acknowledge
    }
}
