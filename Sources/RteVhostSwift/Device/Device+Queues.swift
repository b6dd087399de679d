// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// What messages do to the queues of a device. Event thread; callbacks are called without locks.
extension HeapCell where Value == Device {
    /// Until when one step of the control plane waits for DMA engines: a second, however many
    /// queues it drains.
    static var drainDeadline: UInt64 { System.nanoseconds() &+ 1_000_000_000 }

    /// The same for an engine that has not answered before: two milliseconds.
    private static var shortDeadline: UInt64 { System.nanoseconds() &+ 2_000_000 }

    /// Calls `body` with each queue's cell.
    func forEachQueue<Failure: Error>(
        _ body: (HeapCell<VirtQueue>) throws(Failure) -> Void
    ) throws(Failure) {
        for index in 0..<value.queueCount.load(ordering: .acquiring) {
            if let queue = value.queue(index) { try body(queue) }
        }
    }

    /// Stops bursts from taking packets and waits until the engine has none of this queue's. False
    /// when it does not finish in time; the queue stays paused.
    func drain(_ queue: HeapCell<VirtQueue>, until deadline: UInt64) -> Bool {
        let packets = queue.lock.withLock {
            queue.value.isPaused = true
            return queue.value.statistics.packets
        }
        // An engine that went on since is waited for as any other.
        if queue.value.isStuck, packets != queue.value.packetsWhenStuck { setStuck(queue, false) }
        // An engine that was waited for in vain is not waited for as long again: other devices
        // have their turn.
        let deadline = value.stuckQueueCount > 0 ? min(deadline, Self.shortDeadline) : deadline
        var turns = 0
        while true {
            let isIdle = queue.lock.withLock { value.hooks.poll(self, queue) }
            if isIdle {
                setStuck(queue, false)
                return true
            }
            turns += 1
            if turns & 0xff == 0 {
                guard System.nanoseconds() < deadline else { break }
                System.sleep(microseconds: 50)
            }
        }
        guard !queue.value.isStuck else { return false }
        setStuck(queue, true)
        queue.lock.withLock { queue.value.statistics.engineStuck &+= 1 }
        queue.value.packetsWhenStuck = packets
        Log.error { line in
            line.begin(value.path)
            line.add("queue ")
            line.add(queue.value.index)
            line.add(": the DMA engine does not finish its copies")
        }
        return false
    }

    /// Takes a ring away that others will go on with: behind as many chains as were used, so packets
    /// that others have overtaken are waited for, as long as `drain` would. Bursts take nothing new.
    func leaveRing(_ queue: HeapCell<VirtQueue>, until deadline: UInt64) {
        let deadline = value.stuckQueueCount > 0 ? min(deadline, Self.shortDeadline) : deadline
        var turns = 0
        var isLate = false
        while true {
            let isLeft = queue.lock.withLock {
                queue.value.isEnabled = false
                // With the lock held until the ring is gone: calls that collect make gaps.
                guard value.hooks.closeGaps(self, queue) || isLate else { return false }
                _ = queue.value.stopRing()
                return true
            }
            guard !isLeft else { return }
            turns += 1
            guard turns & 0xff == 0 else { continue }
            isLate = System.nanoseconds() >= deadline
            System.sleep(microseconds: 50)
        }
    }

    /// Notes whether a queue's engine was waited for in vain; another queue that is idle says
    /// nothing about it.
    private func setStuck(_ queue: HeapCell<VirtQueue>, _ isStuck: Bool) {
        guard queue.value.isStuck != isStuck else { return }
        queue.value.isStuck = isStuck
        value.stuckQueueCount += isStuck ? 1 : -1
    }

    /// Drains a queue and takes its ring away; returns where it stood. Throws `busy` when the
    /// engine does not finish.
    func stop(
        _ queue: HeapCell<VirtQueue>, until deadline: UInt64
    ) throws(VhostError) -> UInt32 {
        guard drain(queue, until: deadline) else { throw .busy }
        return queue.lock.withLock {
            queue.value.isPaused = false
            return queue.value.stopRing()
        }
    }

    /// Builds a queue's ring if all that it needs has come. Throws `unmapped`, `badValue`, `busy`,
    /// `outOfMemory`.
    func start(_ queue: HeapCell<VirtQueue>) throws(VhostError) {
        try queue.lock.withLock { () throws(VhostError) in
            guard !queue.value.hasRing, queue.value.size > 0 else { return }
            try queue.value.startRing(in: value.memory.table)
            guard queue.value.hasRing else {
                if queue.value.isAwaitingTranslation { requestRing(queue) }
                return
            }
            do throws(VhostError) {
                try value.hooks.resize(
                    queue.value.datapath, queue.value.size, queue.value.profile.isTranslated)
                try attachInflight(queue)
                try completeTornPacket(queue)
            } catch {
                _ = queue.value.stopRing()
                throw error
            }
            logRing(queue)
        }
    }

    /// What a backend before this one, which was killed, left half-shown to the guest. Throws
    /// `outOfMemory`: then the ring may not be used.
    private func completeTornPacket(_ queue: HeapCell<VirtQueue>) throws(VhostError) {
        let profile = queue.value.profile
        guard profile.isPacked, profile.isMergeable, queue.value.index & 1 == 0,
            value.isNet.load(ordering: .relaxed)
        else { return }
        let memory = queue.value.addressSpace(over: value.memory.table)
        try queue.value.packedRing.completeTornPacket(from: memory)
    }

    /// Changes a queue that does not run: SET_VRING_NUM, SET_VRING_BASE. Throws `badState` when it
    /// does.
    func changeStopped(
        _ queue: HeapCell<VirtQueue>, _ change: (inout VirtQueue) -> Void
    ) throws(VhostError) {
        try queue.lock.withLock { () throws(VhostError) in
            guard !queue.value.hasRing else { throw .frontend(.badState) }
            change(&queue.value)
        }
    }

    /// SET_VRING_NUM. Throws `badState` for a ring that runs, and for another size while there is a
    /// record of what is in flight: the application may be using it.
    func setSize(_ queue: HeapCell<VirtQueue>, _ size: Int) throws(VhostError) {
        let mayChange = queue.lock.withLock {
            !queue.value.inflight.log.isAttached || queue.value.size == size
        }
        guard mayChange else { throw .frontend(.badState) }
        try changeStopped(queue) { $0.size = size }
    }

    /// SET_VRING_ADDR. A ring that runs moves to the new place with its positions.
    func setAddresses(
        _ queue: HeapCell<VirtQueue>, _ addresses: RingAddresses
    ) throws(VhostError) {
        let old = queue.lock.withLock { queue.value.addresses }
        let isRunning = queue.lock.withLock { queue.value.hasRing }
        if isRunning, let old, old.areSamePlaces(as: addresses) {
            // vhost-user, Migration: flag and address of the log change while the ring runs.
            queue.lock.withLock { queue.value.addresses = addresses }
            return
        }
        if isRunning {
            withdrawFromVdpa(queue)
            _ = try stop(queue, until: Self.drainDeadline)
        }
        queue.lock.withLock { queue.value.addresses = addresses }
        try start(queue)
    }

    /// SET_VRING_ENABLE.
    func setEnabled(_ queue: HeapCell<VirtQueue>, _ isEnabled: Bool) throws(VhostError) {
        guard isEnabled else {
            queue.lock.withLock { queue.value.isEnabled = false }
            // virtio 1.2, 2.1: nothing may be written to a queue after it was disabled.
            guard drain(queue, until: Self.drainDeadline) else { throw .busy }
            queue.lock.withLock { queue.value.isPaused = false }
            return
        }
        queue.lock.withLock {
            queue.value.isPaused = false
            queue.value.isEnabled = true
        }
    }

    /// Gives every queue the profile of the negotiated features.
    func updateProfiles() {
        let profile = QueueProfile(
            features: value.features.load(ordering: .relaxed), flags: value.flags)
        forEachQueue { queue in adopt(profile, queue) }
    }
}
