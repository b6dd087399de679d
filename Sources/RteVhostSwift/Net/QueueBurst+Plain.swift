// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Runs of plain packets, where the processor copies: most packets are one buffer, and what the
/// loops do for longer ones is left out. What is no plain packet is left to the loops.
extension QueueBurst {
    /// Takes at most `limit` packets into `packets` from `start` on. Returns how many.
    @inline(__always)
    func dequeuePlain<R: Ring & ~Copyable>(
        _ ring: inout R, packets: PacketArray, start: Int, limit: Int
    ) -> Int {
        let mbufs = state.value.supply.atHand
        let headerByteCount = profile.headerByteCount
        var run = ring.beginRun(.deviceReads, limit: min(limit, mbufs.count))
        var total = 0
        while run.count < run.limit {
            let packet = mbufs[run.count]
            guard let chain = ring.nextPlain(run, from: memory) else { break }
            let byteCount = chain.buffer.count &- headerByteCount
            // virtio 1.2, 5.1.6: a packet has a header; one without payload is no packet.
            guard byteCount > 0, byteCount <= packet.capacity else { break }
            let header = profile.hasGuestOffloads ? chain.buffer.loadHeader() : NetHeader()
            CopyPair(
                chain.buffer.part(from: headerByteCount, count: byteCount),
                packet.room.part(from: 0, count: byteCount)
            ).copyBytes(.deviceReads)
            packet.prepare(byteCount: byteCount)
            finish(packet, header)
            packets[start &+ run.count] = packet
            ring.usePlain(&run, chain, byteCount: 0)
            total &+= byteCount
        }
        ring.endRun(run)
        state.value.supply.drop(run.count)
        count(packets: run.count, byteCount: total)
        return run.count
    }

    /// Gives the guest at most `limit` packets from `start` on. Returns how many.
    @inline(__always)
    func enqueuePlain<R: Ring & ~Copyable>(
        _ ring: inout R, packets: PacketArray, start: Int, limit: Int
    ) -> Int {
        let headerByteCount = profile.headerByteCount
        var run = ring.beginRun(.deviceWrites, limit: limit)
        var total = 0
        while run.count < run.limit {
            guard let packet = packets[start &+ run.count] else { break }
            let data = packet.data
            let byteCount = data.count &+ headerByteCount
            guard data.count == packet.packetByteCount,
                let chain = ring.nextPlain(run, from: memory), byteCount <= chain.buffer.count
            else { break }
            var header = SendOffload.header(for: packet)
            // virtio 1.2, 5.1.6.4: num_buffers is 1 where MRG_RXBUF was not negotiated.
            header.bufferCount = 1
            chain.buffer.storeHeader(header, byteCount: headerByteCount)
            CopyPair(
                chain.buffer.part(from: headerByteCount, count: data.count), data
            ).copyBytes(.deviceWrites)
            ring.usePlain(
                &run, chain, byteCount: UInt32(truncatingIfNeeded: byteCount))
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
