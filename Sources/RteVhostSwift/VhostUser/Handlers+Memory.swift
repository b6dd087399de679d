// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

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
            let description = MappedRegion.Description(
                guest: GuestAddress(rawValue: try message.payload.u64()),
                byteCount: try message.payload.u64(),
                frontend: FrontendAddress(rawValue: try message.payload.u64()),
                fileOffset: try message.payload.u64())
            guard let file = message.descriptors.take(index) else {
                throw .frontend(.descriptors)
            }
            try memory.add(try MappedRegion(description, file: file))
        }
        try device.setMemory(memory)
        return .acknowledge
    }
}
