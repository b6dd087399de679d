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
    /// Packets on their way.
    var inflight: InflightPackets
    /// The application's DMA engine.
    var engine: EngineCopy
    /// Slots of the ring that all this is sized for.
    private(set) var ringSize: Int

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

    /// Fits everything to a ring of `ringSize` slots. Throws `busy` while packets are in flight.
    mutating func resize(_ ringSize: Int) throws(VhostError) {
        guard ringSize != self.ringSize else { return }
        guard inflight.count == 0 else { throw .busy }
        let segments = try SegmentList(ringSize: ringSize)
        let gathered = try FixedBuffer(count: ringSize, repeating: Self.noEntry)
        let inflight = try InflightPackets(ringSize: ringSize)
        self.segments = segments
        self.gathered = gathered
        self.inflight = inflight
        self.ringSize = ringSize
    }

    /// Frees packets that nobody fetched, and forgets the engine.
    mutating func release() {
        while inflight.count > 0 { inflight.removeLast().packet?.freeChain() }
        engine.unregister()
    }

    /// How the control plane reaches all this.
    static let hooks = DatapathHooks(
        make: { () throws(VhostError) in OpaqueCell(try HeapCell(try NetQueue())) },
        resize: { (handle, size) throws(VhostError) in
            try handle.cell(of: NetQueue.self).value.resize(size)
        },
        poll: { device, queue in
            QueueBurst(device: device, queue: queue).settle()
        },
        release: { handle in handle.cell(of: NetQueue.self).value.release() })
}
