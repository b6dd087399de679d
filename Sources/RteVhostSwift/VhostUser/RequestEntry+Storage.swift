// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Rows of what storage-like devices need besides: configuration space, sessions, reset, record of
/// chains in flight.
extension RequestEntry {
    /// The row of one of these requests.
    static func storageEntry(_ request: Request) -> RequestEntry {
        switch request {
        case .getConfiguration:
            return .init(
                request, payload: 12...268, needs: ProtocolFeature.configuration,
                Handlers.getConfiguration)
        case .setConfiguration:
            return .init(
                request, payload: 12...268, needs: ProtocolFeature.configuration,
                Handlers.setConfiguration)
        case .createCryptoSession:
            // QEMU's and DPDK 21.08's parameters of a symmetric session.
            return .init(
                request, payload: 632...632, needs: ProtocolFeature.cryptoSession,
                Handlers.leaveToApplication)
        case .closeCryptoSession:
            return .init(
                request, payload: 8...8, needs: ProtocolFeature.cryptoSession,
                Handlers.leaveToApplication)
        case .getInflight:
            // vhost-user: 20 bytes; QEMU and DPDK send C's padding as well.
            return .init(
                request, payload: 20...24, needs: ProtocolFeature.inflightShared,
                Handlers.getInflight)
        case .setInflight:
            return .init(
                request, payload: 20...24, descriptors: 1...1,
                needs: ProtocolFeature.inflightShared, Handlers.setInflight)
        default:
            return .init(
                request, payload: 0...0, needs: ProtocolFeature.resetDevice,
                Handlers.resetDevice)
        }
    }
}
