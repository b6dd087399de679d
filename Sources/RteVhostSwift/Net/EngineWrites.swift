// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Guest memory that a DMA engine writes: the bytes of each packet it was given, in that order, to
/// be marked in the dirty log when it is done. Without room the processor copies.
struct EngineWrites: ~Copyable {
    /// Some bytes of a packet.
    struct Entry: BitwiseCopyable {
        /// The bytes.
        var slice = GuestSlice.empty
        /// They are the packet's last.
        var endsPacket = false
    }

    private let entries: FixedBuffer<Entry>
    private let mask: UInt32
    private var head: UInt32 = 0
    private var tail: UInt32 = 0

    /// Slices it was made for; 0 for queues that are not logged.
    let capacity: Int

    /// Room for `capacity` slices. Throws `outOfMemory`.
    init(capacity: Int) throws(VhostError) {
        var slots = 1
        while slots < capacity { slots *= 2 }
        entries = try FixedBuffer(count: slots, repeating: Entry())
        mask = UInt32(slots - 1)
        self.capacity = capacity
    }

    /// Slices for a ring of `ringSize` slots: packets of four buffers each, or a long one.
    static func capacity(ringSize: Int) -> Int { 4 * ringSize + SegmentList.maximumCount }

    /// Forgets all.
    mutating func removeAll() { head = tail }

    /// Adds a packet: the first `byteCount` bytes of the list. False when there is no room.
    mutating func add(_ segments: borrowing SegmentList, byteCount: Int) -> Bool {
        guard segments.count <= capacity &- Int(tail &- head) else { return false }
        var left = byteCount
        var index = 0
        while left > 0, index < segments.count {
            let count = min(segments[index].count, left)
            left &-= count
            entries[Int(tail & mask)] = Entry(
                slice: segments[index].part(from: 0, count: count), endsPacket: left == 0)
            tail &+= 1
            index &+= 1
        }
        return true
    }

    /// Takes the last packets back, which the engine did not accept.
    mutating func removeLast(_ packets: Int) {
        for _ in 0..<packets {
            guard head != tail else { return }
            repeat { tail &-= 1 } while tail != head && !entries[Int((tail &- 1) & mask)].endsPacket
        }
    }

    /// Marks the first packets, which the engine has copied.
    mutating func finish(_ packets: Int, in log: DirtyLog, _ memory: MemoryTable) {
        var pages = DirtyPages()
        var writes = DirtyRun()
        for _ in 0..<packets {
            var isLast = false
            while head != tail, !isLast {
                let entry = entries[Int(head & mask)]
                head &+= 1
                writes.add(entry.slice, log, memory, to: &pages)
                isLast = entry.endsPacket
            }
        }
        writes.end(log, to: &pages)
        pages.end(log)
    }
}
