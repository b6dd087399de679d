// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Runs of plain packets, where an engine copies; see `dequeuePlain`.
extension EngineCopy {
    @inline(__always)
    static func takePlain<R: Ring & ~Copyable>(
        _ burst: QueueBurst, _ engine: inout EngineCopy, _ ring: inout R, _ packets: PacketArray,
        limit: Int
    ) -> PlainResult {
        let count =
            switch ring.formAhead {
            case .single: burst.takeRun(&engine, &ring, SingleBuffers.self, limit: limit)
            case .chained: burst.takeRun(&engine, &ring, PairedBuffers.self, limit: limit)
            case .table: burst.takeRun(&engine, &ring, TableBuffers.self, limit: limit)
            }
        return endPlain(count, burst, &engine, &ring)
    }

    @inline(__always)
    static func givePlain<R: Ring & ~Copyable>(
        _ burst: QueueBurst, _ engine: inout EngineCopy, _ ring: inout R, _ packets: PacketArray
    ) -> PlainResult {
        // What is copied later is logged later: longer than a run of plain packets remembers.
        guard !burst.profile.logsWrites else { return PlainResult(count: 0) }
        let count =
            switch ring.formAhead {
            case .single: burst.giveRun(&engine, &ring, SingleBuffers.self, packets)
            case .chained: burst.giveRun(&engine, &ring, PairedBuffers.self, packets)
            case .table: burst.giveRun(&engine, &ring, TableBuffers.self, packets)
            }
        return endPlain(count, burst, &engine, &ring)
    }

    /// A run of `count` packets ended, maybe because the batch is full.
    @inline(__always)
    private static func endPlain<R: Ring & ~Copyable>(
        _ count: Int, _ burst: QueueBurst, _ engine: inout EngineCopy, _ ring: inout R
    ) -> PlainResult {
        guard engine.isFull else { return PlainResult(count: count) }
        return PlainResult(count: count, goesOn: engine.submitFull(burst, &ring))
    }
}

extension QueueBurst {
    /// Takes packets from the guest into the FIFO. A function by itself, whose loop lives in
    /// registers.
    @inline(never)
    func takeRun<R: Ring & ~Copyable, S: PlainShape>(
        _ engine: inout EngineCopy, _ ring: inout R, _ shape: S.Type, limit: Int
    ) -> Int {
        let objects = state.value.supply.atHand
        let headerByteCount = profile.headerByteCount
        let takesHeader = profile.hasGuestOffloads
        let memory = memory
        let threshold = engine.threshold
        let start = ring.mark
        var run = ring.beginRun(
            PlainBuffers(headerByteCount: headerByteCount, .deviceReads),
            limit: min(min(limit, objects.count), engine.plainRoom))
        let mbufs = objects.first(run.limit)
        while run.count < run.limit {
            let packet = mbufs[run.count]
            guard let chain = run.next(shape, from: memory) else { break }
            let byteCount = chain.payload.count
            guard packet.hasRoom(for: byteCount) else { break }
            var record = InflightPacket(packet: nil, mark: run.mark(from: start))
            if takesHeader { record.header = chain.header.loadHeader() }
            let pair = CopyPair(chain.payload, packet.freshRoom(byteCount))
            if byteCount < threshold {
                pair.copyBytes(.deviceReads)
                record.isComplete = true
            } else {
                record.engineByteCount = UInt32(truncatingIfNeeded: byteCount)
                engine.addPlain(pair, .deviceReads, sequence: state.value.inflight.tail)
            }
            packet.prepareFilled(byteCount: byteCount)
            state.value.inflight.push(packet, record, run.take(chain))
        }
        ring.endTaking(run)
        memory.count(hits: run.count)
        state.value.supply.drop(run.count)
        return run.count
    }

    /// Gives the guest packets through the FIFO.
    @inline(never)
    func giveRun<R: Ring & ~Copyable, S: PlainShape>(
        _ engine: inout EngineCopy, _ ring: inout R, _ shape: S.Type, _ packets: PacketArray
    ) -> Int {
        let headerByteCount = profile.headerByteCount
        let memory = memory
        // An empty packet is no work for an engine.
        let threshold = max(engine.threshold, 1)
        let room = min(state.value.inflight.room, state.value.inflight.usedRoom)
        let start = ring.mark
        var run = ring.beginRun(
            PlainBuffers(headerByteCount: headerByteCount, .deviceWrites),
            limit: min(min(packets.count, room), engine.plainRoom))
        let packets = packets.first(run.limit)
        while run.count < run.limit {
            guard let packet = packets[run.count] else { break }
            let data = packet.data
            guard data.count == packet.packetByteCount, let chain = run.next(shape, from: memory),
                data.count <= chain.payload.count
            else { break }
            writeHeader(of: packet, to: chain, headerByteCount)
            let pair = CopyPair(chain.payload.first(data.count), data)
            var record = InflightPacket(packet: nil, mark: run.mark(from: start))
            if data.count < threshold {
                pair.copyBytes(.deviceWrites)
                record.isComplete = true
            } else {
                record.engineByteCount = UInt32(truncatingIfNeeded: data.count)
                engine.addPlain(pair, .deviceWrites, sequence: state.value.inflight.tail)
            }
            var entry = run.take(chain)
            entry.byteCount = UInt32(truncatingIfNeeded: data.count &+ headerByteCount)
            state.value.inflight.push(packet, record, entry)
        }
        ring.endTaking(run)
        memory.count(hits: run.count)
        return run.count
    }

    /// Moves packets from the FIFO's front to `packets`, and their chains to the used ring, for as
    /// long as they are plain. Returns how many.
    @inline(never)
    func handOutPlain<R: Ring & ~Copyable>(_ ring: inout R, _ packets: PacketArray) -> Int {
        // A ring that was taken away has nothing to write to.
        guard ring.size > 0 else { return 0 }
        var sight = PacketSight(queue.value.statistics.classes)
        var engineByteCount: UInt64 = 0
        var enginePackets: UInt64 = 0
        var sequence = state.value.inflight.head
        let limit = min(packets.count, state.value.inflight.count)
        let packets = packets.first(limit)
        var count = 0
        while count < limit {
            let record = state.value.inflight[sequence]
            guard record.isPlain, let packet = record.packet else { break }
            if !record.header.isPlain { finish(packet, record.header) }
            let data = packet.data
            if _slowPath(data.count != packet.packetByteCount || !sight.isCommon(data)) {
                self.count(packet, count, &sight)
            }
            engineByteCount &+= UInt64(record.engineByteCount)
            enginePackets &+= record.engineByteCount > 0 ? 1 : 0
            ring.putUsed(record.entry)
            packets[count] = packet
            count &+= 1
            sequence &+= 1
        }
        state.value.inflight.dropPlain(count)
        self.count(upTo: count, sight)
        queue.value.statistics.engineBytes &+= engineByteCount
        queue.value.statistics.enginePackets &+= enginePackets
        return count
    }
}
