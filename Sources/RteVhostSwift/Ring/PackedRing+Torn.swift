// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a device that was killed left of a packet in several chains. virtio 1.2, 2.8.6, has a driver
/// wait for the first one's used descriptor, which is written last. Between the two it is in nobody's
/// power to see to it that both are written: the driver would wait for ever, and who serves the ring
/// next would find slots that nobody offers.
extension PackedRing {
    /// Chains of one slot that are offered from `nextUsed` on, and behind them slots that are used
    /// already; nil where there are none of either. Nothing is used ahead of its turn otherwise.
    private func tornSlots() -> (open: Int, used: Int)? {
        var position = nextUsed
        var (open, used) = (0, 0)
        while open < size {
            let slot = descriptor(position.index)
            guard slot.isAvailable(position.wrapCounter) else { break }
            // Where chains have several slots, those behind cannot be told apart.
            guard !slot.hasNext else { return nil }
            position.advance(by: 1, size: size)
            open += 1
        }
        while open + used < size, descriptor(position.index).isUsed(position.wrapCounter) {
            position.advance(by: 1, size: size)
            used += 1
        }
        // The most buffers that a packet is ever put in.
        let isPacket = open + used <= SegmentList.maximumCount
        return open > 0 && used > 0 && isPacket ? (open, used) : nil
    }

    /// Completes such a packet of a receive queue with mergeable buffers, before anything is taken.
    /// Its bytes are there, and its header says how many chains it has: num_buffers, virtio 1.2,
    /// 5.1.6.4. Those that are not used are full, as `publishUsed` begins at the end. What does not
    /// agree with that is left alone. Throws `outOfMemory`: then the ring has to be started anew.
    mutating func completeTornPacket(from memory: AddressSpace) throws(VhostError) {
        guard let torn = tornSlots() else { return }
        let start = nextUsed
        var segments = try SegmentList(ringSize: size)
        for index in 0..<torn.open {
            segments.removeAll()
            guard case .chain(var entry) = takeChain(.deviceWrites, into: &segments, from: memory),
                segments.byteCount <= UInt64(UInt32.max), index > 0 || segments.count > 0,
                index > 0 || hasHeader(segments[0], of: torn)
            else {
                // Nothing was written yet.
                try self.start(nextAvailable: start, nextUsed: start)
                return
            }
            entry.byteCount = UInt32(segments.byteCount)
            putUsed(entry, continues: index > 0)
        }
        publishUsed()
        pass(torn.used)
    }

    /// True when the packet that begins there has as many chains as were found.
    private func hasHeader(_ bytes: GuestSlice, of torn: (open: Int, used: Int)) -> Bool {
        bytes.count >= 12 && Int(bytes.load16(at: 10)) == torn.open + torn.used
    }
}
