// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The calls in which a DMA engine copies.
extension QueueBurst {
    /// Takes packets from the guest into the FIFO, then hands out what is complete.
    func engineDequeue(pool: PacketPool, into packets: PacketArray) -> BurstResult {
        profile.isPacked
            ? engineDequeue(&queue.value.packedRing, pool: pool, into: packets)
            : engineDequeue(&queue.value.splitRing, pool: pool, into: packets)
    }

    /// Gives packets to the guest through the FIFO; what is complete at its front comes back in
    /// `completed`.
    func engineEnqueue(
        _ packets: PacketArray, completed: PacketArray
    ) -> (taken: Int, result: BurstResult) {
        profile.isPacked
            ? engineEnqueue(&queue.value.packedRing, packets, completed: completed)
            : engineEnqueue(&queue.value.splitRing, packets, completed: completed)
    }

    /// Asks the engine, then hands out what is complete.
    func collect(_ packets: PacketArray) -> BurstResult {
        profile.isPacked
            ? collect(&queue.value.packedRing, packets)
            : collect(&queue.value.splitRing, packets)
    }

    /// For the control plane: asks the engine and writes the used ring; packets stay for the
    /// application to fetch. True when the engine has nothing left.
    func settle() -> Bool {
        profile.isPacked ? settle(&queue.value.packedRing) : settle(&queue.value.splitRing)
    }

    /// For the control plane, of a ring that others will go on with: behind as many chains as were
    /// used, so that chains which were overtaken must be among those. Asks the engine and uses them;
    /// true when that is done.
    func closeGaps() -> Bool {
        profile.isPacked
            ? closeGaps(&queue.value.packedRing) : closeGaps(&queue.value.splitRing)
    }

    @inline(never)
    private func engineDequeue<R: Ring & ~Copyable>(
        _ ring: inout R, pool: PacketPool, into packets: PacketArray
    ) -> BurstResult {
        if queue.value.isRunning {
            let room = min(state.value.inflight.room, state.value.inflight.usedRoom)
            let limit = availableChains(&ring, limit: min(packets.count, room))
            if limit > 0 {
                let before = state.value.inflight.packetCount
                state.value.engine.beginBurst(ownsPackets: true)
                state.value.supply.open(pool, count: limit)
                _ = dequeueLoop(
                    &ring, &state.value.engine, packets: packets, limit: limit,
                    looksForPlain: state.value.supply.atHand.count > 0)
                _ = submit(&state.value.engine, &ring)
                state.value.supply.close()
                countInflight(submitted: state.value.inflight.packetCount &- before)
            }
        }
        return collect(&ring, packets)
    }

    @inline(never)
    private func engineEnqueue<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray, completed: PacketArray
    ) -> (taken: Int, result: BurstResult) {
        guard queue.value.isRunning else { return (0, BurstResult()) }
        guard availableChains(&ring, limit: packets.count) > 0 else {
            return (0, endFull(ring, packets))
        }
        state.value.engine.beginBurst(ownsPackets: false)
        let taken = enqueueLoop(
            &ring, &state.value.engine, packets: packets, limit: packets.count,
            looksForPlain: true)
        if profile.logsWrites { logWritten() }
        _ = submit(&state.value.engine, &ring)
        let accepted = taken &- state.value.engine.refusedCount
        countInflight(submitted: accepted)
        return (accepted, handOut(&ring, completed))
    }

    private func collect<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray
    ) -> BurstResult {
        pollEngine(limit: packets.count)
        return handOut(&ring, packets)
    }

    private func settle<R: Ring & ~Copyable>(_ ring: inout R) -> Bool {
        _ = settle(&ring, until: state.value.inflight.tail)
        return state.value.inflight.engineCount == 0
    }

    private func closeGaps<R: Ring & ~Copyable>(_ ring: inout R) -> Bool {
        guard ring.size > 0, let end = state.value.inflight.overtakenEnd else { return true }
        return settle(&ring, until: end)
    }

    /// Asks the engine, and writes the used ring as far as packets are complete in front of `end`.
    /// True when all of them are.
    private func settle<R: Ring & ~Copyable>(_ ring: inout R, until end: UInt32) -> Bool {
        pollEngine(limit: Int(UInt16.max))
        state.value.engine.lane.audit()
        var didWrite = false
        var sequence = state.value.inflight.head
        while sequence != end, state.value.inflight[sequence].isComplete {
            if writeUsed(sequence, &ring) { didWrite = true }
            sequence &+= 1
        }
        if didWrite { _ = publish(&ring) }
        return sequence == end
    }

    /// Hands the batch to the engine. What it does not take is rewound, along with all behind it,
    /// and will be offered again; false then.
    @inline(never)
    func submit<R: Ring & ~Copyable>(_ engine: inout EngineCopy, _ ring: inout R) -> Bool {
        let submission = engine.submit(vid: device.value.vid, queue: queue.value.index)
        state.value.inflight.accept(submission.accepted)
        if submission.isError { queue.value.statistics.engineErrors &+= 1 }
        Probe.submit(
            device.value.vid, UInt16(truncatingIfNeeded: queue.value.index),
            accepted: submission.accepted, refused: submission.refused)
        guard let first = submission.firstRefused else { return true }
        queue.value.statistics.engineRefused &+= UInt64(submission.refused)
        while state.value.inflight.tail != first {
            let record = state.value.inflight.removeLast()
            ring.rewind(to: record.mark)
            if let packet = record.packet { engine.giveUp(packet) }
        }
        return false
    }

    /// Marks packets complete that the engine finished, at most `limit`.
    private func pollEngine(limit: Int) {
        var wanted = min(limit, state.value.inflight.engineCount)
        // Bounded: each turn but the last one completes a packet.
        while wanted > 0 {
            let answer = state.value.engine.poll(
                vid: device.value.vid, queue: queue.value.index, limit: wanted)
            if answer.isError { queue.value.statistics.engineErrors &+= 1 }
            if profile.logsWrites { logFinished(answer.count) }
            state.value.inflight.complete(answer.count, isFailed: answer.isFailed)
            guard answer.mayHaveMore else { return }
            wanted &-= answer.count
        }
    }

    /// Moves complete packets from the FIFO to `packets` and their chains to the used ring.
    private func handOut<R: Ring & ~Copyable>(
        _ ring: inout R, _ packets: PacketArray
    ) -> BurstResult {
        var result = BurstResult()
        result.count = handOutPlain(&ring, packets)
        var didWrite = result.count > 0
        var lostCount = 0
        var seenCount = 0
        let isRelaxed = state.value.engine.isRelaxed && !profile.isInOrder
        var sequence = state.value.inflight.head
        // Bounded by the FIFO, which is bounded by the ring.
        while sequence != state.value.inflight.tail {
            let record = state.value.inflight[sequence]
            if record.isComplete {
                if let packet = record.packet {
                    guard result.count < packets.count else { break }
                    state.value.inflight.takePacket(sequence)
                    if record.fault == nil {
                        finish(packet, record.header)
                        count(packet, engineByteCount: record.engineByteCount)
                    }
                    if record.fault == nil || !state.value.engine.ownsPackets {
                        if record.fault != nil {
                            seenCount = passOver(result.count, of: packets, seenCount)
                        }
                        packets[result.count] = packet
                        result.count &+= 1
                    } else {
                        packet.freeChain()
                        lostCount &+= 1
                    }
                }
                if writeUsed(sequence, &ring) { didWrite = true }
            } else if !isRelaxed {
                break
            }
            sequence &+= 1
        }
        state.value.inflight.dropFront()
        captureArrived(packets, result.count, seen: seenCount)
        countInflight(completed: result.count &+ lostCount)
        Probe.complete(
            device.value.vid, UInt16(truncatingIfNeeded: queue.value.index), count: result.count,
            lost: lostCount)
        if didWrite { result.didNotify = publish(&ring) }
        return result
    }

    /// Writes an entry's used entries, once, and counts why a chain goes back unused; false when
    /// there is no ring or it was done before.
    private func writeUsed<R: Ring & ~Copyable>(_ sequence: UInt32, _ ring: inout R) -> Bool {
        let record = state.value.inflight[sequence]
        guard record.usedCount > 0 else { return false }
        if let fault = record.fault { countDrop(fault) }
        return state.value.inflight.writeUsed(sequence, into: &ring)
    }
}
