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

    @inline(never)
    private func dequeue<R: Ring & ~Copyable>(
        _ ring: inout R, pool: PacketPool, into packets: PacketArray
    ) -> BurstResult {
        let limit = availableChains(&ring, limit: packets.count)
        guard limit > 0 else { return BurstResult() }
        state.value.supply.open(pool, count: limit)
        defer { state.value.supply.close() }
        let mark = ring.mark
        // Most bursts are plain to their end.
        var count = dequeuePlain(&ring, packets.first(limit))
        if count < limit {
            var engine = ProcessorCopy()
            count &+= dequeueLoop(
                &ring, &engine, packets: packets.dropping(count), limit: limit &- count,
                looksForPlain: count > 0)
        }
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

    @inline(never)
    private func enqueue<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray
    ) -> BurstResult {
        guard availableChains(&ring, limit: 1) > 0 else { return BurstResult() }
        let mark = ring.mark
        // Most bursts are plain to their end.
        var count = enqueuePlain(&ring, packets)
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
