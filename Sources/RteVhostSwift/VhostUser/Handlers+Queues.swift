// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// The queues: size, place, position, eventfds, start and stop.
extension Handlers {
    /// Largest ring: virtio 1.2, 2.7 and 2.8.10.1.
    private static var largestRing: UInt32 { 32_768 }

    /// The payload of SET_VRING_NUM, BASE and ENABLE: queue index and number.
    private static func queueState(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> (queue: HeapCell<VirtQueue>, number: UInt32) {
        let index = try message.payload.u32()
        let number = try message.payload.u32()
        guard index < UInt32(Device.maximumQueueCount) else { throw .frontend(.queueIndex) }
        return (try device.makeQueue(Int(index)), number)
    }

    /// SET_VRING_NUM
    static func setQueueSize(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let (queue, size) = try queueState(device, &message)
        // virtio 1.2, 2.8.10.1: packed rings may have any number of slots.
        guard size > 0, size <= largestRing, device.hasPackedRings || size.nonzeroBitCount == 1
        else {
            throw .frontend(.badValue)
        }
        try device.setSize(queue, Int(size))
        return .acknowledge
    }

    /// SET_VRING_ADDR
    static func setQueueAddresses(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let (queue, flags) = try queueState(device, &message)
        let addresses = RingAddresses(
            descriptors: FrontendAddress(rawValue: try message.payload.u64()),
            used: FrontendAddress(rawValue: try message.payload.u64()),
            available: FrontendAddress(rawValue: try message.payload.u64()),
            flags: flags, logAddress: try message.payload.u64())
        try device.setAddresses(queue, addresses)
        return .acknowledge
    }

    /// SET_VRING_BASE: 16 bits for a split ring; for a packed one positions and wrap counters.
    static func setQueueBase(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let (queue, base) = try queueState(device, &message)
        guard device.hasPackedRings || base <= 0xffff else { throw .frontend(.badValue) }
        try device.changeStopped(queue) { queue in
            queue.base = base
            queue.hasUsedBase = false
        }
        return .acknowledge
    }

    /// GET_VRING_BASE: stops the ring. The application hears of it before the engine is waited for,
    /// so that it can stop sending; the eventfds are forgotten, as vhost-user wants.
    static func getQueueBase(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let (queue, _) = try queueState(device, &message)
        device.stopRunning()
        let base = try device.stop(queue, until: HeapCell<Device>.drainDeadline)
        queue.lock.withLock {
            queue.value.kick = .unset
            queue.value.call = .unset
            queue.value.inflight = QueueInflight()
            // DPDK 21.08: frontends do not tell of what changes while the queue is stopped.
            queue.value.iotlb.value.removeAll()
        }
        return .state(UInt32(queue.value.index), base)
    }

    /// SET_VRING_ENABLE
    static func setQueueEnable(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let (queue, state) = try queueState(device, &message)
        guard state <= 1 else { throw .frontend(.badValue) }
        try device.setEnabled(queue, state == 1)
        return .acknowledge
    }

    /// SET_VRING_KICK: with size and addresses known, the ring starts. Without
    /// VHOST_USER_F_PROTOCOL_FEATURES there is no SET_VRING_ENABLE, so it is enabled as well.
    static func setQueueKick(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let queue = try setDescriptor(device, &message) { $0.kick = $1 }
        let features = device.value.features.load(ordering: .relaxed)
        if features & Feature.protocolFeatures == 0 { try device.setEnabled(queue, true) }
        try device.start(queue)
        return .acknowledge
    }

    /// SET_VRING_CALL
    static func setQueueCall(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        _ = try setDescriptor(device, &message) { $0.call = $1 }
        return .acknowledge
    }

    /// SET_VRING_ERR
    static func setQueueError(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        _ = try setDescriptor(device, &message) { $0.error = $1 }
        return .acknowledge
    }
}

extension Handlers {
    /// The payload of SET_VRING_KICK, CALL and ERR: queue index in bits 0 to 7, bit 8 says that no
    /// descriptor comes. Whatever is not an eventfd is refused: writing to a pipe or a socket could
    /// raise SIGPIPE or wait for ever.
    private static func setDescriptor(
        _ device: HeapCell<Device>, _ message: inout Message,
        _ store: (inout VirtQueue, consuming QueueDescriptor) -> Void
    ) throws(VhostError) -> HeapCell<VirtQueue> {
        let word = try message.payload.u64()
        guard word <= 0x1ff else { throw .frontend(.badValue) }
        let hasDescriptor = word & 0x100 == 0
        guard message.descriptors.count == (hasDescriptor ? 1 : 0) else {
            throw .frontend(.descriptors)
        }
        let queue = try device.makeQueue(Int(word & 0xff))
        var value = QueueDescriptor.none
        if let descriptor = message.descriptors.take(0) {
            guard System.isEvent(descriptor) else { throw .frontend(.badValue) }
            try System.setNonBlocking(descriptor)
            value = .descriptor(descriptor)
        }
        device.withdrawFromVdpa(queue)
        queue.lock.lock()
        store(&queue.value, value)
        queue.lock.unlock()
        return queue
    }
}
