// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A vhost device: one connection of a frontend. Its cell lives as long as the process and is used
/// again for a later connection with the same vid. The cell's lock is held while `memory`, `path` or
/// `callbacks` change, and by whoever reads them from outside the event thread without a queue's
/// lock.
struct Device: ~Copyable {
    /// Most queues of a device: 128 pairs, as in DPDK 21.08.
    static let maximumQueueCount = 256

    /// Queues whose engine was waited for in vain, and did not finish since. Event thread.
    var stuckQueueCount = 0

    /// Index in the device table, what the API calls `vid`.
    let vid: Int32
    /// How to reach the datapath.
    let hooks: DatapathHooks
    /// What the frontend said.
    let history: HeapCell<DeviceHistory>

    /// True from connection to disconnection.
    let isOpen = Atomic<Bool>(false)
    /// The connection's number, which no other one of the process has: a vid comes again.
    let connectionNumber = Atomic<UInt64>(0)
    /// True between `new_device` and `destroy_device`.
    let isRunning = Atomic<Bool>(false)
    /// Negotiated virtio features.
    let features = Atomic<UInt64>(0)
    /// Negotiated vhost-user protocol features.
    let protocolFeatures = Atomic<UInt64>(0)
    /// NET_SET_MTU, 0 before.
    let mtu = Atomic<UInt32>(0)
    /// SET_STATUS, or -1 before.
    let status = Atomic<Int32>(-1)
    /// Queues that messages named, all below this index.
    let queueCount = Atomic<Int>(0)
    /// SEND_RARP came and the announcement was not delivered yet.
    let isRarpPending = Atomic<Bool>(false)
    /// One of its rings waits for translations, or did when it was last looked at.
    let isRingAwaited = Atomic<Bool>(false)
    /// A data-plane call for a queue that there is not was logged.
    let didLogWrongQueue = Atomic<Bool>(false)
    /// What a burst found worth a log line, for after its lock: `DeferredReport`; 0 for nothing.
    let deferredReport = Atomic<UInt32>(0)
    /// The address to announce, in the low 48 bits, first byte lowest.
    let rarpAddress = Atomic<UInt64>(0)

    /// The guest's memory. Changed only with every queue's lock held as well.
    var memory: GuestMemory
    /// For whoever looks at the memory without a lock.
    let memoryChanges = ChangeCount()
    /// The log of SET_LOG_BASE. Changed as `memory` is.
    var dirtyLog: DirtyLogMapping?
    /// The eventfd of SET_LOG_FD. Changed as `memory` is.
    var dirtyLogEvent: FileDescriptor?
    /// The driver's socket.
    var path = SocketPath()
    /// What the socket's frontends cost. Guarded by the lock.
    var account: HeapCell<FrontendAccount>?
    /// The application's callbacks.
    var callbacks: DeviceCallbacks?
    /// `rte_vhost_extern_callback_register`. Guarded by the lock.
    var externalHandlers: ExternalHandlers?
    /// SET_INFLIGHT_FD. Changed only while no ring runs.
    var inflightArea: InflightArea?
    /// Postcopy migration. Guarded by the lock.
    var postcopy = Postcopy()
    /// Requests to the frontend.
    let backendChannel: BackendChannel
    /// The driver of hardware that serves the device.
    var vdpa: VdpaOperations?
    /// That driver was told to set its hardware up, and did. Event thread.
    var isVdpaConfigured = false
    /// The driver's flags.
    var flags = DriverFlags(rawValue: 0)
    /// Features that the driver offers.
    var offeredFeatures: UInt64 = 0
    /// Protocol features that the driver offers.
    var offeredProtocolFeatures: UInt64 = 0
    /// Queue pairs that the driver offers.
    var offeredQueuePairs: UInt32 = 0
    /// The built-in net backend serves the device; false once the application set features of its
    /// own.
    let isNet = Atomic<Bool>(true)
    /// The device ran at some time of its connection. Event thread.
    var hasRun = false
    /// The connection is gone, but an engine still copies: memory and packets are kept until it is
    /// done.
    var isDraining = false

    /// By index plus one: ThreadSanitizer takes a new element for a write of the first one, which
    /// nobody reads.
    fileprivate var queues = InlineArray<257, HeapCell<VirtQueue>?>(repeating: nil)
    /// Parts of a queue for which the memory ended half-way: the next one gets them.
    fileprivate var spareDatapath: OpaqueCell?
    fileprivate var spareIOTLB: HeapCell<IOTLB>?

    /// A closed device. Throws `outOfMemory`.
    init(vid: Int32, hooks: DatapathHooks) throws(VhostError) {
        let memory = try GuestMemory()
        let history = try HeapCell(DeviceHistory())
        backendChannel = try BackendChannel()
        self.history = history
        self.memory = memory
        self.vid = vid
        self.hooks = hooks
    }

    /// True when the frontend took all of these protocol features.
    func hasNegotiated(_ features: UInt64) -> Bool {
        protocolFeatures.load(ordering: .relaxed) & features == features
    }

    /// The queue at `index`, if a message named it.
    @inline(__always)
    func queue(_ index: Int) -> HeapCell<VirtQueue>? {
        guard index >= 0, index < queueCount.load(ordering: .acquiring) else { return nil }
        return queues[index &+ 1]
    }
}

extension HeapCell where Value == Device {
    /// Every queue that was ever made: a thread that found one of an earlier connection may use its
    /// lock still.
    func forEachCell(_ body: (HeapCell<VirtQueue>) -> Void) {
        for position in 1...Device.maximumQueueCount {
            guard let queue = value.queues[position] else { return }
            body(queue)
        }
    }

    /// The queue at `index`, made if it is new, along with those below it. Event thread. Throws
    /// `queueIndex`, `outOfMemory`.
    func makeQueue(_ index: Int) throws(VhostError) -> HeapCell<VirtQueue> {
        let limit = min(Int(value.offeredQueuePairs) * 2, Device.maximumQueueCount)
        guard index >= 0, index < limit else { throw .frontend(.queueIndex) }
        let profile = QueueProfile(
            features: value.features.load(ordering: .relaxed), flags: value.flags)
        let known = value.queueCount.load(ordering: .relaxed)
        for position in known..<max(index + 1, known) {
            let cell: HeapCell<VirtQueue>
            if let old = value.queues[position + 1] {
                cell = old
            } else {
                cell = try makeCell(position)
                value.queues[position + 1] = cell
            }
            adopt(profile, cell)
            value.queueCount.store(position + 1, ordering: .releasing)
        }
        guard let cell = value.queues[index + 1] else { throw .notFound }
        return cell
    }

    /// A new queue. Cells are never freed, so none that was made may be forgotten.
    private func makeCell(_ index: Int) throws(VhostError) -> HeapCell<VirtQueue> {
        if value.spareDatapath == nil { value.spareDatapath = try value.hooks.make() }
        if value.spareIOTLB == nil { value.spareIOTLB = try HeapCell<IOTLB>(try IOTLB()) }
        guard let datapath = value.spareDatapath, let iotlb = value.spareIOTLB else {
            throw .notFound
        }
        let cell = try HeapCell<VirtQueue>(
            VirtQueue(index: index, datapath: datapath, iotlb: iotlb))
        value.spareDatapath = nil
        value.spareIOTLB = nil
        return cell
    }
}
