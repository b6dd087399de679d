// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Requests to the frontend with what was negotiated about answers. Any thread, no lock held.
extension Device {
    /// vhost-user, BACKEND_CONFIG_CHANGE_MSG: the configuration space has changed. Throws what
    /// `BackendChannel.ask` does, `unsupported` without BACKEND_REQ.
    func tellConfigurationChange(isAnswered: Bool) throws(VhostError) {
        guard hasNegotiated(ProtocolFeature.backendRequests) else { throw .unsupported }
        try backendChannel.ask(
            request: 2, payload: .init(repeating: 0), byteCount: 0, descriptor: nil,
            isAnswered: isAnswered && hasNegotiated(ProtocolFeature.replyAck))
    }

    /// Sends a request; waits for the answer where REPLY_ACK was negotiated. Throws what
    /// `BackendChannel.ask` does.
    func askFrontend(
        request: UInt32, payload: InlineArray<8, UInt64>, byteCount: Int, descriptor: Int32?
    ) throws(VhostError) {
        try backendChannel.ask(
            request: request, payload: payload, byteCount: byteCount, descriptor: descriptor,
            isAnswered: hasNegotiated(ProtocolFeature.replyAck))
    }
}
