// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Host to guest. The one loop that gives packets to a guest, for every ring format and copy
/// engine.
extension QueueBurst {
    /// What became of gathering room for one packet.
    private enum Gathering {
        /// So many chains hold it.
        case chains(Int)
        /// The guest offers too little; nothing was taken.
        case noRoom
        /// The IOTLB does not know an address of the chain behind so many; what was taken must be
        /// rewound.
        case missing(Int)
        /// These chains must go back unused.
        case bad(Int, ChainFault)
    }

    /// Gives the guest packets from `packets` in order, at most `limit`. What is complete at once
    /// goes to the used ring; the rest into the FIFO. Returns packets taken.
    @inline(__always)
    func enqueueLoop<R: Ring & ~Copyable, E: CopyEngine & ~Copyable>(
        _ ring: inout R, _ engine: inout E, packets: PacketArray, limit: Int,
        looksForPlain: Bool = false
    ) -> Int {
        var count = 0
        // Bad chains are given back within reason: a call for one packet must not walk a ring full
        // of them. The next call goes on.
        var patience = limit &+ 64
        var looksForPlain = looksForPlain
        // One look for more in a call: a guest that offers and offers is not followed.
        var mayLook = ring.remembers(limit)
        state.value.segments.beginBurst()
        while count < limit, patience > 0 {
            if _slowPath(profile.logsWrites), ring.isFull { logWritten() }
            if looksForPlain {
                let plain = E.givePlain(self, &engine, &ring, packets.dropping(count))
                count &+= plain.count
                guard plain.goesOn else { return count }
                // Where one packet is in pieces, the next is likely to be.
                looksForPlain = plain.count > 0
                continue
            }
            patience &-= 1
            guard let packet = packets[count] else { return count }
            let mark = ring.mark
            let gathering = gather(
                &ring, byteCount: packet.packetByteCount &+ profile.headerByteCount)
            guard case .chains(let chains) = gathering else {
                guard setAside(gathering, &ring, &engine, mark, &mayLook) else { return count }
                continue
            }
            guard E.completesAtOnce || hasRoom(for: chains) else {
                ring.rewind(to: mark)
                return count
            }
            engine.beginPacket()
            writeHeader(of: packet, chains: chains)
            copy(packet, &engine)
            if profile.logsWrites { logPacket(packet, &engine) }
            if E.completesAtOnce {
                for index in 0..<chains {
                    ring.putUsed(state.value.gathered[index], continues: index > 0)
                }
                self.count(packet)
            } else {
                pushGathered(chains)
                var record = InflightPacket(packet: packet, mark: mark)
                record.usedCount = UInt16(truncatingIfNeeded: chains)
                guard E.keep(record, self, &engine, &ring) else { return count &+ 1 }
            }
            count &+= 1
        }
        return count
    }

    /// What is done where there is no room for a packet. Out of line: it is rare. True when the
    /// next chains may hold it.
    @inline(never)
    private func setAside<R: Ring & ~Copyable, E: CopyEngine & ~Copyable>(
        _ gathering: Gathering, _ ring: inout R, _ engine: inout E, _ mark: RingMark,
        _ mayLook: inout Bool
    ) -> Bool {
        switch gathering {
        case .bad(let chains, let fault):
            return giveBack(&ring, &engine, chains, fault, mark)
        case .missing(let known):
            awaitTranslations(&ring, .deviceWrites, from: mark, behind: known)
        case .noRoom, .chains:
            ring.rewind(to: mark)
            if mayLook, ring.seesMore() {
                mayLook = false
                return true
            }
            _ = endForWantOfBuffers()
        }
        return false
    }

    /// Collects chains until they hold `byteCount` bytes: one chain, or with MRG_RXBUF as many as
    /// it takes.
    @inline(__always)
    private func gather<R: Ring & ~Copyable>(_ ring: inout R, byteCount: Int) -> Gathering {
        state.value.segments.removeAll()
        if memory.isTranslated {
            // The driver before may have been another.
            state.value.segments.limit(to: profile.isMergeable ? nil : byteCount)
        }
        var (chains, held) = gatherSingles(&ring, byteCount: byteCount)
        guard held < byteCount else { return .chains(chains) }
        while true {
            guard chains < state.value.gathered.count else { return .noRoom }
            switch ring.takeChain(
                .deviceWrites, into: &state.value.segments, from: memory)
            {
            case .none:
                return .noRoom
            case .missing:
                return .missing(chains)
            case .bad(let entry, let fault):
                state.value.gathered[chains] = entry
                return .bad(chains &+ 1, fault)
            case .chain(var entry):
                let total = Int(truncatingIfNeeded: state.value.segments.byteCount)
                let room = total &- held
                entry.byteCount = UInt32(truncatingIfNeeded: min(room, byteCount &- held))
                state.value.gathered[chains] = entry
                chains &+= 1
                held = total
                // virtio 1.2, 5.1.6.3.2: the first buffer has room for the header.
                if room == 0 || chains == 1 && room < profile.headerByteCount {
                    return .bad(chains, .short)
                }
                if held >= byteCount { return .chains(chains) }
                if !profile.isMergeable { return .noRoom }
            }
        }
    }

    /// The same for as long as chains are single buffers, each in one region or one entry of the
    /// IOTLB, as they are where a packet takes several. What the first one may be, or any that is
    /// not plain, is for `gather` to tell.
    @inline(never)
    private func gatherSingles<R: Ring & ~Copyable>(
        _ ring: inout R, byteCount: Int
    ) -> (chains: Int, held: Int) {
        guard profile.isMergeable, ring.formAhead == .single else { return (0, 0) }
        let memory = memory
        let gathered = state.value.gathered.view
        var list = state.value.segments.beginRun()
        var run = ring.beginRun(
            PlainBuffers(headerByteCount: 0, .deviceWrites), limit: gathered.count)
        let limit = run.limit
        // virtio 1.2, 5.1.6.3.2: the first buffer has room for the header.
        var least = profile.headerByteCount
        var held = 0
        while held < byteCount, run.count < limit,
            let chain = run.next(SingleBuffers.self, from: memory),
            chain.payload.count >= least, list.append(chain.payload)
        {
            let index = run.count
            var entry = run.take(chain)
            entry.byteCount = UInt32(
                truncatingIfNeeded: min(chain.payload.count, byteCount &- held))
            gathered[index] = entry
            held &+= chain.payload.count
            least = 1
        }
        ring.endTaking(run)
        state.value.segments.endRun(list, in: memory)
        return (run.count, held)
    }

    /// Sends chains back with length 0, in their place in the order.
    @inline(never)
    private func giveBack<R: Ring & ~Copyable, E: CopyEngine & ~Copyable>(
        _ ring: inout R, _ engine: inout E, _ chains: Int, _ fault: ChainFault, _ mark: RingMark
    ) -> Bool {
        for index in 0..<chains { state.value.gathered[index].byteCount = 0 }
        if profile.logsWrites { logWritten() }
        guard !E.completesAtOnce else {
            for index in 0..<chains { ring.putUsed(state.value.gathered[index]) }
            countDrop(fault)
            return true
        }
        guard hasRoom(for: chains) else {
            ring.rewind(to: mark)
            return false
        }
        pushGathered(chains)
        engine.beginPacket()
        var record = InflightPacket(packet: nil, mark: mark, fault: fault)
        record.usedCount = UInt16(truncatingIfNeeded: chains)
        record.isComplete = true
        return E.keep(record, self, &engine, &ring)
    }

    /// True when the FIFO takes one more packet of so many chains.
    @inline(__always)
    private func hasRoom(for chains: Int) -> Bool {
        state.value.inflight.room > 0 && state.value.inflight.usedRoom >= chains
    }

    @inline(__always)
    private func pushGathered(_ chains: Int) {
        for index in 0..<chains { state.value.inflight.pushUsed(state.value.gathered[index]) }
    }

    @inline(__always)
    private func writeHeader(of packet: PacketBuffer, chains: Int) {
        var header = SendOffload.header(for: packet)
        // virtio 1.2, 5.1.6.4: num_buffers is 1 where MRG_RXBUF was not negotiated.
        header.bufferCount = UInt16(truncatingIfNeeded: chains)
        state.value.segments.storeHeader(header, byteCount: profile.headerByteCount)
    }

    /// Copies a packet's segments behind the header.
    @inline(__always)
    func copy<E: CopyEngine & ~Copyable>(_ packet: PacketBuffer, _ engine: inout E) {
        let byteCount = packet.packetByteCount
        let data = packet.data
        guard data.count == byteCount,
            let room = state.value.segments.contiguous(after: profile.headerByteCount)
        else { return copyPieces(packet, &engine) }
        engine.copyWhole(
            CopyPair(room.first(byteCount), data), of: packet, .deviceWrites,
            memory: device.value.memory.table)
    }

    /// The same for a packet of several mbufs, or for room in several buffers.
    @inline(never)
    private func copyPieces<E: CopyEngine & ~Copyable>(
        _ packet: PacketBuffer, _ engine: inout E
    ) {
        var cursor = GuestCursor(
            state.value.segments, skipping: profile.headerByteCount)
        let table = device.value.memory.table
        var run = engine.beginRun()
        var segment = packet
        var left = packet.packetByteCount
        // Bounded: an application's chain ends, and `left` is what room was gathered for.
        while true {
            // What is copied meanwhile drives it out of the nearest cache.
            let next = segment.next
            next?.prefetch()
            var data = segment.data
            data = data.first(min(data.count, left))
            left &-= data.count
            while data.count > 0, let piece = cursor.next(limit: data.count) {
                engine.copy(
                    CopyPair(piece, data.first(piece.count)), of: segment, .deviceWrites,
                    memory: table, &run)
                data = data.dropping(piece.count)
            }
            guard left > 0, let next else { break }
            segment = next
        }
        engine.endRun(run)
    }
}
