// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Guest to host. The one loop that takes packets from a guest, for every ring format and copy
/// engine.
extension QueueBurst {
    /// Most bytes of a packet without its header: the longest IP packet behind an Ethernet header
    /// with two VLAN tags. virtio 1.2, 5.1.6.3.1: 65,550, where there are no tags.
    private static var longestPacket: UInt64 { 65_557 }

    /// Most packets of several mbufs that one synchronous call takes from a split ring: what is out
    /// at once should fit into a core's cache of its pool. DPDK: no more of any packets.
    private static var longLimit: Int { 32 }

    /// What became of one chain.
    private enum Step {
        case packet(PacketBuffer, UsedEntry, NetHeader)
        case bad(UsedEntry, ChainFault)
        /// The pool is empty; the chain was not taken.
        case poolEmpty
        /// The IOTLB does not know an address; the chain was not taken.
        case missing
        case none
    }

    /// Takes up to `limit` chains. Packets that are complete at once go to `packets` and the used
    /// ring; others into the FIFO. Returns packets in `packets`.
    @inline(__always)
    func dequeueLoop<R: Ring & ~Copyable, E: CopyEngine & ~Copyable>(
        _ ring: inout R, _ engine: inout E, packets: PacketArray, limit: Int,
        looksForPlain: Bool = false
    ) -> Int {
        var (count, steps, longCount) = (0, 0, 0)
        var looksForPlain = looksForPlain
        state.value.segments.beginBurst()
        while steps < limit {
            if looksForPlain {
                // Behind the mbufs that a burst begins with its packets are as plain.
                state.value.supply.refill(limit &- steps)
                let plain = E.takePlain(
                    self, &engine, &ring, packets.dropping(count), limit: limit &- steps)
                steps &+= plain.count
                if E.completesAtOnce { count &+= plain.count }
                guard plain.goesOn else { return count }
                // Where one packet is in pieces, the next is likely to be.
                looksForPlain = plain.count > 0
                continue
            }
            steps &+= 1
            let mark = ring.mark
            let step = takePacket(&ring, &engine, behind: limit &- steps)
            switch step {
            case .none:
                return count
            case .poolEmpty:
                ring.rewind(to: mark)
                noteEmptyPool()
                return count
            case .missing:
                awaitTranslations(&ring, .deviceReads, from: mark, behind: 0)
                return count
            case .bad(let entry, let fault):
                if E.completesAtOnce {
                    ring.putUsed(entry)
                    countDrop(fault)
                } else {
                    var record = InflightPacket(packet: nil, mark: mark, fault: fault)
                    record.isComplete = true
                    guard keep(&ring, &engine, record, entry) else { return count }
                }
            case .packet(let packet, let entry, let header):
                if E.completesAtOnce {
                    finish(packet, header)
                    self.count(packet)
                    ring.putUsed(entry)
                    packets[count] = packet
                    count &+= 1
                    longCount &+= packet.segmentCount > 1 ? 1 : 0
                    if longCount == Self.longLimit, !profile.isPacked { return count }
                } else {
                    let record = InflightPacket(packet: packet, mark: mark, header: header)
                    guard keep(&ring, &engine, record, entry) else { return count }
                }
            }
        }
        return count
    }

    /// Counts a burst that found the pool empty, of mbufs or of anything that is one.
    @inline(never)
    private func noteEmptyPool() {
        queue.value.statistics.poolEmpty &+= 1
        guard state.value.supply.hasRawObjects else { return }
        queue.value.statistics.rawObjects &+= 1
        device.deferReport(.rawObjects, queue: queue.value.index)
    }

    /// Puts an entry of one chain into the FIFO.
    @inline(__always)
    private func keep<R: Ring & ~Copyable, E: CopyEngine & ~Copyable>(
        _ ring: inout R, _ engine: inout E, _ record: InflightPacket, _ entry: UsedEntry
    ) -> Bool {
        var record = record
        state.value.inflight.pushUsed(entry)
        record.usedCount = 1
        return E.keep(record, self, &engine, &ring)
    }

    /// Takes one chain and copies it into an mbuf; the burst goes on with at most `behind` more.
    @inline(__always)
    private func takePacket<R: Ring & ~Copyable, E: CopyEngine & ~Copyable>(
        _ ring: inout R, _ engine: inout E, behind: Int
    ) -> Step {
        state.value.segments.removeAll()
        let entry: UsedEntry
        switch ring.takeChain(.deviceReads, into: &state.value.segments, from: memory) {
        case .none: return .none
        case .missing: return .missing
        case .bad(let entry, let fault): return .bad(entry, fault)
        case .chain(let taken): entry = taken
        }
        let headerByteCount = UInt64(profile.headerByteCount)
        let total = state.value.segments.byteCount
        // virtio 1.2, 5.1.6: a packet has a header; one without payload is no packet.
        guard total > headerByteCount else { return .bad(entry, .short) }
        guard total &- headerByteCount <= Self.longestPacket else { return .bad(entry, .tooLong) }
        let byteCount = Int(total &- headerByteCount)
        guard let packet = state.value.supply.next() else { return .poolEmpty }
        let header = profile.hasGuestOffloads ? state.value.segments.loadHeader() : NetHeader()
        engine.beginPacket()
        if byteCount > packet.capacity {
            switch makeRoom(packet, byteCount: byteCount) {
            case .chain: break
            case .external: break
            case .tooLong:
                packet.freeChain()
                return .bad(entry, .tooLong)
            }
        }
        guard copy(into: packet, byteCount: byteCount, behind: behind, &engine) else {
            engine.cancelPacket()
            let needed = byteCount / max(packet.capacity, 1)
            packet.freeChain()
            // A pool that is smaller than the packet will never have room for it.
            return state.value.supply.canGive(needed) ? .poolEmpty : .bad(entry, .tooLong)
        }
        return .packet(packet, entry, header)
    }

    private enum Room {
        case chain
        case external
        case tooLong
    }

    /// A packet longer than one mbuf: an external buffer, a chain, or nothing, as the driver's
    /// flags say.
    @inline(never)
    private func makeRoom(_ packet: PacketBuffer, byteCount: Int) -> Room {
        if profile.allowsExternalBuffers, packet.attachBuffer(byteCount: byteCount) {
            return .external
        }
        // DPDK: nb_segs has 16 bits. Most mbufs of a pool have the same room.
        let longest = packet.capacity &* Int(UInt16.max)
        return profile.wantsLinearBuffers || byteCount > longest ? .tooLong : .chain
    }

    /// Copies the segment list behind its header into `packet`, which at most `behind` more follow;
    /// false when the pool has no more mbufs for it.
    @inline(__always)
    private func copy<E: CopyEngine & ~Copyable>(
        into packet: PacketBuffer, byteCount: Int, behind: Int, _ engine: inout E
    ) -> Bool {
        let room = packet.room
        guard byteCount <= room.count,
            let payload = state.value.segments.contiguous(after: profile.headerByteCount)
        else { return copyPieces(into: packet, byteCount: byteCount, behind: behind, &engine) }
        engine.copyWhole(
            CopyPair(payload, room.first(byteCount)), of: packet, .deviceReads,
            memory: device.value.memory.table)
        packet.byteCount = byteCount
        packet.packetByteCount = byteCount
        return true
    }

    /// The same for payload in several buffers, or for as many mbufs as it takes.
    @inline(never)
    private func copyPieces<E: CopyEngine & ~Copyable>(
        into packet: PacketBuffer, byteCount: Int, behind: Int, _ engine: inout E
    ) -> Bool {
        var cursor = GuestCursor(
            state.value.segments, skipping: profile.headerByteCount)
        let table = device.value.memory.table
        var run = engine.beginRun()
        var tail = packet
        var room = packet.freshRoom(min(packet.capacity, byteCount))
        var left = byteCount &- room.count
        tail.byteCount = room.count
        // Bounded by the bytes of a packet: each turn copies at least one.
        while let piece = cursor.next(limit: room.count) {
            engine.copy(
                CopyPair(piece, room.first(piece.count)), of: tail, .deviceReads, memory: table,
                &run)
            room = room.dropping(piece.count)
            guard room.count == 0 else { continue }
            guard left > 0 else { break }
            // Most mbufs of a pool have the same room, and most packets of a burst the same length.
            guard
                let more = state.value.supply.next(
                    expected: (1 &+ left / max(tail.byteCount, 1)) &* (1 &+ behind))
            else { return false }
            tail.next = more
            packet.segmentCount &+= 1
            room = more.freshRoom(min(more.capacity, left))
            guard room.count > 0 else { return false }
            left &-= room.count
            more.byteCount = room.count
            tail = more
        }
        engine.endRun(run)
        packet.packetByteCount = byteCount
        return true
    }

    /// Applies the header once the payload is there.
    @inline(__always)
    func finish(_ packet: PacketBuffer, _ header: NetHeader) {
        guard !header.isPlain else { return }
        if !ReceiveOffload.apply(header, to: packet, isLegacy: profile.usesLegacyOffloadFlags) {
            queue.value.statistics.badOffload &+= 1
        }
    }
}
