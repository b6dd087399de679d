// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// One call on one queue: the cells it works on. The queue's lock is held while any method runs.
struct QueueBurst {
    /// The device.
    let device: HeapCell<Device>
    /// The queue.
    let queue: HeapCell<VirtQueue>
    /// What the net datapath keeps for the queue.
    let state: HeapCell<NetQueue>
    /// What negotiation decided.
    let profile: QueueProfile
    /// What the addresses in the queue's descriptors mean.
    let memory: AddressSpace

    /// A burst on `queue` of `device`.
    @inline(__always)
    init(device: HeapCell<Device>, queue: HeapCell<VirtQueue>) {
        self.device = device
        self.queue = queue
        state = queue.value.datapath.cell(of: NetQueue.self)
        profile = queue.value.profile
        memory = queue.value.addressSpace(over: device.value.memory.table)
    }

    /// Chains that may be taken now, at most `limit`; counts and logs a ring that the guest broke.
    @inline(__always)
    func availableChains<R: Ring & ~Copyable>(_ ring: inout R, limit: Int) -> Int {
        let available = ring.estimateAvailable(limit: limit)
        if ring.isBroken { reportBroken() }
        return available
    }

    /// Counts and logs it, once.
    @inline(never)
    func reportBroken() {
        guard !queue.value.hasLoggedBroken else { return }
        queue.value.hasLoggedBroken = true
        queue.value.statistics.ringBroken &+= 1
        device.deferReport(.brokenRing, queue: queue.value.index)
    }

    /// Shows the guest what was put into the used ring and interrupts it if it wants that.
    @inline(__always)
    func publish<R: Ring & ~Copyable>(_ ring: inout R) -> Bool {
        ring.publishUsed()
        return notify(&ring)
    }

    /// Logs what was written into the ring, and interrupts the guest if it wants that.
    @inline(__always)
    func notify<R: Ring & ~Copyable>(_ ring: inout R) -> Bool {
        if profile.logsWrites { logRing(&ring) }
        guard ring.shouldNotify() else {
            queue.value.statistics.notificationsSuppressed &+= 1
            return false
        }
        return queue.value.signalGuest()
    }

    /// Counts a burst that the guest offered too few buffers for.
    @inline(never)
    func endForWantOfBuffers() -> BurstResult {
        queue.value.statistics.noBuffers &+= 1
        return BurstResult()
    }

    /// Counts a chain that went back unused.
    @inline(never)
    func countDrop(_ fault: ChainFault) {
        queue.value.statistics.count(fault)
        Probe.drop(device.value.vid, queue.value.index, reason: fault.rawValue)
    }
}
