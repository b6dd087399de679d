// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What the net datapath keeps for a queue. Guarded by the queue's lock, as all of the queue is.
struct NetQueue: ~Copyable {
    /// Buffers of the packet at hand.
    var segments: SegmentList
    /// Used entries of the packet at hand, when it takes several chains.
    var gathered: FixedBuffer<UsedEntry>
    /// Fresh mbufs of the burst at hand.
    var supply: PacketSupply
    /// What the burst at hand wrote, while writes are logged.
    var written = DirtyPages()
    /// Packets on their way.
    var inflight: InflightPackets
    /// The application's DMA engine.
    var engine: EngineCopy
    /// Slots of the ring that all this is sized for.
    private(set) var ringSize: Int
    /// And whether for buffers behind an IOMMU.
    private var isTranslated = false
    /// Writes to guest memory are logged.
    private var logsWrites = false

    /// What a queue needs before its ring is known.
    init() throws(VhostError) {
        let segments = try SegmentList(ringSize: 0)
        let gathered = try FixedBuffer(count: 0, repeating: Self.noEntry)
        let supply = try PacketSupply()
        let inflight = try InflightPackets(ringSize: 0)
        let engine = try EngineCopy()
        self.segments = segments
        self.gathered = gathered
        self.supply = supply
        self.inflight = inflight
        self.engine = engine
        ringSize = 0
    }

    private static let noEntry = UsedEntry(id: 0, descriptorCount: 0, byteCount: 0)

    /// Fits everything to a ring of `ringSize` slots; complete packets that were not fetched stay.
    /// Throws `busy` while an engine copies, `outOfMemory`.
    mutating func resize(_ ringSize: Int, isTranslated: Bool) throws(VhostError) {
        guard inflight.engineCount == 0 else { throw .busy }
        if ringSize != self.ringSize || isTranslated != self.isTranslated {
            let segments = try SegmentList(ringSize: ringSize, isTranslated: isTranslated)
            // A packet takes no more chains than it may have descriptors.
            let gathered = try FixedBuffer(
                count: min(ringSize, SegmentList.maximumCount), repeating: Self.noEntry)
            self.segments = segments
            self.gathered = gathered
            self.ringSize = ringSize
            self.isTranslated = isTranslated
        }
        try resizeFIFO()
        prepareLog()
    }

    /// Switches logging on or off; on only while the engine is idle.
    mutating func setLogging(_ isOn: Bool) {
        guard isOn != logsWrites else { return }
        logsWrites = isOn
        prepareLog()
    }

    private mutating func prepareLog() {
        engine.prepareLog(ringSize: logsWrites ? ringSize : nil)
    }

    /// The FIFO is for queues with an engine alone.
    private mutating func resizeFIFO() throws(VhostError) {
        let wanted = engine.isRegistered ? ringSize : 0
        try engine.resizeLane(ringSize: wanted)
        guard wanted != inflight.capacity else { return }
        var fifo = try InflightPackets(ringSize: wanted, atLeast: inflight.count)
        fifo.adopt(inflight)
        inflight = fifo
    }

    /// Takes an engine into service. Throws `exists`, `outOfMemory`.
    mutating func register(
        _ kind: EngineKind, threshold: UInt32, isRelaxed: Bool
    ) throws(VhostError) {
        try engine.register(kind, threshold: threshold, isRelaxed: isRelaxed)
        do throws(VhostError) {
            try resizeFIFO()
        } catch {
            engine.unregister()
            throw error
        }
        prepareLog()
    }

    /// Frees packets that nobody fetched, forgets the engine, and gives memory back.
    mutating func release() {
        while inflight.count > 0 { inflight.removeLast().packet?.freeChain() }
        engine.unregister()
        logsWrites = false
        // Without memory for less memory, what there is stays.
        try? resize(0, isTranslated: false)
    }

    /// How the control plane reaches all this.
    static let hooks = DatapathHooks(
        make: { () throws(VhostError) in OpaqueCell(try HeapCell(try NetQueue())) },
        resize: { (handle, size, isTranslated) throws(VhostError) in
            try handle.cell(of: NetQueue.self).value.resize(size, isTranslated: isTranslated)
        },
        poll: { device, queue in
            QueueBurst(device: device, queue: queue).settle()
        },
        closeGaps: { device, queue in
            QueueBurst(device: device, queue: queue).closeGaps()
        },
        setLogging: { handle, isOn in
            handle.cell(of: NetQueue.self).value.setLogging(isOn)
        },
        inflightCount: { handle in handle.cell(of: NetQueue.self).value.inflight.packetCount },
        release: { handle in handle.cell(of: NetQueue.self).value.release() })
}
