// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The calls in which the processor copies: `rte_vhost_enqueue_burst` and
/// `rte_vhost_dequeue_burst`.
extension QueueBurst {
    /// Takes packets from the guest.
    func dequeue(pool: PacketPool, into packets: PacketArray) -> BurstResult {
        guard queue.value.isRunning, isAlone else { return BurstResult() }
        let limit = availableChains(&queue.value.ring, limit: packets.count)
        guard limit > 0 else { return BurstResult() }
        state.value.supply.open(pool, count: limit)
        defer { state.value.supply.close() }
        let mark = queue.value.ring.mark
        var engine = ProcessorCopy()
        let count = dequeueLoop(
            &queue.value.ring, &engine, packets: packets, limit: limit)
        guard queue.value.ring.mark != mark else { return BurstResult(count: count) }
        return BurstResult(count: count, didNotify: publish(&queue.value.ring))
    }

    /// Gives packets to the guest.
    func enqueue(_ packets: PacketArray) -> BurstResult {
        guard queue.value.isRunning, isAlone else { return BurstResult() }
        guard availableChains(&queue.value.ring, limit: 1) > 0 else { return BurstResult() }
        let mark = queue.value.ring.mark
        var engine = ProcessorCopy()
        let count = enqueueLoop(
            &queue.value.ring, &engine, packets: packets, limit: packets.count)
        guard queue.value.ring.mark != mark else { return BurstResult(count: count) }
        return BurstResult(count: count, didNotify: publish(&queue.value.ring))
    }

    /// False while packets of an asynchronous call are in flight: they come first in the order, so
    /// a synchronous call has to wait for them.
    @inline(__always)
    private var isAlone: Bool { state.value.inflight.count == 0 }
}
