// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A message as it came, before anybody looked at more than its length.
struct RawMessage: ~Copyable {
    /// The twelve bytes in front.
    private(set) var header: MessageHeader
    private var payload: MessageBytes
    private var descriptors: ReceivedDescriptors

    /// What a connection assembled.
    init(
        header: MessageHeader, payload: MessageBytes,
        descriptors: consuming ReceivedDescriptors
    ) {
        self.header = header
        self.payload = payload
        self.descriptors = descriptors
    }

    /// Checks size and descriptors against the request's row. Throws `malformed`, `descriptors`.
    func check(_ entry: RequestEntry) throws(VhostError) {
        let byteCount = Int(header.payloadByteCount)
        guard entry.payload.contains(byteCount) else { throw .frontend(.malformed) }
        guard entry.descriptors.contains(descriptors.count) else {
            throw .frontend(.descriptors)
        }
    }

    /// The one way from bytes to a message: size and descriptors fit the request's row. Throws
    /// `malformed`, `descriptors`; the descriptors are closed then.
    consuming func parse(_ entry: RequestEntry) throws(VhostError) -> Message {
        try check(entry)
        return Message(
            request: entry.request,
            payload: ByteReader(payload, count: Int(header.payloadByteCount)),
            descriptors: descriptors)
    }
}

extension RawMessage {
    /// The highest number among the descriptors; -1 without any.
    var highestDescriptor: Int32 {
        var highest: Int32 = -1
        for index in 0..<descriptors.count {
            highest = max(highest, descriptors.number(at: index))
        }
        return highest
    }

    /// A reader of the payload.
    var reader: ByteReader { ByteReader(payload, count: Int(header.payloadByteCount)) }

    /// The message as the application's handlers see it. Throws `descriptors` when it has more of
    /// them than any request.
    func buffer() throws(VhostError) -> MessageBuffer {
        guard descriptors.count <= MessageBuffer.descriptorLimit else {
            throw .frontend(.descriptors)
        }
        var buffer = MessageBuffer(
            request: header.request, flags: header.flags,
            payloadByteCount: header.payloadByteCount)
        for index in 0..<Int(header.payloadByteCount) { buffer[index] = payload[index] }
        buffer.descriptorCount = Int32(descriptors.count)
        for index in 0..<descriptors.count {
            buffer.setDescriptor(descriptors.number(at: index), at: index)
        }
        return buffer
    }

    /// Takes over what a handler changed: the payload, and descriptors that it keeps by putting -1
    /// in their place.
    mutating func adopt(_ buffer: MessageBuffer) {
        let byteCount = min(buffer.payloadByteCount, UInt32(MessageBuffer.payloadLimit))
        header.payloadByteCount = byteCount
        for index in 0..<Int(byteCount) { payload[index] = buffer[index] }
        for index in 0..<min(descriptors.count, MessageBuffer.descriptorLimit)
        where buffer.descriptor(at: index) < 0 {
            descriptors.release(index)
        }
    }
}
