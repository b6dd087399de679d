// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Bytes and descriptors of a vhost-user socket: assembles messages however the peer cuts them,
/// never waits.
struct Connection: ~Copyable {
    private let socket: FileDescriptor
    private var header = MessageBytes(repeating: 0)
    private var headerCount = 0
    private var payload = MessageBytes(repeating: 0)
    private var payloadCount = 0
    private var descriptors = ReceivedDescriptors()

    /// A connection over a connected, non-blocking socket.
    init(_ socket: consuming FileDescriptor) { self.socket = socket }

    /// A child process of the application may have copies of the socket: the peer is told that
    /// this connection is over all the same.
    deinit { System.shutDown(socket) }

    /// The socket's number, for epoll.
    var number: Int32 { socket.number }

    /// The next whole message: its header, payload and descriptors. Nil when bytes are missing.
    /// Throws `disconnected`, `malformed`, `system`.
    mutating func receive() throws(VhostError) -> RawMessage? {
        let headerSize = MessageHeader.byteCount
        if headerCount < headerSize {
            headerCount += try System.receive(
                socket, into: &header, from: headerCount, until: headerSize, &descriptors)
            guard headerCount == headerSize else { return nil }
        }
        let parsed = try parseHeader()
        let wanted = Int(parsed.payloadByteCount)
        if payloadCount < wanted {
            payloadCount += try System.receive(
                socket, into: &payload, from: payloadCount, until: wanted, &descriptors)
            guard payloadCount == wanted else { return nil }
        }
        var received = ReceivedDescriptors()
        swap(&received, &descriptors)
        let bytes = payload
        headerCount = 0
        payloadCount = 0
        return RawMessage(header: parsed, payload: bytes, descriptors: received)
    }

    private func parseHeader() throws(VhostError) -> MessageHeader {
        var reader = ByteReader(header, count: MessageHeader.byteCount)
        let parsed = MessageHeader(
            request: try reader.u32(), flags: try reader.u32(),
            payloadByteCount: try reader.u32())
        guard parsed.isVersion1, !parsed.isReply,
            parsed.payloadByteCount <= MessageHeader.maximumPayload
        else { throw .frontend(.malformed) }
        return parsed
    }

    /// Sends an answer. Throws `system`; a peer that does not read its answers is as good as gone.
    func send(_ request: UInt32, _ words: (UInt32, UInt32)) throws(VhostError) {
        // vhost-user: version 1, reply; both answers have eight bytes.
        try System.send(socket, (request, 1 | 4, 8, words.0, words.1))
    }

    /// Sends an answer of any size, with its descriptors. Throws `system`, `invalidArgument`.
    func send(_ message: borrowing MessageBuffer) throws(VhostError) {
        try message.send(socket)
    }
}
