// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Requests that only the application can serve, and what holds of a request before it is asked.
extension Handlers {
    /// CREATE_CRYPTO_SESSION, CLOSE_CRYPTO_SESSION: the application's handlers do them, or nobody.
    static func leaveToApplication(
        _: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply { .unhandled }

    /// Throws `badState` where the request's protocol feature was not negotiated; `malformed` for a
    /// piece of configuration space that is longer than the message: handlers believe its size.
    static func checkState(
        _ device: HeapCell<Device>, _ entry: RequestEntry, _ raw: borrowing RawMessage
    ) throws(VhostError) {
        guard device.value.hasNegotiated(entry.needs) else { throw .frontend(.badState) }
        guard entry.request == .getConfiguration || entry.request == .setConfiguration else {
            return
        }
        var reader = raw.reader
        _ = try reader.u32()
        let byteCount = try reader.u32()
        _ = try reader.u32()
        guard Int(byteCount) <= reader.remaining else { throw .frontend(.malformed) }
    }

    /// vhost-user, GET_CONFIG: an answer without payload indicates an error.
    static func answersEmpty(_ request: UInt32, _ error: VhostError) -> Bool {
        request == Request.getConfiguration.rawValue
            && (error == .frontend(.refused) || error == .frontend(.unknownRequest))
    }
}
