// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A DMA engine as one queue uses it: pieces of at least the threshold are collected into
/// descriptors, smaller ones are copied by the processor. DPDK 21.08: one descriptor is one packet.
struct EngineCopy: CopyEngine, ~Copyable {
    @inline(__always)
    static var completesAtOnce: Bool { false }

    /// Descriptors given to the engine at once.
    static let batch = 64
    /// Pieces of one batch; a packet that does not find room for all of its own has the rest copied
    /// by the processor.
    static let pieceLimit = 2048

    /// True between channel registration and its end.
    private(set) var isRegistered = false
    /// RTE_VHOST_ASYNC_RELAXED_ORDER
    private(set) var isRelaxed = false
    /// Bytes of the shortest piece that the engine copies.
    private(set) var threshold = 0
    /// Whose packets are given up when the engine refuses them: freed when they are ours (from the
    /// guest), counted when they are the application's.
    private(set) var ownsPackets = false
    /// Packets of the application that the burst at hand had to give up.
    private(set) var refusedCount = 0
    private var callbacks = EngineCallbacks()
    /// DMA devices copy, and not the callbacks.
    private var usesDevices = false
    /// What they have of this queue.
    var lane = DmadevLane()

    private var pieces: EnginePieces
    /// Pieces that the batch at hand may have.
    private var pieceRoom = 0
    private var pieceCount = 0
    private var packetStart = 0
    /// Bytes of the packet at hand that the engine copies.
    private(set) var packetByteCount = 0
    /// Descriptors of the batch, and the FIFO's sequence number of each.
    private var batchCount = 0
    private var sequences = InlineArray<64, UInt32>(repeating: 0)
    /// Where the packets are written that the engine has, while that is logged.
    var writes: EngineWrites

    /// No engine.
    init() throws(VhostError) {
        let pieces = try EnginePieces(pieces: 0, descriptors: 0)
        writes = try EngineWrites(capacity: 0)
        self.pieces = pieces
    }

    /// Takes an engine into service. Throws `exists`, `outOfMemory`.
    mutating func register(
        _ kind: EngineKind, threshold: UInt32, isRelaxed: Bool
    ) throws(VhostError) {
        guard !isRegistered else { throw .exists }
        pieces = try EnginePieces(pieces: Self.pieceLimit, descriptors: Self.batch)
        switch kind {
        case .callbacks(let callbacks): self.callbacks = callbacks
        case .dmadev: usesDevices = true
        }
        self.threshold = Int(threshold)
        self.isRelaxed = isRelaxed
        isRegistered = true
    }

    /// Lets the engine go; the caller saw to it that nothing is in flight.
    mutating func unregister() {
        isRegistered = false
        callbacks = EngineCallbacks()
        usesDevices = false
        lane = DmadevLane()
        batchCount = 0
        pieceCount = 0
        if let empty = try? EnginePieces(pieces: 0, descriptors: 0) { pieces = empty }
        prepareLog(ringSize: nil)
    }
}

extension EngineCopy {
    /// Begins a burst.
    mutating func beginBurst(ownsPackets: Bool) {
        self.ownsPackets = ownsPackets
        refusedCount = 0
        refreshRoom()
    }

    /// Begins a batch: what a full device has no room for is copied by the processor.
    private mutating func refreshRoom() {
        pieceRoom = usesDevices ? min(lane.room(), pieces.pieceCount) : pieces.pieceCount
    }

    /// Makes room for the packets of a ring of `ringSize` slots; nothing is in flight. Throws
    /// `outOfMemory`.
    mutating func resizeLane(ringSize: Int) throws(VhostError) {
        let wanted = usesDevices ? ringSize : 0
        if wanted != lane.ringSize { lane = try DmadevLane(ringSize: wanted) }
    }

    /// A packet that the engine did not take.
    mutating func giveUp(_ packet: PacketBuffer) {
        if ownsPackets { packet.freeChain() } else { refusedCount &+= 1 }
    }

    /// Into the FIFO, and to the engine when the batch is full.
    @inline(__always)
    static func keep<R: Ring & ~Copyable>(
        _ record: InflightPacket, _ burst: QueueBurst, _ engine: inout EngineCopy, _ ring: inout R
    ) -> Bool {
        var record = record
        if record.packet == nil || engine.packetByteCount == 0 {
            record.isComplete = true
        } else {
            record.engineByteCount = UInt32(truncatingIfNeeded: engine.packetByteCount)
            engine.endPacket(sequence: burst.state.value.inflight.tail)
        }
        burst.state.value.inflight.push(record)
        return engine.isFull ? engine.submitFull(burst, &ring) : true
    }

    /// Hands a full batch to the engine and begins another one. False when the burst has to end.
    @inline(never)
    mutating func submitFull<R: Ring & ~Copyable>(_ burst: QueueBurst, _ ring: inout R) -> Bool {
        let goesOn = burst.submit(&self, &ring)
        refreshRoom()
        return goesOn
    }

    @inline(__always)
    mutating func beginPacket() {
        packetStart = pieceCount
        packetByteCount = 0
    }

    @inline(__always)
    func beginRun() -> EnginePieceRun { pieces.beginRun(from: pieceCount, limit: pieceRoom) }

    @inline(__always)
    mutating func endRun(_ run: EnginePieceRun) {
        pieceCount &+= run.count
        packetByteCount &+= run.byteCount
    }

    @inline(__always)
    func copy(
        _ pair: CopyPair, of segment: PacketBuffer, _ direction: ChainDirection,
        memory: MemoryTable, _ run: inout EnginePieceRun
    ) {
        guard pair.count >= threshold else { return pair.copyBytesApart(direction) }
        if EngineAddressing.isPhysical {
            run = Self.copyByPages(pair, of: segment, direction, memory: memory, run)
        } else if !run.add(EnginePiece(pair, direction)) {
            pair.copyBytesApart(direction)
        }
    }

    /// As many pieces as there are pages in a row on both sides.
    @inline(never)
    private static func copyByPages(
        _ pair: CopyPair, of segment: PacketBuffer, _ direction: ChainDirection,
        memory: MemoryTable, _ run: EnginePieceRun
    ) -> EnginePieceRun {
        var run = run
        var offset = 0
        // Bounded: each turn adds a piece, or copies the rest.
        while offset < pair.count {
            let rest = pair.dropping(offset)
            guard let host = segment.physicalRun(rest.packet),
                let guest = memory.engineRun(rest.guest),
                case let piece = EnginePiece(
                    guest: guest.address, packet: host.address,
                    count: min(guest.count, host.count), direction),
                run.add(piece)
            else {
                rest.copyBytes(direction)
                return run
            }
            offset &+= piece.byteCount
        }
        return run
    }

    @inline(__always)
    mutating func cancelPacket() {
        pieceCount = packetStart
        packetByteCount = 0
    }

    /// Closes the packet at hand, which is about to get this sequence number in the FIFO.
    mutating func endPacket(sequence: UInt32) {
        pieces.setDescriptor(
            batchCount, start: packetStart, count: pieceCount &- packetStart,
            byteCount: packetByteCount)
        sequences[batchCount] = sequence
        batchCount &+= 1
    }

    /// Packets of one piece that the batch takes; none where pieces end with pages.
    @inline(__always)
    var plainRoom: Int {
        EngineAddressing.isPhysical
            ? 0 : min(Self.batch &- batchCount, max(0, pieceRoom &- pieceCount))
    }

    /// Has a packet copied that is one piece, of at least `threshold` bytes, and closes it; there is
    /// room for it. Without physical addresses the engine's are those of the process.
    @inline(__always)
    mutating func addPlain(_ pair: CopyPair, _ direction: ChainDirection, sequence: UInt32) {
        pieces.set(pieceCount, EnginePiece(pair, direction))
        pieces.setDescriptor(batchCount, start: pieceCount, count: 1, byteCount: pair.count)
        sequences[batchCount] = sequence
        pieceCount &+= 1
        batchCount &+= 1
    }

    /// True when the batch must be submitted before another packet.
    var isFull: Bool {
        batchCount == Self.batch || pieceCount > Self.pieceLimit / 2
    }

    /// What became of a batch.
    struct Submission {
        /// Packets that the engine took.
        var accepted: Int
        /// Sequence number of the first packet that it did not take.
        var firstRefused: UInt32?
        /// Packets that it did not take.
        var refused: Int
        /// The callback failed, or reported more than it was given.
        var isError: Bool
    }

    /// Hands the batch to the engine.
    mutating func submit(vid: Int32, queue: Int) -> Submission {
        let offered = batchCount
        batchCount = 0
        pieceCount = 0
        guard offered > 0 else {
            return Submission(accepted: 0, firstRefused: nil, refused: 0, isError: false)
        }
        let result =
            usesDevices
            ? Int32(truncatingIfNeeded: lane.transfer(pieces, count: offered))
            : callbacks.transfer(vid: vid, queue: queue, pieces: pieces, count: offered)
        let accepted = min(max(Int(result), 0), offered)
        writes.removeLast(offered &- accepted)
        return Submission(
            accepted: accepted, firstRefused: accepted < offered ? sequences[accepted] : nil,
            refused: offered - accepted, isError: result < 0 || Int(result) > offered)
    }

    /// What the engine says of the packets it has.
    struct Answer {
        /// The next so many ended.
        var count: Int
        /// They were not copied, or not all of their bytes.
        var isFailed = false
        /// The engine's answer made no sense.
        var isError = false
        /// It is worth asking again for the rest.
        var mayHaveMore = false
    }

    /// Asks the engine for at most `limit` completions; a negative answer is none and an error,
    /// more than `limit` is `limit` and an error.
    mutating func poll(vid: Int32, queue: Int, limit: Int) -> Answer {
        guard !usesDevices else {
            let (count, isFailed) = lane.take(limit: limit)
            return Answer(count: count, isFailed: isFailed, mayHaveMore: count > 0)
        }
        let result = callbacks.check(vid: vid, queue: queue, limit: limit)
        return Answer(
            count: min(max(Int(result), 0), limit), isError: result < 0 || Int(result) > limit)
    }
}
