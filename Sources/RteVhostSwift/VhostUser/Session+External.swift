// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Messages where the application has handlers of its own. DPDK 21.08: `pre_msg_handle` first; the
/// library, unless that one was content; then `post_msg_handle`, unless something failed.
extension Session {
    /// Asks handlers and library in turn. Throws `refused` when a handler does.
    func ask(
        _ handlers: ExternalHandlers, _ raw: consuming RawMessage, _ entry: RequestEntry?
    ) throws(VhostError) -> Reply {
        var message = try raw.buffer()
        // What no handler keeps is closed with it.
        var rest: RawMessage? = consume raw
        var reply = Reply.unhandled
        if let before = handlers.before { reply = try call(before, &message, &rest) }
        if let entry, !reply.isHandled, let raw = rest.take() {
            reply = try perform(entry, raw)
            reply.write(into: &message)
            if !reply.hasPayload { message.forgetDescriptors() }
        }
        guard let after = handlers.after else { return reply }
        let last = try call(after, &message, &rest)
        // There is one answer to a request.
        return last.isHandled && !reply.hasPayload ? last : reply
    }

    /// Calls one handler, without locks. Its message becomes the answer where it says so.
    private func call(
        _ handler: MessageHandler, _ message: inout MessageBuffer, _ rest: inout RawMessage?
    ) throws(VhostError) -> Reply {
        let result = message.show(to: handler, vid: device.value.vid)
        if var raw = rest.take() {
            raw.adopt(message)
            rest = consume raw
        }
        switch result {
        case -1: throw .frontend(.refused)
        case 0: return .acknowledge
        case 1:
            message.makeReply()
            return .message(message, nil)
        default: return .unhandled
        }
    }
}

extension MessageBuffer {
    /// The library took the descriptors.
    fileprivate mutating func forgetDescriptors() {
        descriptorCount = 0
        for index in 0..<Self.descriptorLimit { setDescriptor(-1, at: index) }
    }
}
