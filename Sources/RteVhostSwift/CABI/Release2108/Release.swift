// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What code that all releases share has to know of the one whose ABI this library has: 21.08.
public enum Release {
    /// The application's callbacks.
    public typealias DeviceOperations = vhost_device_ops
    /// Every bit of `rte_vhost_driver_register`'s flags that it defines.
    static let driverFlags: UInt64 = 0x1ff

    /// What a vDPA driver does that 21.08 does not know: nothing.
    static func additions(_ operations: UnsafePointer<rte_vdpa_dev_ops>) -> VdpaAdditions {
        VdpaAdditions()
    }

    /// Called with each vDPA device that was registered; there is nothing more to fill in.
    static func complete(_ device: UnsafeMutablePointer<rte_vdpa_device>) {}
}
