// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A vDPA device as its driver registered it: the address that the API hands out. It may be stale;
/// every question is asked through the registry.
@safe
struct VdpaDevice: Equatable, @unchecked Sendable {
    /// The structure, which lives as long as the process.
    let pointer: UnsafeMutablePointer<rte_vdpa_device>

    /// The device at an address that somebody gave; nil when no such device is registered.
    init?(_ pointer: UnsafeMutablePointer<rte_vdpa_device>?) {
        // SAFETY: the registry is asked; the address is not followed.
        guard let pointer = unsafe pointer, unsafe VdpaRegistry.contains(pointer) else {
            return nil
        }
        unsafe self.pointer = pointer
    }

    static func == (left: VdpaDevice, right: VdpaDevice) -> Bool {
        // SAFETY: addresses are compared, not followed.
        unsafe left.pointer == right.pointer
    }

    /// The driver's operations. Throws `notFound` when it took the device back.
    func operations() throws(VhostError) -> rte_vdpa_dev_ops {
        // SAFETY: the registry follows the address of a registered device alone.
        guard let table = unsafe VdpaRegistry.operations(of: pointer) else { throw .notFound }
        return table
    }

    /// Virtio features that the hardware supports. Throws `notFound`, `unsupported`.
    func features() throws(VhostError) -> UInt64 {
        // SAFETY: the driver's function gets what the header promises.
        try answer { unsafe $0.get_features(pointer, &$1) }
    }

    /// Protocol features that the driver supports. Throws `notFound`, `unsupported`.
    func protocolFeatures() throws(VhostError) -> UInt64 {
        // SAFETY: as in features.
        try answer { unsafe $0.get_protocol_features(pointer, &$1) }
    }

    /// Pairs of queues that the hardware has. Throws `notFound`, `unsupported`.
    func queuePairs() throws(VhostError) -> UInt32 {
        // SAFETY: as in features.
        try answer { unsafe $0.get_queue_num(pointer, &$1) }
    }

    /// The number that one of the driver's functions writes.
    private func answer<Number: FixedWidthInteger>(
        _ question: (rte_vdpa_dev_ops, inout Number) -> Int32
    ) throws(VhostError) -> Number {
        var number: Number = 0
        guard question(try operations(), &number) == 0 else { throw .unsupported }
        return number
    }

    /// What a device keeps of the driver. Throws `notFound`.
    func deviceOperations() throws(VhostError) -> VdpaOperations {
        let table = try operations()
        // SAFETY: registration refused a table without one of these.
        return unsafe VdpaOperations(
            device: UInt(bitPattern: pointer), configure: table.dev_conf,
            close: table.dev_close, setQueueState: table.set_vring_state,
            setFeatures: table.set_features, migrationDone: table.migration_done,
            additions: VdpaRegistry.additions(of: pointer))
    }
}
