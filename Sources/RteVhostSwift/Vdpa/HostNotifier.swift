// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// Doorbells of the hardware in the guest: vhost-user, BACKEND_VRING_HOST_NOTIFIER_MSG.
enum HostNotifier {
    private static var request: UInt32 { 3 }
    /// VIRTIO_F_VERSION_1 and VHOST_USER_F_PROTOCOL_FEATURES.
    private static let neededFeatures = Feature.version1 | Feature.protocolFeatures
    private static let neededProtocolFeatures =
        ProtocolFeature.backendRequests | ProtocolFeature.backendSendsDescriptors
        | ProtocolFeature.hostNotifier

    /// Gives the frontend the doorbells of one queue, or of all (65,535), or takes them back.
    /// Throws `notFound` without vDPA device, `unsupported` without negotiation or where the driver
    /// has none, `invalidArgument` for a queue that there is not; what the frontend was given is
    /// taken back then.
    static func control(
        _ device: HeapCell<Device>, queue: UInt16, isEnabled: Bool
    ) throws(VhostError) {
        let known = device.lock.withLock { device.value.vdpa }
        guard let operations = known else { throw .notFound }
        // SAFETY: the registry is asked before the address is followed.
        let hardware = unsafe VdpaDevice(UnsafeMutablePointer(bitPattern: operations.device))
        guard let hardware else { throw .notFound }
        let features = device.value.features.load(ordering: .relaxed)
        guard features & neededFeatures == neededFeatures,
            device.value.hasNegotiated(neededProtocolFeatures)
        else { throw .unsupported }
        let count = device.value.queueCount.load(ordering: .acquiring)
        let range = queue == .max ? 0..<count : Int(queue)..<Int(queue) + 1
        guard range.upperBound <= count else { throw .invalidArgument }
        guard isEnabled else {
            for index in range { try? withdraw(device, index) }
            return
        }
        do throws(VhostError) {
            for index in range { try offer(device, index, hardware) }
        } catch {
            for index in range { try? withdraw(device, index) }
            throw error
        }
    }

    private static func offer(
        _ device: HeapCell<Device>, _ queue: Int, _ hardware: VdpaDevice
    ) throws(VhostError) {
        let table = try hardware.operations()
        var offset: UInt64 = 0
        var byteCount: UInt64 = 0
        // SAFETY: the driver's functions get what the header promises.
        guard let file = table.get_vfio_device_fd?(device.value.vid), file >= 0,
            let result = unsafe table.get_notify_area?(
                device.value.vid, Int32(queue), &offset, &byteCount), result >= 0
        else { throw .unsupported }
        try ask(device, UInt64(queue), byteCount, offset, file)
    }

    private static func withdraw(
        _ device: HeapCell<Device>, _ queue: Int
    ) throws(VhostError) {
        // vhost-user, vring area description: bit 8 says that no descriptor comes.
        try ask(device, UInt64(queue) | 0x100, 0, 0, nil)
    }

    private static func ask(
        _ device: HeapCell<Device>, _ word: UInt64, _ byteCount: UInt64, _ offset: UInt64,
        _ file: Int32?
    ) throws(VhostError) {
        var payload = InlineArray<8, UInt64>(repeating: 0)
        payload[0] = word
        payload[1] = byteCount
        payload[2] = offset
        try device.value.askFrontend(
            request: request, payload: payload, byteCount: 24, descriptor: file)
    }
}
