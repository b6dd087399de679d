// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// The data-plane calls: each finds its queue, takes the lock, runs one burst and, the lock
/// released, tells the application that the guest was interrupted.
enum NetDatapath {
    /// Direction of a queue by its index: even ones receive (host to guest), odd ones transmit.
    enum Direction {
        case toGuest
        case fromGuest

        /// True for a queue of this direction.
        @inline(__always)
        func fits(_ queue: UInt16) -> Bool { queue & 1 == (self == .fromGuest ? 1 : 0) }
    }

    /// `rte_vhost_dequeue_burst`: 0 when the lock is held.
    @inline(__always)
    static func dequeue(
        _ vid: Int32, _ queue: UInt16, pool: PacketPool, packets: PacketArray
    ) -> Int {
        // Before, not after: what the probe tells would have to be kept over the burst.
        guard !Probe.isBurstTraced else {
            return tracedDequeue(vid, queue, pool: pool, packets: packets)
        }
        return dequeueBurst(vid, queue, pool: pool, packets: packets)
    }

    @inline(never)
    private static func tracedDequeue(
        _ vid: Int32, _ queue: UInt16, pool: PacketPool, packets: PacketArray
    ) -> Int {
        let count = dequeueBurst(vid, queue, pool: pool, packets: packets)
        Probe.burst(vid, queue, wanted: packets.count, count: count)
        return count
    }

    @inline(__always)
    private static func dequeueBurst(
        _ vid: Int32, _ queue: UInt16, pool: PacketPool, packets: PacketArray
    ) -> Int {
        guard pool.isUsable || pool.isUsableAfterAll("rte_vhost_dequeue_burst"),
            let (device, cell) = find(vid, queue, .fromGuest), cell.lock.tryLock()
        else { return 0 }
        let announced = announce(device, cell, pool: pool, packets: packets)
        let result = QueueBurst(device: device, queue: cell).dequeue(
            pool: pool, into: packets.dropping(announced))
        cell.lock.unlock()
        tell(device, result)
        return announced &+ result.count
    }

    /// `rte_vhost_enqueue_burst`: waits for the lock.
    @inline(__always)
    static func enqueue(_ vid: Int32, _ queue: UInt16, packets: PacketArray) -> Int {
        guard !Probe.isBurstTraced else { return tracedEnqueue(vid, queue, packets: packets) }
        return enqueueBurst(vid, queue, packets: packets)
    }

    @inline(never)
    private static func tracedEnqueue(
        _ vid: Int32, _ queue: UInt16, packets: PacketArray
    ) -> Int {
        let count = enqueueBurst(vid, queue, packets: packets)
        Probe.burst(vid, queue, wanted: packets.count, count: count)
        return count
    }

    @inline(__always)
    private static func enqueueBurst(
        _ vid: Int32, _ queue: UInt16, packets: PacketArray
    ) -> Int {
        guard let (device, cell) = find(vid, queue, .toGuest) else { return 0 }
        let result = cell.lock.withLock {
            QueueBurst(device: device, queue: cell).enqueue(packets)
        }
        tell(device, result)
        return result.count
    }

    /// `rte_vhost_async_try_dequeue_burst`: packets, and those in flight afterwards; -1 in flight
    /// where there is no device, queue or registration, where the lock is held, or where the queue
    /// is disabled with nothing in flight. `channel` is for queues of DMA devices, as below.
    static func engineDequeue(
        _ vid: Int32, _ queue: UInt16, pool: PacketPool, packets: PacketArray,
        channel: HeapCell<DmadevChannel>? = nil
    ) -> (count: Int, inflight: Int32) {
        guard pool.isUsable || pool.isUsableAfterAll("rte_vhost_async_try_dequeue_burst"),
            let (device, cell) = find(vid, queue, .fromGuest), cell.lock.tryLock()
        else { return (0, -1) }
        let state = cell.value.datapath.cell(of: NetQueue.self)
        guard state.value.engine.isRegistered,
            cell.value.isEnabled || state.value.inflight.packetCount > 0
        else {
            cell.lock.unlock()
            return (0, -1)
        }
        state.value.engine.lane.select(channel)
        let announced = announce(device, cell, pool: pool, packets: packets)
        let result = QueueBurst(device: device, queue: cell).engineDequeue(
            pool: pool, into: packets.dropping(announced))
        let inflight = Int32(truncatingIfNeeded: state.value.inflight.packetCount)
        cell.lock.unlock()
        tell(device, result)
        Probe.burst(vid, queue, wanted: packets.count, count: announced &+ result.count)
        return (announced &+ result.count, inflight)
    }

    /// `rte_vhost_submit_enqueue_burst`: packets taken, and those that are complete already.
    static func engineEnqueue(
        _ vid: Int32, _ queue: UInt16, packets: PacketArray, completed: PacketArray,
        channel: HeapCell<DmadevChannel>? = nil
    ) -> (taken: Int, completed: Int) {
        guard let (device, cell) = find(vid, queue, .toGuest) else { return (0, 0) }
        let outcome = cell.lock.withLock { () -> (taken: Int, result: BurstResult) in
            guard isRegistered(cell, channel) else { return (0, BurstResult()) }
            return QueueBurst(device: device, queue: cell).engineEnqueue(
                packets, completed: completed)
        }
        tell(device, outcome.result)
        Probe.burst(vid, queue, wanted: packets.count, count: outcome.taken)
        return (outcome.taken, outcome.result.count)
    }

    /// `rte_vhost_poll_enqueue_completed`: waits for the lock.
    static func pollEnqueue(
        _ vid: Int32, _ queue: UInt16, packets: PacketArray,
        channel: HeapCell<DmadevChannel>? = nil
    ) -> Int {
        guard let (device, cell) = find(vid, queue, .toGuest) else { return 0 }
        let result = cell.lock.withLock { () -> BurstResult in
            guard isRegistered(cell, channel) else { return BurstResult() }
            return QueueBurst(device: device, queue: cell).collect(packets)
        }
        tell(device, result)
        return result.count
    }

    /// `rte_vhost_clear_queue_thread_unsafe`: both directions, no working ring needed. The lock is
    /// taken all the same: callbacks are called without it, so waiting for it is safe there.
    static func clear(
        _ vid: Int32, _ queue: UInt16, packets: PacketArray,
        channel: HeapCell<DmadevChannel>? = nil
    ) -> Int {
        guard let (device, cell) = try? DeviceTable.queue(vid, queue) else { return 0 }
        let result = cell.lock.withLock { () -> BurstResult in
            guard isRegistered(cell, channel) else { return BurstResult() }
            cell.value.datapath.cell(of: NetQueue.self).value.engine.lane.audit()
            return QueueBurst(device: device, queue: cell).collect(packets)
        }
        tell(device, result)
        return result.count
    }
}

extension NetDatapath {
    @inline(__always)
    private static func find(
        _ vid: Int32, _ queue: UInt16, _ direction: Direction
    ) -> (HeapCell<Device>, HeapCell<VirtQueue>)? {
        guard let device = DeviceTable.find(vid) else { return nil }
        guard direction.fits(queue), device.value.isNet.load(ordering: .relaxed),
            let cell = device.value.queue(Int(queue))
        else {
            logWrongQueue(device, queue)
            return nil
        }
        return (device, cell)
    }

    /// True with an engine, which then works on this channel, if it is one with channels.
    private static func isRegistered(
        _ queue: HeapCell<VirtQueue>, _ channel: HeapCell<DmadevChannel>?
    ) -> Bool {
        let state = queue.value.datapath.cell(of: NetQueue.self)
        state.value.engine.lane.select(channel)
        return state.value.engine.isRegistered
    }

    @inline(never)
    private static func logWrongQueue(_ device: HeapCell<Device>, _ queue: UInt16) {
        // A poll loop would fill the log with it.
        guard !device.value.didLogWrongQueue.exchange(true, ordering: .relaxed) else { return }
        let path = device.lock.withLock { device.value.path }
        Log.error(.data) { line in
            line.begin(path)
            line.add("queue ")
            line.add(Int(queue))
            line.add(": no such queue of a net device for this direction")
        }
    }

    @inline(__always)
    private static func tell(_ device: HeapCell<Device>, _ result: BurstResult) {
        if result.didNotify { tellNotified(device) }
        if device.value.deferredReport.load(ordering: .relaxed) != 0 { logReport(device) }
    }

    @inline(never)
    private static func logReport(_ device: HeapCell<Device>) {
        guard let report = device.takeReport(), let kind = report.kind else { return }
        guard kind != .rawObjects else { return PoolFault.log(.rawObjects, "dequeue") }
        guard kind != .brokenChannel else { return device.logBrokenChannel(report.queue) }
        var account: HeapCell<FrontendAccount>?
        let path = device.lock.withLock {
            account = device.value.account
            return device.value.path
        }
        Log.error(.data, of: account) { line in
            line.begin(path)
            line.add("queue ")
            line.add(report.queue)
            line.add(": the guest offers more than the ring has slots, or an id that is out;")
            line.add(" the queue stops until it is set up again")
        }
    }

    /// Calls the application's `guest_notified`, if it has one.
    @inline(never)
    private static func tellNotified(_ device: HeapCell<Device>) {
        // The device may end, and another one begin, at any time.
        let callbacks = device.lock.withLock { device.value.callbacks }
        callbacks?.guestNotified?(device.value.vid)
    }

    /// Puts a pending announcement at `packets[0]`; 1 when it did. It stays pending while there is
    /// no room or no mbuf.
    @inline(__always)
    private static func announce(
        _ device: HeapCell<Device>, _ queue: HeapCell<VirtQueue>, pool: PacketPool,
        packets: PacketArray
    ) -> Int {
        guard device.value.isRarpPending.load(ordering: .relaxed) else { return 0 }
        return announcePending(device, queue, pool: pool, packets: packets)
    }

    @inline(never)
    private static func announcePending(
        _ device: HeapCell<Device>, _ queue: HeapCell<VirtQueue>, pool: PacketPool,
        packets: PacketArray
    ) -> Int {
        guard packets.count > 0, queue.value.isEnabled else { return 0 }
        // Another queue of the device may have delivered it meanwhile.
        guard device.value.isRarpPending.exchange(false, ordering: .acquiring) else { return 0 }
        let state = queue.value.datapath.cell(of: NetQueue.self)
        state.value.supply.open(pool, count: 1)
        let packet = state.value.supply.next()
        state.value.supply.close()
        let address = device.value.rarpAddress.load(ordering: .relaxed)
        guard let packet, Announcement.write(address, to: packet) else {
            packet?.freeChain()
            queue.value.statistics.poolEmpty &+= 1
            device.value.isRarpPending.store(true, ordering: .releasing)
            return 0
        }
        packets[0] = packet
        queue.value.statistics.announcements &+= 1
        QueueBurst(device: device, queue: queue).captureArrived(packets, 1)
        return 1
    }
}
