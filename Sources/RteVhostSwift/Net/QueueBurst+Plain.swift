// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Runs of plain packets, where the processor copies: most packets are one buffer, and what the
/// loops do for longer ones is left out. What is no plain packet is left to the loops.
extension QueueBurst {
    /// Takes at most as many packets as `packets` has places. Returns how many; not 0 when it is
    /// worth another call.
    @inline(__always)
    func dequeuePlain<R: Ring & ~Copyable>(_ ring: inout R, _ packets: PacketArray) -> Int {
        switch ring.formAhead {
        case .single: dequeueRunApart(&ring, SingleBuffers.self, packets)
        case .chained: dequeueRunApart(&ring, PairedBuffers.self, packets)
        case .table: dequeueRunApart(&ring, TableBuffers.self, packets)
        }
    }

    /// Copies a packet out of its chain, and tells where to: nil when the mbuf has no room for it.
    @inline(__always)
    func receive(_ chain: PlainChain, _ packet: PacketBuffer) -> PacketSlice? {
        let byteCount = chain.payload.count
        guard packet.hasRoom(for: byteCount) else { return nil }
        let header = profile.hasGuestOffloads ? chain.header.loadHeader() : NetHeader()
        let data = packet.freshRoom(byteCount)
        CopyPair(chain.payload, data).copyBytes(.deviceReads)
        packet.prepareFilled(byteCount: byteCount)
        if _slowPath(!header.isPlain) { finish(packet, header) }
        return data
    }

    /// `dequeuePlain` for some shapes. A function by itself, whose loop lives in registers.
    @inline(never)
    func dequeueRunApart<R: Ring & ~Copyable, S: PlainShape>(
        _ ring: inout R, _ shape: S.Type, _ packets: PacketArray
    ) -> Int {
        dequeueRun(&ring, shape, packets)
    }

    /// The same in its caller.
    @inline(__always)
    func dequeueRun<R: Ring & ~Copyable, S: PlainShape>(
        _ ring: inout R, _ shape: S.Type, _ packets: PacketArray
    ) -> Int {
        let objects = state.value.supply.atHand
        let memory = memory
        var run = ring.beginRun(
            PlainBuffers(headerByteCount: profile.headerByteCount, .deviceReads),
            limit: min(packets.count, objects.count))
        let mbufs = objects.first(run.limit)
        let places = packets.first(run.limit)
        var sight = PacketSight(queue.value.statistics.classes)
        while run.count < run.limit {
            let packet = mbufs[run.count]
            guard let chain = run.next(shape, from: memory), let data = receive(chain, packet)
            else { break }
            places[run.count] = packet
            if _slowPath(!sight.isCommon(data)) { count(packet, run.count, &sight) }
            run.use(chain, byteCount: 0)
        }
        ring.endRun(run)
        memory.count(hits: run.count)
        state.value.supply.drop(run.count)
        count(upTo: run.count, sight)
        return run.count
    }

    /// Gives the guest at most all of `packets`. Returns how many; not 0 when it is worth another
    /// call.
    @inline(__always)
    func enqueuePlain<R: Ring & ~Copyable>(_ ring: inout R, _ packets: PacketArray) -> Int {
        switch ring.formAhead {
        case .single: enqueueRunApart(&ring, SingleBuffers.self, packets)
        case .chained: enqueueRunApart(&ring, PairedBuffers.self, packets)
        case .table: enqueueRunApart(&ring, TableBuffers.self, packets)
        }
    }

    /// The same for some shapes.
    @inline(never)
    func enqueueRunApart<R: Ring & ~Copyable, S: PlainShape>(
        _ ring: inout R, _ shape: S.Type, _ packets: PacketArray
    ) -> Int {
        enqueueRun(&ring, shape, packets)
    }

    /// The same in its caller.
    @inline(__always)
    func enqueueRun<R: Ring & ~Copyable, S: PlainShape>(
        _ ring: inout R, _ shape: S.Type, _ packets: PacketArray
    ) -> Int {
        var run = ring.beginRun(
            PlainBuffers(headerByteCount: profile.headerByteCount, .deviceWrites),
            limit: packets.count)
        let sight =
            R.runsApart
            ? giveEachApart(&run, shape, packets) : giveEach(&run, shape, packets)
        ring.endRun(run)
        memory.count(hits: run.count)
        count(upTo: run.count, sight)
        return run.count
    }

    /// `giveEach` as a function by itself, whose loop lives in registers.
    @inline(never)
    private func giveEachApart<P: PlainRun, S: PlainShape>(
        _ run: inout P, _ shape: S.Type, _ packets: PacketArray
    ) -> PacketSight {
        giveEach(&run, shape, packets)
    }

    /// Gives packets to a run's chains, for as long as they are plain.
    @inline(__always)
    private func giveEach<P: PlainRun, S: PlainShape>(
        _ taken: inout P, _ shape: S.Type, _ packets: PacketArray
    ) -> PacketSight {
        let headerByteCount = profile.headerByteCount
        let memory = memory
        let logsWrites = profile.logsWrites
        var writes = DirtyRun()
        var run = taken.anew(PlainBuffers(headerByteCount: headerByteCount, .deviceWrites))
        let packets = packets.first(run.limit)
        var sight = PacketSight(queue.value.statistics.classes)
        while run.count < run.limit {
            guard let packet = packets[run.count] else { break }
            let data = packet.data
            guard data.count == packet.packetByteCount, let chain = run.next(shape, from: memory),
                data.count <= chain.payload.count
            else { break }
            if _slowPath(!sight.isCommon(data)) {
                guard data.count > 0 else { break }
                count(packet, run.count, &sight)
            }
            if S.looksAhead { run.prefetchAhead() }
            writeHeader(of: packet, to: chain, headerByteCount)
            let target = chain.payload.first(data.count)
            CopyPair(target, data).copyBytes(.deviceWrites)
            if _slowPath(logsWrites) {
                writes.add(
                    chain.header.first(headerByteCount), target, queue.value.dirtyLog,
                    device.value.memory.table, to: &state.value.written)
            }
            run.use(
                chain, byteCount: UInt32(truncatingIfNeeded: data.count &+ headerByteCount))
        }
        if logsWrites { logRun(writes) }
        taken.end(as: run)
        return sight
    }

    /// The header of a packet that one chain holds.
    @inline(__always)
    func writeHeader(
        of packet: PacketBuffer, to chain: PlainChain, _ headerByteCount: Int
    ) {
        guard _slowPath(!SendOffload.isPlain(packet)) else {
            return chain.header.storePlainHeader(byteCount: headerByteCount)
        }
        var header = SendOffload.header(for: packet)
        // virtio 1.2, 5.1.6.4: num_buffers is 1 where MRG_RXBUF was not negotiated.
        header.bufferCount = 1
        chain.header.storeHeader(header, byteCount: headerByteCount)
    }
}
