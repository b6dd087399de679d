// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Four packets at once, where the ring has batches and the processor copies: most packets are one
/// buffer, and what the loops do for longer ones is left out.
extension QueueBurst {
    /// Takes the next four packets into `packets` from `start` on. False when they are no batch;
    /// nothing was taken then.
    @inline(__always)
    func dequeueBatch<R: Ring & ~Copyable>(
        _ ring: inout R, packets: PacketArray, start: Int
    ) -> Bool {
        let mark = ring.mark
        guard let batch = ring.takeBatch(.deviceReads, from: memory) else {
            return false
        }
        guard holds(batch) else {
            ring.rewind(to: mark)
            return false
        }
        var total = 0
        for index in 0..<ChainBatch.count {
            guard let packet = state.value.supply.next() else { break }
            let buffer = batch.buffers[index]
            let byteCount = buffer.count &- profile.headerByteCount
            let header = profile.hasGuestOffloads ? buffer.loadHeader() : NetHeader()
            CopyPair(
                buffer.part(from: profile.headerByteCount, count: byteCount),
                packet.room.part(from: 0, count: byteCount)
            ).copyBytes(.deviceReads)
            packet.byteCount = byteCount
            packet.packetByteCount = byteCount
            finish(packet, header)
            ring.putUsed(UsedEntry(id: batch.ids[index], descriptorCount: 1, byteCount: 0))
            packets[start &+ index] = packet
            total &+= byteCount
        }
        countBatch(byteCount: total)
        return true
    }

    /// True when each buffer of a batch is a packet that fits into the mbuf that is its turn.
    @inline(__always)
    private func holds(_ batch: ChainBatch) -> Bool {
        for index in 0..<ChainBatch.count {
            let byteCount = batch.buffers[index].count &- profile.headerByteCount
            guard byteCount > 0, let capacity = state.value.supply.capacity(ahead: index),
                byteCount <= capacity
            else { return false }
        }
        return true
    }

    /// Gives the guest four packets from `start` on. False when packets or buffers are no batch;
    /// nothing was taken then.
    @inline(__always)
    func enqueueBatch<R: Ring & ~Copyable>(
        _ ring: inout R, packets: PacketArray, start: Int
    ) -> Bool {
        let mark = ring.mark
        guard let batch = ring.takeBatch(.deviceWrites, from: memory) else {
            return false
        }
        guard holds(batch, packets: packets, start: start) else {
            ring.rewind(to: mark)
            return false
        }
        var total = 0
        for index in 0..<ChainBatch.count {
            guard let packet = packets[start &+ index] else { break }
            let data = packet.data
            let buffer = batch.buffers[index]
            var header = SendOffload.header(for: packet)
            header.bufferCount = 1
            buffer.storeHeader(header, byteCount: profile.headerByteCount)
            CopyPair(
                buffer.part(from: profile.headerByteCount, count: data.count), data
            ).copyBytes(.deviceWrites)
            ring.putUsed(
                UsedEntry(
                    id: batch.ids[index], descriptorCount: 1,
                    byteCount: UInt32(
                        truncatingIfNeeded: data.count &+ profile.headerByteCount)))
            total &+= data.count
        }
        countBatch(byteCount: total)
        return true
    }

    /// True when each packet is one segment and fits into the buffer that is its turn.
    @inline(__always)
    private func holds(_ batch: ChainBatch, packets: PacketArray, start: Int) -> Bool {
        for index in 0..<ChainBatch.count {
            guard let packet = packets[start &+ index],
                packet.byteCount == packet.packetByteCount,
                packet.byteCount &+ profile.headerByteCount <= batch.buffers[index].count
            else { return false }
        }
        return true
    }

    @inline(__always)
    private func countBatch(byteCount: Int) {
        queue.value.statistics.packets &+= UInt64(ChainBatch.count)
        queue.value.statistics.bytes &+= UInt64(byteCount)
    }
}
