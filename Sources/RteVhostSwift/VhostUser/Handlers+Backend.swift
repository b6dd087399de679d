// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The way for requests to the frontend.
extension Handlers {
    /// SET_BACKEND_REQ_FD (SET_SLAVE_REQ_FD): the other end of a socket of the frontend's, which
    /// takes the place of an earlier one. vhost-user allows it where the bit was offered.
    static func setBackendDescriptor(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let offered = device.value.offeredProtocolFeatures
        guard offered & ProtocolFeature.backendRequests != 0 else { throw .frontend(.badState) }
        guard let socket = message.descriptors.take(0) else { throw .frontend(.descriptors) }
        guard System.isUnixStream(socket) else { throw .frontend(.badValue) }
        guard device.value.backendChannel.mayOpen else { throw .frontend(.noAnswer) }
        device.value.backendChannel.open(socket)
        return .acknowledge
    }
}
