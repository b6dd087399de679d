// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// GET_CONFIG and SET_CONFIG: the driver of hardware does them where it has the operations, as in
/// DPDK 22.11; else the application's handlers, or nobody.
extension Handlers {
    /// The head of both payloads. Throws `malformed` for a piece beyond what there can be.
    private static func piece(
        _ message: inout Message
    ) throws(VhostError) -> (offset: Int, count: Int, flags: UInt32) {
        let offset = Int(try message.payload.u32())
        let count = Int(try message.payload.u32())
        let flags = try message.payload.u32()
        guard offset <= ConfigurationSpace.limit, count <= ConfigurationSpace.limit - offset
        else { throw .frontend(.malformed) }
        return (offset, count, flags)
    }

    /// GET_CONFIG. Throws `refused` when the driver fails.
    static func getConfiguration(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        guard let space = device.value.vdpa?.additions.configuration else { return .unhandled }
        let (offset, count, flags) = try piece(&message)
        // The driver knows no offset: what lies before the piece is read and left out.
        guard let bytes = space.read(device.value.vid, count: offset + count) else {
            throw .frontend(.refused)
        }
        var answer = MessageBuffer(
            request: message.request.rawValue, flags: 0, payloadByteCount: UInt32(12 + count))
        answer.setPayload(UInt32(offset), at: 0)
        answer.setPayload(UInt32(count), at: 4)
        answer.setPayload(flags, at: 8)
        for index in 0..<count { answer[12 + index] = bytes[offset + index] }
        return .message(answer, nil)
    }

    /// SET_CONFIG. Throws `refused` when the driver does.
    static func setConfiguration(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        guard let space = device.value.vdpa?.additions.configuration else { return .unhandled }
        let (offset, count, flags) = try piece(&message)
        var bytes = ConfigurationSpace.Bytes(repeating: 0)
        for index in 0..<count { bytes[index] = try message.payload.u8() }
        guard
            space.write(device.value.vid, bytes, offset: offset, count: count, flags: flags)
        else { throw .frontend(.refused) }
        return .acknowledge
    }
}
