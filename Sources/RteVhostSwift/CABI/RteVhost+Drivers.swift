// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vhost.h: sockets and what they offer.

/// `rte_vhost_driver_register`: 0; -1 for a bad path or flag, a path that is registered, or no
/// memory.
@_cdecl("rte_vhost_driver_register")
public func rte_vhost_driver_register(_ path: UnsafePointer<CChar>?, _ flags: UInt64) -> Int32 {
    unsafe Call.result("rte_vhost_driver_register", path) { (path) throws(VhostError) in
        DPDKProcess.prepare()
        ControlSocket.openFromEnvironment()
        Telemetry.register()
        guard flags & ~Release.driverFlags == 0 else { throw .invalidArgument }
        try Library.register(path, DriverFlags(rawValue: flags))
    }
}

/// `rte_vhost_driver_unregister`: 0; -1 for a path that is not registered, or from a callback.
@_cdecl("rte_vhost_driver_unregister")
public func rte_vhost_driver_unregister(_ path: UnsafePointer<CChar>?) -> Int32 {
    unsafe Call.result("rte_vhost_driver_unregister", path) { (path) throws(VhostError) in
        try Library.unregister(path)
    }
}

/// `rte_vhost_driver_start`: 0; -1 for a path that is not registered, started already, without
/// callbacks or taken.
@_cdecl("rte_vhost_driver_start")
public func rte_vhost_driver_start(_ path: UnsafePointer<CChar>?) -> Int32 {
    unsafe Call.result("rte_vhost_driver_start", path) { (path) throws(VhostError) in
        // The EAL may have been set up since the driver was registered.
        DPDKProcess.prepare()
        try Library.start(path)
    }
}

/// `rte_vhost_driver_callback_register`: 0; -1 for a path that is not registered or NULL
/// operations. The table is copied.
@_cdecl("rte_vhost_driver_callback_register")
public func rte_vhost_driver_callback_register(
    _ path: UnsafePointer<CChar>?, _ operations: UnsafePointer<Release.DeviceOperations>?
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_callback_register", path) { (path) throws(VhostError) in
        guard let table = unsafe operations?.pointee else { throw .invalidArgument }
        let callbacks = DeviceCallbacks(
            newDevice: table.new_device, destroyDevice: table.destroy_device,
            queueStateChanged: table.vring_state_changed,
            featuresChanged: table.features_changed, newConnection: table.new_connection,
            destroyConnection: table.destroy_connection, guestNotified: table.guest_notified)
        try Library.change(path) { $0.value.callbacks = callbacks }
    }
}

/// `rte_vhost_driver_set_features`: the application's own set; it serves such devices by itself. 0
/// or -1.
@_cdecl("rte_vhost_driver_set_features")
public func rte_vhost_driver_set_features(
    _ path: UnsafePointer<CChar>?, _ features: UInt64
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_set_features", path) { (path) throws(VhostError) in
        try Library.setFeatures(path, features)
    }
}

/// `rte_vhost_driver_enable_features`: 0 or -1.
@_cdecl("rte_vhost_driver_enable_features")
public func rte_vhost_driver_enable_features(
    _ path: UnsafePointer<CChar>?, _ features: UInt64
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_enable_features", path) { (path) throws(VhostError) in
        try Library.enableFeatures(path, features)
    }
}

/// `rte_vhost_driver_disable_features`: 0 or -1.
@_cdecl("rte_vhost_driver_disable_features")
public func rte_vhost_driver_disable_features(
    _ path: UnsafePointer<CChar>?, _ features: UInt64
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_disable_features", path) { (path) throws(VhostError) in
        try Library.change(path) { $0.value.features &= ~features }
    }
}

/// `rte_vhost_driver_get_features`: 0 or -1.
@_cdecl("rte_vhost_driver_get_features")
public func rte_vhost_driver_get_features(
    _ path: UnsafePointer<CChar>?, _ features: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_get_features", path) { (path) throws(VhostError) in
        guard let features = unsafe features else { throw .invalidArgument }
        unsafe features.pointee = try Library.features(path)
    }
}

/// `rte_vhost_driver_set_protocol_features`: 0 or -1. Bits that this release does not serve are not
/// offered.
@_cdecl("rte_vhost_driver_set_protocol_features")
public func rte_vhost_driver_set_protocol_features(
    _ path: UnsafePointer<CChar>?, _ features: UInt64
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_set_protocol_features", path) {
        (path) throws(VhostError) in
        try Library.change(path) {
            $0.value.protocolFeatures = features & $0.value.flags.servedProtocolFeatures
        }
    }
}

/// `rte_vhost_driver_get_protocol_features`: 0 or -1.
@_cdecl("rte_vhost_driver_get_protocol_features")
public func rte_vhost_driver_get_protocol_features(
    _ path: UnsafePointer<CChar>?, _ features: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_get_protocol_features", path) {
        (path) throws(VhostError) in
        guard let features = unsafe features else { throw .invalidArgument }
        unsafe features.pointee = try Library.protocolFeatures(path)
    }
}

/// `rte_vhost_driver_get_queue_num`: queue pairs that are offered. 0 or -1.
@_cdecl("rte_vhost_driver_get_queue_num")
public func rte_vhost_driver_get_queue_num(
    _ path: UnsafePointer<CChar>?, _ count: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    unsafe Call.result("rte_vhost_driver_get_queue_num", path) { (path) throws(VhostError) in
        guard let count = unsafe count else { throw .invalidArgument }
        unsafe count.pointee = try Library.queuePairs(path)
    }
}
