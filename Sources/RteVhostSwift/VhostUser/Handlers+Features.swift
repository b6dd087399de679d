// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Negotiation: features, protocol features, number of queues, MTU, status, announcements.
extension Handlers {
    /// GET_FEATURES
    static func getFeatures(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        .number(device.value.offeredFeatures)
    }

    /// SET_FEATURES. Bits that were not offered are refused, and so is another set while rings run:
    /// header sizes and ring formats would change under them. LOG_ALL alone comes and goes with a
    /// migration.
    static func setFeatures(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let wanted = try message.payload.u64()
        guard wanted & ~device.value.offeredFeatures == 0 else { throw .frontend(.badValue) }
        try device.setFeatures(wanted)
        if let vdpa = device.value.vdpa { _ = vdpa.setFeatures(device.value.vid) }
        return .acknowledge
    }

    /// GET_PROTOCOL_FEATURES
    static func getProtocolFeatures(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        .number(device.value.offeredProtocolFeatures)
    }

    /// SET_PROTOCOL_FEATURES. Bits that were not offered are refused.
    static func setProtocolFeatures(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let wanted = try message.payload.u64()
        guard wanted & ~device.value.offeredProtocolFeatures == 0 else {
            throw .frontend(.badValue)
        }
        device.value.protocolFeatures.store(wanted, ordering: .relaxed)
        return .acknowledge
    }

    /// GET_QUEUE_NUM: queue pairs, as DPDK 21.08 and QEMU count for net devices.
    static func getQueueNumber(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        .number(UInt64(device.value.offeredQueuePairs))
    }

    /// SEND_RARP: the next packet from the guest is its announcement.
    static func sendRarp(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let address = try message.payload.u64()
        device.value.rarpAddress.store(address & 0xffff_ffff_ffff, ordering: .relaxed)
        device.value.isRarpPending.store(true, ordering: .releasing)
        _ = device.value.vdpa?.migrationDone?(device.value.vid)
        return .acknowledge
    }

    /// NET_SET_MTU. virtio 1.2, 5.1.4: from 68 to 65,535.
    static func setMTU(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let mtu = try message.payload.u64()
        guard mtu >= 68, mtu <= 65_535 else { throw .frontend(.badValue) }
        device.value.mtu.store(UInt32(mtu), ordering: .relaxed)
        return .acknowledge
    }

    /// SET_STATUS: the device status field of virtio 1.2, 2.1, eight bits. 0 resets the device.
    static func setStatus(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let status = try message.payload.u64()
        guard status <= 0xff else { throw .frontend(.badValue) }
        device.value.status.store(Int32(status), ordering: .relaxed)
        return .acknowledge
    }

    /// GET_STATUS
    static func getStatus(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        .number(UInt64(max(0, device.value.status.load(ordering: .relaxed))))
    }
}
