// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A message whose size and descriptors fit its request: exists only after those checks.
struct Message: ~Copyable {
    /// What the frontend wants.
    let request: Request
    /// The payload, read from the front.
    var payload: ByteReader
    /// What came with it.
    var descriptors: ReceivedDescriptors

    /// A message; for `RawMessage.parse` alone.
    init(
        request: Request, payload: consuming ByteReader,
        descriptors: consuming ReceivedDescriptors
    ) {
        self.request = request
        self.payload = payload
        self.descriptors = descriptors
    }
}

/// What a handler answers.
enum Reply: ~Copyable {
    /// The library does not do this by itself: the application's handlers may.
    case unhandled
    /// Nothing, or "done" where the frontend asked for it.
    case acknowledge
    /// A number of 64 bits.
    case number(UInt64)
    /// Nothing, whatever the frontend asked for: what came was an answer.
    case nothing
    /// A queue index and a number.
    case state(UInt32, UInt32)
    /// Anything else, and a descriptor in it that is closed once it was sent.
    case message(MessageBuffer, FileDescriptor?)

    /// True unless the application's handlers are to be asked.
    var isHandled: Bool {
        switch self {
        case .unhandled: false
        default: true
        }
    }

    /// True for what is sent even if the frontend asked for no acknowledgement.
    var hasPayload: Bool {
        switch self {
        case .unhandled: false
        case .acknowledge: false
        case .nothing: false
        default: true
        }
    }

    /// True when not even an acknowledgement is sent.
    var isSilent: Bool {
        switch self {
        case .nothing: true
        default: false
        }
    }

    /// Turns a request into this answer to it, as it goes out. DPDK 21.08: handlers that are asked
    /// afterwards see it so.
    func write(into message: inout MessageBuffer) {
        switch self {
        case .unhandled: return
        case .acknowledge: return
        case .nothing: return
        case .number(let number):
            message.payloadByteCount = 8
            message.setPayload(number, at: 0)
        case .state(let index, let number):
            message.payloadByteCount = 8
            message.setPayload(index, at: 0)
            message.setPayload(number, at: 4)
        case .message(let answer, _): message = answer
        }
        message.makeReply()
    }
}

extension MessageBuffer {
    /// vhost-user: version 1, REPLY, and an answer asks for none itself.
    mutating func makeReply() { flags = flags & ~0xf | 1 | 4 }
}
