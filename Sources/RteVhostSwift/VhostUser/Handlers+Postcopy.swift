// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Migration of a guest that runs on before its memory is all there. vhost-user, "Postcopy".
extension Handlers {
    /// POSTCOPY_ADVISE: answers with a userfaultfd, or without one where the kernel has none for us.
    static func advisePostcopy(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        var answer = reply(.advisePostcopy, byteCount: 0)
        do throws(VhostError) {
            answer.setDescriptor(try device.advisePostcopy(), at: 0)
            answer.descriptorCount = 1
        } catch {
            guard case .system = error else { throw error }
            Log.error { line in
                line.begin(device.value.path)
                line.add("no userfaultfd for postcopy migration: ")
                line.add(error)
            }
        }
        return .message(answer, nil)
    }

    /// An answer of so many bytes, all 0.
    private static func reply(_ request: Request, byteCount: Int) -> MessageBuffer {
        MessageBuffer(
            request: request.rawValue, flags: 1,
            payloadByteCount: UInt32(truncatingIfNeeded: byteCount))
    }

    /// POSTCOPY_LISTEN
    static func listenPostcopy(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        try device.listenPostcopy()
        return .acknowledge
    }

    /// POSTCOPY_END: answers 0 once nobody waits for pages any more.
    static func endPostcopy(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        guard device.value.postcopy.descriptor != nil else { throw .frontend(.badState) }
        device.endPostcopy()
        return .number(0)
    }

    /// SET_MEM_TABLE while listening: the same payload with our addresses in the place of the
    /// frontend's; once that confirmed them, the memory is the device's. vhost-user,
    /// SET_MEM_TABLE.
    static func answerMemory(
        _ device: HeapCell<Device>, _ memory: consuming GuestMemory, _ order: borrowing RegionOrder,
        byteCount: Int
    ) throws(VhostError) -> Reply {
        var answer = reply(.setMemoryTable, byteCount: max(byteCount, 8 + order.count * 32))
        answer.setPayload(UInt32(order.count), at: 0)
        for index in 0..<order.count {
            let host = try host(of: order[index], in: memory)
            set(order[index], host: host, at: 8 + index * 32, in: &answer)
        }
        try memory.forEachRegion { region throws(VhostError) in try device.watch(region) }
        device.setPending(memory)
        return .message(answer, nil)
    }

    /// ADD_MEM_REG while listening: the same for one region, which may be touched at once: whoever
    /// does waits until the frontend knows where it is.
    static func answerRegion(
        _ device: HeapCell<Device>, _ region: consuming MappedRegion
    ) throws(VhostError) -> Reply {
        let answer = regionAnswer(region.description, host: region.hostAddress)
        try device.watch(region)
        try device.addMemory(region, isTouched: false)
        return answer
    }

    /// Where a region is.
    static func regionAnswer(_ description: MappedRegion.Description, host: UInt64) -> Reply {
        var answer = reply(.addMemoryRegion, byteCount: 40)
        set(description, host: host, at: 8, in: &answer)
        return .message(answer, nil)
    }

    private static func host(
        of description: MappedRegion.Description, in memory: borrowing GuestMemory
    ) throws(VhostError) -> UInt64 {
        guard let index = memory.find(description) else { throw .frontend(.badValue) }
        return UInt64(memory.table[index].host)
    }

    private static func set(
        _ description: MappedRegion.Description, host: UInt64, at offset: Int,
        in answer: inout MessageBuffer
    ) {
        answer.setPayload(description.guest.rawValue, at: offset)
        answer.setPayload(description.byteCount, at: offset + 8)
        answer.setPayload(host, at: offset + 16)
        answer.setPayload(description.fileOffset, at: offset + 24)
    }
}
