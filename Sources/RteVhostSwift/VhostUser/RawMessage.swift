// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A message as it came, before anybody looked at more than its length.
struct RawMessage: ~Copyable {
    /// The twelve bytes in front.
    let header: MessageHeader
    private let payload: InlineArray<512, UInt8>
    private var descriptors: ReceivedDescriptors

    /// What a connection assembled.
    init(
        header: MessageHeader, payload: InlineArray<512, UInt8>,
        descriptors: consuming ReceivedDescriptors
    ) {
        self.header = header
        self.payload = payload
        self.descriptors = descriptors
    }

    /// The one way from bytes to a message: size and descriptors fit the request's row. Throws
    /// `unknownRequest`, `malformed`, `descriptors`; the descriptors are closed then.
    consuming func parse(_ entry: RequestEntry) throws(VhostError) -> Message {
        let byteCount = Int(header.payloadByteCount)
        guard entry.payload.contains(byteCount) else { throw .frontend(.malformed) }
        guard entry.descriptors.contains(descriptors.count) else {
            throw .frontend(.descriptors)
        }
        return Message(
            request: entry.request, payload: ByteReader(payload, count: byteCount),
            descriptors: descriptors)
    }
}
