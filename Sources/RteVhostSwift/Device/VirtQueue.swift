// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A virtqueue as a device has it. Its cell's lock is held by a burst, and by whatever reads or
/// changes the queue.
struct VirtQueue: ~Copyable {
    /// The ring of the negotiated format; both are without slots while the queue is stopped.
    var splitRing = SplitRing()
    var packedRing = PackedRing()
    /// Position in the device: even queues receive, odd ones transmit.
    let index: Int
    /// What the datapath keeps for this queue; made with it, as old as it.
    let datapath: OpaqueCell
    /// Translations, where VIRTIO_F_IOMMU_PLATFORM was negotiated.
    let iotlb: HeapCell<IOTLB>
    /// What bursts need of the negotiation.
    var profile = QueueProfile()
    /// Somebody captures its packets: a burst looks once, when they have arrived. Any thread sets it.
    let isCaptured = Atomic<Bool>(false)
    /// Where they are copied then.
    let capture = AtomicCell<CaptureRing>()
    /// Counters.
    var statistics = QueueStatistics()
    /// What the counters of `QueueCounter` were when they were set to zero...
    var countersBefore = QueueCounters()
    /// ...and what those of `TrafficCounter` were.
    var trafficBefore = QueueCounters()

    /// SET_VRING_NUM; 0 before.
    var size = 0
    /// SET_VRING_ADDR.
    var addresses: RingAddresses?
    /// SET_VRING_BASE, or where the ring stood when it stopped; nil before.
    var base: UInt32?
    /// The base holds the used position of a packed ring even when its upper half is 0.
    var hasUsedBase = false
    /// SET_VRING_ENABLE.
    var isEnabled = false
    /// The control plane waits for the engine: bursts take nothing new.
    var isPaused = false
    /// The engine was waited for in vain, and did not finish since. Event thread alone.
    var isStuck = false
    /// Packets that had passed when it was found stuck. Event thread alone.
    var packetsWhenStuck: UInt64 = 0
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
    /// Its part of INFLIGHT_SHMFD.
    var inflight = QueueInflight()
    /// A broken ring was logged since it was set up.
    var hasLoggedBroken = false
    /// Where writes to guest memory are marked while `profile.logsWrites`.
    var dirtyLog = DirtyLog.none

    /// Where the ring's parts are, while there is a ring.
    var ringParts: RingParts?
    /// All that the ring needs has come but translations of its addresses.
    var isAwaitingTranslation = false

    /// A type with an atomic in it is used where it lies. Without one the compiler may load all of
    /// it for one field; and swift 6.3.1 makes invalid code of that under ThreadSanitizer.
    private let staysInPlace = Atomic<Bool>(true)

    /// A queue as it is before any message names it.
    init(index: Int, datapath: OpaqueCell, iotlb: HeapCell<IOTLB>) {
        self.index = index
        self.datapath = datapath
        self.iotlb = iotlb
    }

    /// True while there is a ring.
    @inline(__always)
    var hasRing: Bool { splitRing.size | packedRing.size > 0 }

    /// True when bursts may run.
    @inline(__always)
    var isRunning: Bool { isEnabled && !isPaused && hasRing }

    /// True when the application is to be told that the queue works: DPDK 21.08 wants both eventfds
    /// as well.
    var isReady: Bool { isRunning && kick.isSet && call.isSet }
}

extension VirtQueue {
    /// A queue as it is before any message names it.
    mutating func reset() {
        forget()
        reportedReady = false
        statistics = QueueStatistics()
        countersBefore = QueueCounters()
        trafficBefore = QueueCounters()
        isCaptured.store(false, ordering: .releasing)
        capture.load()?.value.close()
        iotlb.value.resetLookups()
    }

    /// Forgets all that messages brought but what was counted, and what the application knows;
    /// descriptors are closed.
    mutating func forget() {
        _ = stopRing()
        size = 0
        addresses = nil
        base = nil
        hasUsedBase = false
        isEnabled = false
        isPaused = false
        isStuck = false
        kick = .unset
        call = .unset
        error = .unset
        wantsKicks = true
        inflight = QueueInflight()
        hasLoggedBroken = false
        dirtyLog = .none
        isAwaitingTranslation = false
        iotlb.value.release()
    }

    /// Sends the guest an interrupt if it wants one. True when one was sent.
    mutating func notifyGuest() -> Bool {
        let isWanted = profile.isPacked ? packedRing.shouldNotify() : splitRing.shouldNotify()
        guard isWanted else {
            statistics.notificationsSuppressed &+= 1
            return false
        }
        return signalGuest()
    }

    /// Sends the guest an interrupt whatever it wants.
    @inline(never)
    mutating func signalGuest() -> Bool {
        guard call.number >= 0 else { return false }
        guard EventSignal.send(call.number) else {
            statistics.notificationsFailed &+= 1
            return false
        }
        statistics.notifications &+= 1
        return true
    }
}
