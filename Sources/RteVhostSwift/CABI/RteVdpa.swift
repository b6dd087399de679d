// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

// rte_vdpa.h and rte_vdpa_dev.h: vDPA devices, for applications and for drivers.

/// `rte_vdpa_register_device`: the device; NULL when it is registered, a required operation is
/// missing or memory is short.
@_cdecl("rte_vdpa_register_device")
public func rte_vdpa_register_device(
    _ device: OpaquePointer?, _ operations: UnsafeMutablePointer<rte_vdpa_dev_ops>?
) -> UnsafeMutablePointer<rte_vdpa_device>? {
    do throws(VhostError) {
        guard let device = unsafe device, let operations = unsafe operations else {
            throw .invalidArgument
        }
        let registered = unsafe try VdpaRegistry.register(
            device, operations, additions: Release.additions(operations))
        unsafe Release.complete(registered)
        return unsafe registered
    } catch {
        Call.log("rte_vdpa_register_device", error)
        return nil
    }
}

/// `rte_vdpa_unregister_device`: 0, or -1 when it is not registered.
@_cdecl("rte_vdpa_unregister_device")
public func rte_vdpa_unregister_device(
    _ device: UnsafeMutablePointer<rte_vdpa_device>?
) -> Int32 {
    do throws(VhostError) {
        guard let device = unsafe device else { throw .invalidArgument }
        unsafe try VdpaRegistry.unregister(device)
        return 0
    } catch {
        Call.log("rte_vdpa_unregister_device", error)
        return -1
    }
}

/// `rte_vdpa_find_device_by_name`: the device or NULL.
@_cdecl("rte_vdpa_find_device_by_name")
public func rte_vdpa_find_device_by_name(
    _ name: UnsafePointer<CChar>?
) -> UnsafeMutablePointer<rte_vdpa_device>? {
    guard let name = unsafe name else { return nil }
    return unsafe VdpaRegistry.find(name)
}

/// `rte_vdpa_get_rte_device`: the device that it was registered for, or NULL.
@_cdecl("rte_vdpa_get_rte_device")
public func rte_vdpa_get_rte_device(
    _ device: UnsafeMutablePointer<rte_vdpa_device>?
) -> OpaquePointer? {
    guard let hardware = unsafe VdpaDevice(device) else { return nil }
    return unsafe hardware.pointer.pointee.device
}

/// Asks a vDPA device for a number: 0 or -1.
private func answer<Number>(
    _ function: StaticString, _ device: UnsafeMutablePointer<rte_vdpa_device>?,
    _ result: UnsafeMutablePointer<Number>?,
    _ question: (VdpaDevice) throws(VhostError) -> Number
) -> Int32 {
    do throws(VhostError) {
        guard let hardware = unsafe VdpaDevice(device), let result = unsafe result else {
            throw .invalidArgument
        }
        unsafe result.pointee = try question(hardware)
        return 0
    } catch {
        Call.log(function, error)
        return -1
    }
}

/// `rte_vdpa_get_queue_num`: 0 or -1.
@_cdecl("rte_vdpa_get_queue_num")
public func rte_vdpa_get_queue_num(
    _ device: UnsafeMutablePointer<rte_vdpa_device>?, _ count: UnsafeMutablePointer<UInt32>?
) -> Int32 {
    unsafe answer("rte_vdpa_get_queue_num", device, count) {
        hardware throws(VhostError) in try hardware.queuePairs()
    }
}

/// `rte_vdpa_get_features`: 0 or -1.
@_cdecl("rte_vdpa_get_features")
public func rte_vdpa_get_features(
    _ device: UnsafeMutablePointer<rte_vdpa_device>?, _ features: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe answer("rte_vdpa_get_features", device, features) {
        hardware throws(VhostError) in try hardware.features()
    }
}

/// `rte_vdpa_get_protocol_features`: 0 or -1.
@_cdecl("rte_vdpa_get_protocol_features")
public func rte_vdpa_get_protocol_features(
    _ device: UnsafeMutablePointer<rte_vdpa_device>?, _ features: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe answer("rte_vdpa_get_protocol_features", device, features) {
        hardware throws(VhostError) in try hardware.protocolFeatures()
    }
}

/// `rte_vdpa_get_stats_names`: names there are, or negative.
@_cdecl("rte_vdpa_get_stats_names")
public func rte_vdpa_get_stats_names(
    _ device: UnsafeMutablePointer<rte_vdpa_device>?,
    _ names: UnsafeMutablePointer<rte_vdpa_stat_name>?, _ size: UInt32
) -> Int32 {
    guard let hardware = unsafe VdpaDevice(device), let table = try? hardware.operations()
    else { return -EINVAL }
    return unsafe table.get_stats_names?(hardware.pointer, names, size) ?? -ENOTSUP
}

/// `rte_vdpa_get_stats`: statistics written, or negative.
@_cdecl("rte_vdpa_get_stats")
public func rte_vdpa_get_stats(
    _ device: UnsafeMutablePointer<rte_vdpa_device>?, _ queue: UInt16,
    _ statistics: UnsafeMutablePointer<rte_vdpa_stat>?, _ count: UInt32
) -> Int32 {
    guard let hardware = unsafe VdpaDevice(device), let statistics = unsafe statistics, count > 0,
        let table = try? hardware.operations()
    else { return -EINVAL }
    return unsafe table.get_stats?(hardware.pointer, Int32(queue), statistics, count) ?? -ENOTSUP
}

/// `rte_vdpa_reset_stats`: 0 or negative.
@_cdecl("rte_vdpa_reset_stats")
public func rte_vdpa_reset_stats(
    _ device: UnsafeMutablePointer<rte_vdpa_device>?, _ queue: UInt16
) -> Int32 {
    guard let hardware = unsafe VdpaDevice(device), let table = try? hardware.operations()
    else { return -EINVAL }
    return unsafe table.reset_stats?(hardware.pointer, Int32(queue)) ?? -ENOTSUP
}

/// `rte_vdpa_relay_vring_used`: entries copied, or -1.
@_cdecl("rte_vdpa_relay_vring_used")
public func rte_vdpa_relay_vring_used(
    _ vid: Int32, _ queue: UInt16, _ ring: UnsafeMutableRawPointer?
) -> Int32 {
    Call.count("rte_vdpa_relay_vring_used", vid, queue) { () throws(VhostError) in
        guard let ring = unsafe ring else { throw .invalidArgument }
        let (device, cell) = try DeviceTable.queue(vid, queue)
        return unsafe try UsedRelay.relay(
            device, cell, from: ring.assumingMemoryBound(to: vring.self))
    }
}

/// `rte_vhost_host_notifier_ctrl`: 0; -ENODEV without device or hardware, -ENOTSUP without
/// negotiation or doorbells, -EINVAL for a wrong queue, -EFAULT when the frontend does not take it.
@_cdecl("rte_vhost_host_notifier_ctrl")
public func rte_vhost_host_notifier_ctrl(_ vid: Int32, _ queue: UInt16, _ enable: Bool) -> Int32 {
    do throws(VhostError) {
        guard let device = DeviceTable.find(vid) else { throw .notFound }
        try HostNotifier.control(device, queue: queue, isEnabled: enable)
        return 0
    } catch {
        Call.log("rte_vhost_host_notifier_ctrl", vid, queue, error)
        switch error {
        case .notFound: return -ENODEV
        case .unsupported: return -ENOTSUP
        case .invalidArgument: return -EINVAL
        default: return -EFAULT
        }
    }
}
