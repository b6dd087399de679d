// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost.h: sockets and devices that hardware serves, and what the frontend is told.

/// `rte_vhost_driver_attach_vdpa_device`: 0 or -1.
@_cdecl("rte_vhost_driver_attach_vdpa_device")
public func rte_vhost_driver_attach_vdpa_device(
    _ path: UnsafePointer<CChar>?, _ device: UnsafeMutablePointer<rte_vdpa_device>?
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_attach_vdpa_device", path) { (path) throws(VhostError) in
        guard let hardware = unsafe VdpaDevice(device) else { throw .invalidArgument }
        try Library.change(path) { $0.value.vdpa = hardware }
    }
}

/// `rte_vhost_driver_detach_vdpa_device`: 0 or -1.
@_cdecl("rte_vhost_driver_detach_vdpa_device")
public func rte_vhost_driver_detach_vdpa_device(_ path: UnsafePointer<CChar>?) -> Int32 {
    unsafe Call.result("rte_vhost_driver_detach_vdpa_device", path) { (path) throws(VhostError) in
        try Library.change(path) { $0.value.vdpa = nil }
    }
}

/// `rte_vhost_driver_get_vdpa_device`: the device or NULL.
@_cdecl("rte_vhost_driver_get_vdpa_device")
public func rte_vhost_driver_get_vdpa_device(
    _ path: UnsafePointer<CChar>?
) -> UnsafeMutablePointer<rte_vdpa_device>? {
    guard let path = unsafe Call.path("rte_vhost_driver_get_vdpa_device", path),
        let found = try? Library.vdpa(path)
    else { return nil }
    return unsafe found.pointer
}

/// `rte_vhost_get_vdpa_device`: the device or NULL.
@_cdecl("rte_vhost_get_vdpa_device")
public func rte_vhost_get_vdpa_device(_ vid: Int32) -> UnsafeMutablePointer<rte_vdpa_device>? {
    guard let device = Call.device("rte_vhost_get_vdpa_device", vid) else { return nil }
    let operations = device.lock.withLock { device.value.vdpa }
    // SAFETY: handed out as the API wants; it is not followed here.
    return unsafe UnsafeMutablePointer(bitPattern: operations?.device ?? 0)
}

/// `rte_vhost_slave_config_change`: 0; -ENODEV without device, else negative.
@_cdecl("rte_vhost_slave_config_change")
public func rte_vhost_slave_config_change(_ vid: Int32, _ needReply: Bool) -> Int32 {
    guard let device = Call.device("rte_vhost_slave_config_change", vid) else { return -ENODEV }
    return Call.result("rte_vhost_slave_config_change", vid, 0) { () throws(VhostError) in
        try device.value.tellConfigurationChange(isAnswered: needReply)
    }
}
