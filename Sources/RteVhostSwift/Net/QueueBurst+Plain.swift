// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Runs of plain packets, where the processor copies: most packets are one buffer, and what the
/// loops do for longer ones is left out. What is no plain packet is left to the loops.
extension QueueBurst {
    /// Takes at most as many packets as `packets` has places. Returns how many; not 0 when it is
    /// worth another call. A function by itself, whose loop lives in registers.
    @inline(never)
    func dequeuePlain<R: Ring & ~Copyable>(_ ring: inout R, _ packets: PacketArray) -> Int {
        let objects = state.value.supply.atHand
        let headerByteCount = profile.headerByteCount
        precondition(headerByteCount >= 0)
        let takesHeader = profile.hasGuestOffloads
        let memory = memory
        var run = ring.beginRun(.deviceReads, limit: min(packets.count, objects.count))
        let mbufs = objects.first(run.limit)
        let places = packets.first(run.limit)
        var total = 0
        while run.count < run.limit {
            let packet = mbufs[run.count]
            guard let chain = run.next(from: memory) else { break }
            let byteCount = chain.buffer.count &- headerByteCount
            // virtio 1.2, 5.1.6: a packet has a header; one without payload is no packet.
            guard byteCount > 0, byteCount <= packet.capacity else { break }
            let header = takesHeader ? chain.buffer.loadHeader() : NetHeader()
            CopyPair(
                chain.buffer.dropping(headerByteCount), packet.freshRoom(byteCount)
            ).copyBytes(.deviceReads)
            packet.prepareFilled(byteCount: byteCount)
            if !header.isPlain { finish(packet, header) }
            places[run.count] = packet
            run.use(chain, byteCount: 0)
            total &+= byteCount
        }
        ring.endRun(run)
        state.value.supply.drop(run.count)
        count(packets: run.count, byteCount: total)
        return run.count
    }

    /// Gives the guest at most all of `packets`. Returns how many; not 0 when it is worth another
    /// call.
    @inline(never)
    func enqueuePlain<R: Ring & ~Copyable>(_ ring: inout R, _ packets: PacketArray) -> Int {
        let headerByteCount = profile.headerByteCount
        precondition(headerByteCount > 0)
        let memory = memory
        var run = ring.beginRun(.deviceWrites, limit: packets.count)
        let packets = packets.first(run.limit)
        var total = 0
        while run.count < run.limit {
            guard let packet = packets[run.count] else { break }
            let data = packet.plainData
            let byteCount = data.count &+ headerByteCount
            guard data.count == packet.packetByteCount, let chain = run.next(from: memory),
                byteCount <= chain.buffer.count
            else { break }
            var header = SendOffload.header(for: packet)
            // virtio 1.2, 5.1.6.4: num_buffers is 1 where MRG_RXBUF was not negotiated.
            header.bufferCount = 1
            chain.buffer.storeHeader(header, byteCount: headerByteCount)
            CopyPair(
                chain.buffer.part(from: headerByteCount, count: data.count), data
            ).copyBytes(.deviceWrites)
            run.use(chain, byteCount: UInt32(truncatingIfNeeded: byteCount))
            total &+= data.count
        }
        ring.endRun(run)
        count(packets: run.count, byteCount: total)
        return run.count
    }

    @inline(__always)
    private func count(packets: Int, byteCount: Int) {
        queue.value.statistics.packets &+= UInt64(truncatingIfNeeded: packets)
        queue.value.statistics.bytes &+= UInt64(truncatingIfNeeded: byteCount)
    }
}
