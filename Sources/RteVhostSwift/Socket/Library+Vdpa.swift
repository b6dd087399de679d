// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a socket offers once it was given to a vDPA device. The hardware's driver is asked without
/// the registry's lock.
extension Library {
    /// The vDPA device of a socket. Throws `notFound` for a socket that there is not.
    static func vdpa(_ path: SocketPath) throws(VhostError) -> VdpaDevice? {
        try change(path) { $0.value.vdpa }
    }

    /// Virtio features offered. Throws `notFound`, `unsupported`.
    static func features(_ path: SocketPath) throws(VhostError) -> UInt64 {
        let own = try change(path) { $0.value.features }
        guard let hardware = try vdpa(path) else { return own }
        return own & (try hardware.features())
    }

    /// Protocol features offered. Throws `notFound`, `unsupported`.
    static func protocolFeatures(_ path: SocketPath) throws(VhostError) -> UInt64 {
        let own = try change(path) { $0.value.protocolFeatures }
        guard let hardware = try vdpa(path) else { return own }
        return own & (try hardware.protocolFeatures())
    }

    /// Queue pairs offered. Throws `notFound`, `unsupported`.
    static func queuePairs(_ path: SocketPath) throws(VhostError) -> UInt32 {
        let own = try change(path) { $0.value.queuePairs }
        guard let hardware = try vdpa(path) else { return own }
        return min(own, try hardware.queuePairs())
    }
}
