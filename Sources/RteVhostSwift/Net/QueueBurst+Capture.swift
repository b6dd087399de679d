// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Copies of packets for somebody who captures. Out of line: only while somebody does.
extension QueueBurst {
    /// Shows the first `count` packets of `packets`, which have arrived, to somebody who captures, but
    /// for the first `seen`, which were shown.
    @inline(__always)
    func captureArrived(_ packets: PacketArray, _ count: Int, seen: Int = 0) {
        if queue.value.isCaptured.load(ordering: .relaxed) { capture(packets, seen, count) }
    }

    /// Passes over the packet at `index`, which an engine failed to copy: it has not arrived. Those
    /// in front of it, but for the first `seen`, are shown. How many were seen then.
    @inline(never)
    func passOver(_ index: Int, of packets: PacketArray, _ seen: Int) -> Int {
        captureArrived(packets, index, seen: seen)
        return index &+ 1
    }

    /// Puts copies of the packets from `first` to before `end`, which have arrived, into the queue's
    /// capture ring.
    @inline(never)
    func capture(_ packets: PacketArray, _ first: Int, _ end: Int) {
        guard first < end, let ring = queue.value.capture.load(), ring.value.beginWriting() else {
            return
        }
        let time = System.nanoseconds()
        let isToGuest = queue.value.index & 1 == 0
        for index in first..<end {
            guard let packet = packets[index] else { continue }
            let header =
                isToGuest || profile.usesLegacyOffloadFlags
                ? SendOffload.wish(of: packet) : ReceiveOffload.header(of: packet)
            append(packet, header, time, to: ring)
        }
        ring.value.endWriting()
    }

    private func append(
        _ packet: PacketBuffer, _ header: NetHeader, _ time: UInt64,
        to ring: HeapCell<CaptureRing>
    ) {
        // What an application says about its packet's length need not be so.
        var left = min(segmentBytes(of: packet), ring.value.limit)
        let words = (header.first, UInt64(header.checksumOffset))
        guard
            ring.value.beginRecord(
                byteCount: left, of: packet.packetByteCount, time: time, header: words)
        else { return }
        var segment = Optional(packet)
        while left > 0, let current = segment {
            let count = min(left, current.byteCount)
            current.data.copy(first: count, to: ring)
            left &-= count
            segment = current.next
        }
        ring.value.endRecord()
    }

    /// Bytes of all segments, bounded by their number.
    private func segmentBytes(of packet: PacketBuffer) -> Int {
        var segment = Optional(packet)
        var sum = 0
        for _ in 0..<max(packet.segmentCount, 1) {
            guard let current = segment else { break }
            sum &+= current.byteCount
            segment = current.next
        }
        return sum
    }
}
