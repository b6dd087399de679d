// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A virtqueue as a device has it. Everything but `lock` is read and written with `lock` held.
struct VirtQueue: ~Copyable {
    /// Held by a burst, and by whatever changes the queue.
    let lock = SpinLock()
    /// Position in the device: even queues receive, odd ones transmit.
    let index: Int
    /// What the datapath keeps for this queue; made with it, as old as it.
    let datapath: OpaqueCell

    /// The ring; without slots while it is stopped.
    var ring = SplitRing()
    /// What bursts need of the negotiation.
    var profile = QueueProfile()
    /// Counters.
    var statistics = QueueStatistics()

    /// SET_VRING_NUM; 0 before.
    var size = 0
    /// SET_VRING_ADDR.
    var addresses: RingAddresses?
    /// SET_VRING_BASE, or where the ring stood when it stopped.
    var base: UInt16 = 0
    /// SET_VRING_ENABLE.
    var isEnabled = false
    /// The control plane waits for the engine: bursts take nothing new.
    var isPaused = false
    /// The engine was waited for in vain, and did not finish since. Event thread alone.
    var isStuck = false
    /// What the application was told last through `vring_state_changed`.
    var reportedReady = false
    /// SET_VRING_KICK.
    var kick = QueueDescriptor.unset
    /// SET_VRING_CALL.
    var call = QueueDescriptor.unset
    /// SET_VRING_ERR.
    var error = QueueDescriptor.unset
    /// `rte_vhost_enable_guest_notification`.
    var wantsKicks = true
    /// A broken ring was logged since it was set up.
    var hasLoggedBroken = false

    /// A queue as it is before any message names it.
    init(index: Int, datapath: OpaqueCell) {
        self.index = index
        self.datapath = datapath
    }

    /// True when bursts may run.
    @inline(__always)
    var isRunning: Bool { isEnabled && !isPaused && ring.size > 0 }

    /// True when the application is to be told that the queue works: DPDK 21.08 wants both eventfds
    /// as well.
    var isReady: Bool { isRunning && kick.isSet && call.isSet }
}

extension VirtQueue {
    /// Builds the ring over the guest's memory where its parts are known; does nothing while one is
    /// missing. Throws `unmapped` or `badValue` when they are wrong.
    mutating func startRing(in memory: MemoryTable) throws(VhostError) {
        guard ring.size == 0, size > 0, kick.isSet, addresses != nil, memory.count > 0 else {
            return
        }
        guard let slices = slices(in: memory) else { throw .frontend(.unmapped) }
        var ring = try SplitRing(
            size: size, descriptors: slices.descriptors, available: slices.available,
            used: slices.used, usesEventIndex: profile.usesEventIndex)
        // A frontend that lost its backend sends base 0 although the guest's ring went on: what was
        // used is done, what was only taken is offered again. DPDK 21.08 does the same.
        let used = ring.storedUsedIndex()
        ring.start(nextAvailable: used, nextUsed: used)
        ring.setKicksWanted(wantsKicks)
        self.ring = ring
        hasLoggedBroken = false
    }

    /// The ring's parts in the guest's memory, where they are known and lie in it.
    func slices(
        in memory: MemoryTable
    ) -> (descriptors: GuestSlice, available: GuestSlice, used: GuestSlice)? {
        guard let addresses, size > 0 else { return nil }
        let counts = SplitRing.byteCounts(size: size)
        guard
            let descriptors = memory.slice(
                at: addresses.descriptors, count: counts.descriptors),
            let available = memory.slice(at: addresses.available, count: counts.available),
            let used = memory.slice(at: addresses.used, count: counts.used)
        else { return nil }
        return (descriptors, available, used)
    }

    /// Positions in the available and the used ring.
    var positions: (UInt16, UInt16) {
        ring.size > 0 ? (ring.nextAvailable, ring.nextUsed) : (base, base)
    }

    /// Moves both positions, as an application does that serves the ring by itself.
    mutating func setPositions(available: UInt16, used: UInt16) {
        base = available
        if ring.size > 0 { ring.start(nextAvailable: available, nextUsed: used) }
    }

    /// Takes the ring away; returns where it stood.
    mutating func stopRing() -> UInt16 {
        if ring.size > 0 { base = ring.nextAvailable }
        ring = SplitRing()
        return base
    }

    /// Forgets all that messages brought; descriptors are closed.
    mutating func reset() {
        _ = stopRing()
        size = 0
        addresses = nil
        base = 0
        isEnabled = false
        isPaused = false
        isStuck = false
        reportedReady = false
        kick = .unset
        call = .unset
        error = .unset
        wantsKicks = true
        statistics = QueueStatistics()
        hasLoggedBroken = false
    }

    /// Sends the guest an interrupt if it wants one. True when one was sent.
    @inline(__always)
    mutating func notifyGuest() -> Bool {
        guard ring.shouldNotify() else {
            statistics.notificationsSuppressed &+= 1
            return false
        }
        return signalGuest()
    }

    /// Sends the guest an interrupt whatever it wants.
    @inline(never)
    mutating func signalGuest() -> Bool {
        guard call.number >= 0, EventSignal.send(call.number) else { return false }
        statistics.notifications &+= 1
        return true
    }
}
