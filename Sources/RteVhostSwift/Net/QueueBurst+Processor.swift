// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The calls in which the processor copies: `rte_vhost_enqueue_burst` and
/// `rte_vhost_dequeue_burst`.
extension QueueBurst {
    /// Takes packets from the guest.
    @inline(__always)
    func dequeue(pool: PacketPool, into packets: PacketArray) -> BurstResult {
        guard queue.value.isRunning, isAlone else { return BurstResult() }
        return profile.isPacked
            ? dequeue(&queue.value.packedRing, pool: pool, into: packets)
            : dequeue(&queue.value.splitRing, pool: pool, into: packets)
    }

    @inline(__always)
    private func dequeue<R: Ring & ~Copyable>(
        _ ring: inout R, pool: PacketPool, into packets: PacketArray
    ) -> BurstResult {
        guard packets.count == 1 else {
            return dequeueMany(&ring, pool: pool, into: packets)
        }
        guard let head = ring.nextHead() else { return endEmpty(ring) }
        return switch head.form {
        case .single: dequeueOne(&ring, head, SingleBuffers.self, pool, packets)
        case .chained: dequeueOne(&ring, head, PairedBuffers.self, pool, packets)
        case .table: dequeueOne(&ring, head, TableBuffers.self, pool, packets)
        }
    }

    /// Ends a call that found nothing.
    @inline(__always)
    private func endEmpty<R: Ring & ~Copyable>(_ ring: borrowing R) -> BurstResult {
        if ring.isBroken { reportBroken() }
        return BurstResult()
    }

    @inline(never)
    private func dequeueMany<R: Ring & ~Copyable>(
        _ ring: inout R, pool: PacketPool, into packets: PacketArray
    ) -> BurstResult {
        let limit = availableChains(&ring, limit: packets.count)
        guard limit > 0 else { return BurstResult() }
        state.value.supply.open(pool, count: limit)
        let packets = packets.first(limit)
        let mark = ring.mark
        return endDequeue(&ring, packets, count: dequeuePlain(&ring, packets), from: mark)
    }

    /// The same for one packet, which has to pay for the call alone. Most are plain: for those
    /// there is one look at the ring, no loop, and no more calls than that for an mbuf.
    @inline(never)
    private func dequeueOne<R: Ring & ~Copyable, S: PlainShape>(
        _ ring: inout R, _ head: ChainHead<R.Descriptor>, _ shape: S.Type,
        _ pool: PacketPool, _ packets: PacketArray
    ) -> BurstResult {
        let buffers = PlainBuffers(headerByteCount: profile.headerByteCount, .deviceReads)
        guard let chain = ring.plainChain(head, shape, buffers, from: memory) else {
            return dequeueMany(&ring, pool: pool, into: packets)
        }
        // Without an mbuf at hand, or where one is not enough.
        guard let cache = pool.cacheForOne, let packet = pool.packet(lastOf: cache),
            receive(chain, packet)
        else { return dequeueMany(&ring, pool: pool, into: packets) }
        cache.drop(1)
        packets[0] = packet
        ring.showPlain(chain, byteCount: 0)
        memory.count(hits: 1)
        count(packets: 1, byteCount: chain.payload.count)
        countTraffic(packets, 1)
        return BurstResult(count: 1, didNotify: notify(&ring))
    }

    /// Takes what is left of a burst behind `count` plain packets.
    @inline(__always)
    private func endDequeue<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray, count plainCount: Int, from mark: RingMark
    ) -> BurstResult {
        // Most bursts are plain to their end.
        var count = plainCount
        if count < packets.count {
            var engine = ProcessorCopy()
            count &+= dequeueLoop(
                &ring, &engine, packets: packets.dropping(count), limit: packets.count &- count,
                looksForPlain: count > 0)
        }
        state.value.supply.close()
        countTraffic(packets, count)
        guard ring.mark != mark else { return BurstResult(count: count) }
        return BurstResult(count: count, didNotify: publish(&ring))
    }

    /// Gives packets to the guest.
    @inline(__always)
    func enqueue(_ packets: PacketArray) -> BurstResult {
        guard queue.value.isRunning, isAlone else { return BurstResult() }
        return profile.isPacked
            ? enqueue(&queue.value.packedRing, packets)
            : enqueue(&queue.value.splitRing, packets)
    }

    @inline(__always)
    private func enqueue<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray
    ) -> BurstResult {
        guard packets.count == 1 else { return enqueueMany(&ring, packets) }
        guard let head = ring.nextHead() else { return endEmpty(ring) }
        return switch head.form {
        case .single: enqueueOne(&ring, head, SingleBuffers.self, packets)
        case .chained: enqueueOne(&ring, head, PairedBuffers.self, packets)
        case .table: enqueueOne(&ring, head, TableBuffers.self, packets)
        }
    }

    @inline(never)
    private func enqueueMany<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray
    ) -> BurstResult {
        guard availableChains(&ring, limit: 1) > 0 else { return BurstResult() }
        let mark = ring.mark
        return endEnqueue(&ring, packets, count: enqueuePlain(&ring, packets), from: mark)
    }

    /// The same for one packet, as `dequeueOne`.
    @inline(never)
    private func enqueueOne<R: Ring & ~Copyable, S: PlainShape>(
        _ ring: inout R, _ head: ChainHead<R.Descriptor>, _ shape: S.Type,
        _ packets: PacketArray
    ) -> BurstResult {
        let headerByteCount = profile.headerByteCount
        let buffers = PlainBuffers(headerByteCount: headerByteCount, .deviceWrites)
        guard !profile.logsWrites, let packet = packets[0] else {
            return enqueueMany(&ring, packets)
        }
        let data = packet.plainData
        guard data.count == packet.packetByteCount,
            let chain = ring.plainChain(head, shape, buffers, from: memory),
            data.count <= chain.payload.count
        else { return enqueueMany(&ring, packets) }
        writeHeader(of: packet, to: chain, headerByteCount)
        CopyPair(chain.payload.first(data.count), data).copyBytes(.deviceWrites)
        ring.showPlain(
            chain, byteCount: UInt32(truncatingIfNeeded: data.count &+ headerByteCount))
        memory.count(hits: 1)
        count(packets: 1, byteCount: data.count)
        countTraffic(packets, 1)
        return BurstResult(count: 1, didNotify: notify(&ring))
    }

    /// Gives what is left of a burst behind `count` plain packets.
    @inline(__always)
    private func endEnqueue<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray, count plainCount: Int, from mark: RingMark
    ) -> BurstResult {
        // Most bursts are plain to their end.
        var count = plainCount
        if count < packets.count {
            var engine = ProcessorCopy()
            let rest = packets.dropping(count)
            count &+= enqueueLoop(
                &ring, &engine, packets: rest, limit: rest.count,
                looksForPlain: count > 0)
        }
        countTraffic(packets, count)
        guard ring.mark != mark else { return BurstResult(count: count) }
        return BurstResult(count: count, didNotify: publish(&ring))
    }

    /// False while packets of an asynchronous call are in flight: they come first in the order, so
    /// a synchronous call has to wait for them.
    @inline(__always)
    private var isAlone: Bool { state.value.inflight.count == 0 }
}
