// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Devices that hardware serves.
extension HeapCell where Value == Device {
    /// Offers what both the socket and the hardware can do. Throws `notFound` when the driver took
    /// its device back, `unsupported` when it does not tell.
    func adoptVdpa(_ hardware: VdpaDevice?) throws(VhostError) {
        guard let hardware else { return }
        let operations = try hardware.deviceOperations()
        let features = try hardware.features()
        let protocolFeatures = try hardware.protocolFeatures()
        let pairs = try hardware.queuePairs()
        lock.lock()
        value.vdpa = operations
        value.offeredFeatures &= features
        value.offeredProtocolFeatures &= protocolFeatures
        value.offeredQueuePairs = min(value.offeredQueuePairs, pairs)
        lock.unlock()
    }
}
