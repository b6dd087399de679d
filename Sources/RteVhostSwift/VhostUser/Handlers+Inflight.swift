// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The record of chains in flight, which outlives this process: INFLIGHT_SHMFD.
extension Handlers {
    /// The payload of GET_INFLIGHT_FD and SET_INFLIGHT_FD: bytes and offset of the area, queues and
    /// slots of each. Throws `badValue` for queues that the device cannot have.
    private static func area(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> (byteCount: UInt64, offset: UInt64, shape: InflightShape) {
        let byteCount = try message.payload.u64()
        let offset = try message.payload.u64()
        let word = try message.payload.u32()
        let shape = InflightShape(
            queueCount: Int(word & 0xffff), size: Int(word >> 16),
            isPacked: device.hasPackedRings)
        let limit = min(Int(device.value.offeredQueuePairs) * 2, Device.maximumQueueCount)
        guard shape.queueCount > 0, shape.queueCount <= limit, shape.size > 0,
            shape.size <= 32_768
        else { throw .frontend(.badValue) }
        return (byteCount, offset, shape)
    }

    /// GET_INFLIGHT_FD: a new file, which the frontend keeps and sends back with SET_INFLIGHT_FD.
    /// It is blank (version 0 in each region) until the rings start.
    static func getInflight(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let payloadByteCount = UInt32(message.payload.remaining)
        let shape = try area(device, &message).shape
        let file = try System.makeSharedFile(byteCount: shape.byteCount)
        var answer = MessageBuffer(
            request: message.request.rawValue, flags: 0, payloadByteCount: payloadByteCount)
        answer.setPayload(UInt64(shape.byteCount), at: 0)
        answer.setPayload(UInt64(0), at: 8)
        answer.setPayload(UInt32(shape.queueCount | shape.size << 16), at: 16)
        answer.descriptorCount = 1
        answer.setDescriptor(file.number, at: 0)
        return .message(answer, file)
    }

    /// SET_INFLIGHT_FD, before the rings start.
    static func setInflight(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let (byteCount, offset, shape) = try area(device, &message)
        guard let file = message.descriptors.take(0) else { throw .frontend(.descriptors) }
        try device.setInflight(
            try InflightArea(shape, offset: offset, byteCount: byteCount, file: file))
        return .acknowledge
    }
}
