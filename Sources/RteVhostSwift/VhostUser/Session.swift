// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// One frontend's connection and the device it drives. Event thread only.
struct Session: ~Copyable {
    /// Bytes and descriptors.
    var connection: Connection
    /// What the messages change.
    let device: HeapCell<Device>

    /// A session over a fresh connection.
    init(_ connection: consuming Connection, device: HeapCell<Device>) {
        self.connection = connection
        self.device = device
    }

    /// Messages handled for one readiness of the socket, so that a frontend that never stops
    /// talking leaves time for the others; and nanoseconds after which no more is begun, because
    /// some take a thousand times as long as others.
    private static var messagesAtOnce: Int { 16 }
    private static var timeAtOnce: UInt64 { 200_000 }

    /// Handles what has come. Throws when the connection has to end.
    mutating func handleInput() throws(VhostError) {
        let start = System.nanoseconds()
        for _ in 0..<Self.messagesAtOnce {
            guard let message = try receive() else { return }
            try handle(message)
            guard System.nanoseconds() &- start < Self.timeAtOnce else { return }
        }
    }

    /// The next message. What the peer sent instead of one, or may not send now, is remembered.
    private mutating func receive() throws(VhostError) -> RawMessage? {
        do throws(VhostError) {
            guard FrontendAccount.own?.value.mayReceive ?? true else {
                throw .frontend(.unclosedFiles)
            }
            return try connection.receive()
        } catch {
            if !error.isHangUp { device.value.history.note(nil, error) }
            throw error
        }
    }

    /// Handles one message and answers it. A request that fails is answered where the frontend
    /// asked for that, and ends the connection otherwise: there is no other way to tell it.
    private mutating func handle(_ message: consuming RawMessage) throws(VhostError) {
        let header = message.header
        let acknowledges =
            header.needsReply && device.value.hasNegotiated(ProtocolFeature.replyAck)
        var isDone = false
        do throws(VhostError) {
            let reply = try dispatch(message)
            // First: who has the answer may ask.
            device.value.history.note(header, nil)
            trace(header, error: 0)
            isDone = true
            device.reportChanges()
            try answer(header, reply, acknowledges: acknowledges)
        } catch {
            // An answer that cannot be sent is no refusal.
            if !isDone {
                device.value.history.note(header, error)
                trace(header, error: error.posixCode)
            }
            logRefusal(header.request, error)
            device.reportChanges()
            if Handlers.answersEmpty(header.request, error) {
                var answer = MessageBuffer(
                    request: header.request, flags: header.flags, payloadByteCount: 0)
                answer.makeReply()
                try connection.send(answer)
                return
            }
            guard acknowledges, error != .frontend(.malformed), error != .frontend(.descriptors)
            else { throw error }
            try connection.send(header.request, (1, 0))
        }
    }

    private mutating func dispatch(_ raw: consuming RawMessage) throws(VhostError) -> Reply {
        let entry = RequestEntry.find(raw.header.request)
        if let entry {
            try raw.check(entry)
            try Handlers.checkState(device, entry, raw)
            try DescriptorShare.check(raw.highestDescriptor, of: device.value.path)
        }
        let reply: Reply
        if let handlers = device.externalHandlers {
            reply = try ask(handlers, raw, entry)
        } else if let entry {
            reply = try perform(entry, raw)
        } else {
            reply = .unhandled
        }
        guard reply.isHandled else { throw .frontend(.unknownRequest) }
        return reply
    }

    /// Does what the library itself does about a request.
    func perform(
        _ entry: RequestEntry, _ raw: consuming RawMessage
    ) throws(VhostError) -> Reply {
        var message = try raw.parse(entry)
        // DPDK 21.08: translations come with traffic, other messages with changes.
        Log.add(entry.request == .changeTranslations ? .debug : .info) { line in
            line.begin(device.value.path)
            line.add(entry.request.name)
        }
        return try entry.handler(device, &message)
    }

    private func answer(
        _ header: MessageHeader, _ reply: consuming Reply, acknowledges: Bool
    ) throws(VhostError) {
        guard reply.hasPayload else {
            guard acknowledges, !reply.isSilent else { return }
            try connection.send(header.request, (0, 0))
            return
        }
        var message = MessageBuffer(
            request: header.request, flags: header.flags, payloadByteCount: 0)
        reply.write(into: &message)
        try connection.send(message)
    }

    private func trace(_ header: MessageHeader, error: Int32) {
        Probe.message(
            device.value.vid, header.request, byteCount: Int(header.payloadByteCount), error: error)
    }

    private func logRefusal(_ request: UInt32, _ error: VhostError) {
        Log.warning { line in
            line.begin(device.value.path)
            line.add("request ")
            if let known = Request(rawValue: request) {
                line.add(known.name)
            } else {
                line.add(Int(request))
            }
            line.add(" refused: ")
            line.add(error)
        }
    }
}

extension HeapCell where Value == DeviceHistory {
    /// Remembers a message, or what came instead of one, and why it was refused.
    fileprivate func note(_ header: MessageHeader?, _ error: VhostError?) {
        let record = MessageRecord(
            time: System.nanoseconds(), request: header?.request,
            byteCount: header?.payloadByteCount ?? 0, error: error)
        lock.withLock { value.add(record) }
    }
}
