// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What code that all releases share has to know of the one whose ABI this library has: 22.11.
public enum Release {
    /// The application's callbacks.
    public typealias DeviceOperations = rte_vhost_device_ops
    /// Every bit of `rte_vhost_driver_register`'s flags that it defines.
    static let driverFlags: UInt64 = 0x3ff

    /// What a vDPA driver does that 21.08 does not know.
    static func additions(_ operations: UnsafePointer<rte_vdpa_dev_ops>) -> VdpaAdditions {
        let table = unsafe operations.pointee
        return unsafe VdpaAdditions(
            cleanUp: table.dev_cleanup,
            configuration: ConfigurationSpace(
                reader: table.get_config, writer: table.set_config))
    }

    /// Called with each vDPA device that was registered: its structure tells what kind it is.
    static func complete(_ device: UnsafeMutablePointer<rte_vdpa_device>) {
        guard let hardware = unsafe VdpaDevice(device) else { return }
        let kind = (try? hardware.typeNumber()) ?? 0
        unsafe device.pointee.type = kind
    }
}
