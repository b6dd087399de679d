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
        guard let head = ring.nextHead(limit: packets.count) else { return endEmpty(ring) }
        let isOne = packets.count == 1
        return switch head.form {
        case .single:
            isOne
                ? dequeueOne(&ring, head, SingleBuffers.self, pool, packets)
                : dequeueMany(&ring, SingleBuffers.self, pool, packets)
        case .chained:
            isOne
                ? dequeueOne(&ring, head, PairedBuffers.self, pool, packets)
                : dequeueMany(&ring, PairedBuffers.self, pool, packets)
        case .table:
            isOne
                ? dequeueOne(&ring, head, TableBuffers.self, pool, packets)
                : dequeueMany(&ring, TableBuffers.self, pool, packets)
        }
    }

    /// Ends a call that found nothing.
    @inline(__always)
    private func endEmpty<R: Ring & ~Copyable>(_ ring: borrowing R) -> BurstResult {
        if ring.isBroken { reportBroken() }
        return BurstResult()
    }

    /// Takes packets of a shape, and whatever else there is once one comes that is of no shape.
    @inline(never)
    private func dequeueMany<R: Ring & ~Copyable, S: PlainShape>(
        _ ring: inout R, _ shape: S.Type, _ pool: PacketPool, _ packets: PacketArray
    ) -> BurstResult {
        let limit = availableChains(&ring, limit: packets.count)
        guard limit > 0 else { return BurstResult() }
        state.value.supply.open(pool, count: limit)
        let packets = packets.first(limit)
        let mark = ring.mark
        let count =
            R.runsApart
            ? dequeueRunApart(&ring, shape, packets) : dequeueRun(&ring, shape, packets)
        guard count == limit else {
            return endDequeue(&ring, packets, count: count, from: mark)
        }
        state.value.supply.close()
        captureArrived(packets, count)
        return BurstResult(count: count, didNotify: publish(&ring))
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
            return dequeueAny(&ring, pool, packets)
        }
        // Without an mbuf at hand.
        guard let cache = pool.cacheForOne, let packet = pool.packet(lastOf: cache) else {
            return dequeueMany(&ring, shape, pool, packets)
        }
        guard receive(chain, packet) != nil else { return dequeueAny(&ring, pool, packets) }
        cache.drop(1)
        packets[0] = packet
        ring.showPlain(chain, byteCount: 0)
        memory.count(hits: 1)
        captureArrived(packets, 1)
        // Last: a call in between, however rare, costs registers.
        countOne(packet)
        return BurstResult(count: 1, didNotify: notify(&ring))
    }

    /// Takes a packet that is of no shape.
    @inline(never)
    private func dequeueAny<R: Ring & ~Copyable>(
        _ ring: inout R, _ pool: PacketPool, _ packets: PacketArray
    ) -> BurstResult {
        let limit = availableChains(&ring, limit: packets.count)
        guard limit > 0 else { return BurstResult() }
        state.value.supply.open(pool, count: limit)
        return endDequeue(&ring, packets.first(limit), count: 0, from: ring.mark)
    }

    /// Takes what is left of a burst behind `plainCount` plain packets. Most bursts are plain to
    /// their end.
    @inline(never)
    private func endDequeue<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray, count plainCount: Int, from mark: RingMark
    ) -> BurstResult {
        var engine = ProcessorCopy()
        let rest = packets.dropping(plainCount)
        let count =
            plainCount
            &+ dequeueLoop(
                &ring, &engine, packets: rest, limit: rest.count, looksForPlain: plainCount > 0)
        state.value.supply.close()
        captureArrived(packets, count)
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
        guard let head = ring.nextHead(limit: packets.count) else { return endFull(ring, packets) }
        let isOne = packets.count == 1
        return switch head.form {
        case .single:
            isOne
                ? enqueueOne(&ring, head, SingleBuffers.self, packets)
                : R.Run.fetchesAhead && packets.beginsLong
                    ? enqueueMany(&ring, LongBuffers.self, packets)
                    : enqueueMany(&ring, SingleBuffers.self, packets)
        case .chained:
            isOne
                ? enqueueOne(&ring, head, PairedBuffers.self, packets)
                : enqueueMany(&ring, PairedBuffers.self, packets)
        case .table:
            isOne
                ? enqueueOne(&ring, head, TableBuffers.self, packets)
                : enqueueMany(&ring, TableBuffers.self, packets)
        }
    }

    /// Ends a call that found nothing to put packets into.
    @inline(never)
    func endFull<R: Ring & ~Copyable>(
        _ ring: borrowing R, _ packets: PacketArray
    ) -> BurstResult {
        guard !ring.isBroken, packets.count > 0 else { return endEmpty(ring) }
        return endForWantOfBuffers()
    }

    /// Gives packets to chains of a shape, and to whatever else there is once one comes that is of
    /// no shape.
    @inline(never)
    private func enqueueMany<R: Ring & ~Copyable, S: PlainShape>(
        _ ring: inout R, _ shape: S.Type, _ packets: PacketArray
    ) -> BurstResult {
        let mark = ring.mark
        let count = enqueueRun(&ring, shape, packets)
        guard count == packets.count else {
            return endEnqueue(&ring, packets, count: count, from: mark)
        }
        captureArrived(packets, count)
        guard ring.mark != mark else { return BurstResult(count: count) }
        return BurstResult(count: count, didNotify: publish(&ring))
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
            return enqueueMany(&ring, shape, packets)
        }
        let data = packet.data
        guard data.count == packet.packetByteCount,
            let chain = ring.plainChain(head, shape, buffers, from: memory),
            data.count > 0, data.count <= chain.payload.count
        else { return endEnqueue(&ring, packets, count: 0, from: ring.mark) }
        countOne(packet)
        writeHeader(of: packet, to: chain, headerByteCount)
        CopyPair(chain.payload.first(data.count), data).copyBytes(.deviceWrites)
        ring.showPlain(
            chain, byteCount: UInt32(truncatingIfNeeded: data.count &+ headerByteCount))
        memory.count(hits: 1)
        captureArrived(packets, 1)
        return BurstResult(count: 1, didNotify: notify(&ring))
    }

    /// Gives what is left of a burst behind `plainCount` plain packets. Most bursts are plain to
    /// their end.
    @inline(never)
    private func endEnqueue<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray, count plainCount: Int, from mark: RingMark
    ) -> BurstResult {
        var engine = ProcessorCopy()
        let rest = packets.dropping(plainCount)
        let count =
            plainCount
            &+ enqueueLoop(
                &ring, &engine, packets: rest, limit: rest.count, looksForPlain: plainCount > 0)
        if profile.logsWrites { logWritten() }
        captureArrived(packets, count)
        guard ring.mark != mark else { return BurstResult(count: count) }
        return BurstResult(count: count, didNotify: publish(&ring))
    }

    /// False while packets of an asynchronous call are in flight: they come first in the order, so
    /// a synchronous call has to wait for them.
    @inline(__always)
    private var isAlone: Bool { state.value.inflight.count == 0 }
}
