// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// One FIFO, in the order in which the guest made packets available. An entry is in flight or was
/// born complete; completion pops from the front.
struct InflightPackets: ~Copyable {
    private let records: FixedBuffer<InflightPacket>
    private let usedEntries: FixedBuffer<UsedEntry>
    private let mask: UInt32
    /// Slots: those of the ring.
    let capacity: Int

    /// Sequence numbers of the first entry and of the next one.
    private(set) var head: UInt32 = 0
    private(set) var tail: UInt32 = 0
    private var usedHead: UInt32 = 0
    private var usedTail: UInt32 = 0
    /// Sequence number from which on the engine's next completion is looked for.
    private var engineNext: UInt32 = 0
    /// Packets taken and not yet handed out.
    private(set) var packetCount = 0
    /// Packets that the engine accepted and did not report yet.
    private(set) var engineCount = 0

    /// A FIFO for a ring of `ringSize` slots, with room for `atLeast` entries that are there.
    init(ringSize: Int, atLeast: Int = 0) throws(VhostError) {
        var slots = 1
        while slots < max(ringSize, atLeast) { slots *= 2 }
        let records = try FixedBuffer(count: slots, repeating: InflightPacket())
        let usedEntries = try FixedBuffer(
            count: slots, repeating: UsedEntry(id: 0, descriptorCount: 0, byteCount: 0))
        capacity = ringSize
        mask = UInt32(slots - 1)
        self.records = records
        self.usedEntries = usedEntries
    }

    /// Entries.
    @inline(__always)
    var count: Int { Int(tail &- head) }

    /// Sequence number behind the last packet whose chains were used before those of one in front of
    /// it; nil where there is none.
    var overtakenEnd: UInt32? {
        var end: UInt32?
        var hasUnused = false
        var sequence = head
        while sequence != tail {
            if self[sequence].usedCount > 0 {
                hasUnused = true
            } else if hasUnused {
                end = sequence &+ 1
            }
            sequence &+= 1
        }
        return end
    }

    /// Entries that may still be pushed: none while more wait, of a ring that was larger, than this
    /// one has slots.
    @inline(__always)
    var room: Int { max(0, capacity &- count) }

    /// Used entries that may still be pushed.
    @inline(__always)
    var usedRoom: Int { capacity &- Int(usedTail &- usedHead) }

    /// The entry at a sequence number between `head` and `tail`.
    @inline(__always)
    subscript(sequence: UInt32) -> InflightPacket {
        get { records[Int(sequence & mask)] }
        nonmutating set { records[Int(sequence & mask)] = newValue }
    }

    /// Adds a used entry to the packet that is pushed next.
    @inline(__always)
    mutating func pushUsed(_ entry: UsedEntry) {
        usedEntries[Int(usedTail & mask)] = entry
        usedTail &+= 1
    }

    /// Adds an entry whose `usedCount` used entries were pushed just before.
    @inline(__always)
    mutating func push(_ record: InflightPacket) {
        var record = record
        record.usedStart = usedTail &- UInt32(record.usedCount)
        if record.usedCount == 1 { record.entry = usedEntries[Int(record.usedStart & mask)] }
        self[tail] = record
        tail &+= 1
        if record.packet != nil { packetCount &+= 1 }
    }

    /// Adds a packet that has one used entry; there is room, for that as well.
    @inline(__always)
    mutating func push(_ packet: PacketBuffer, _ record: InflightPacket, _ entry: UsedEntry) {
        var record = record
        record.packet = packet
        record.entry = entry
        record.usedCount = 1
        record.usedStart = usedTail
        usedTail &+= 1
        self[tail] = record
        tail &+= 1
        packetCount &+= 1
    }

    /// Counts packets that the engine accepted.
    mutating func accept(_ count: Int) { engineCount &+= count }

    /// Marks the engine's next `count` packets complete, at most those it has; failed ones go back
    /// to the guest unused.
    mutating func complete(_ count: Int, isFailed: Bool = false) {
        var left = min(count, engineCount)
        engineCount &-= left
        // Bounded by the entries there are.
        while left > 0, engineNext != tail {
            if !self[engineNext].isComplete {
                self[engineNext].isComplete = true
                if isFailed { fail(engineNext) }
                left &-= 1
            }
            engineNext &+= 1
        }
    }

    /// The packet's chains hold nothing.
    @inline(never)
    private func fail(_ sequence: UInt32) {
        self[sequence].fault = .notCopied
        self[sequence].entry.byteCount = 0
        let record = self[sequence]
        for index in 0..<UInt32(record.usedCount) {
            usedEntries[Int((record.usedStart &+ index) & mask)].byteCount = 0
        }
    }

    /// Takes the last entry back: the engine did not accept it, or the device closes. There must be
    /// one.
    mutating func removeLast() -> InflightPacket {
        precondition(head != tail)
        tail &-= 1
        let record = self[tail]
        usedTail = record.usedStart
        if tail == head { usedHead = usedTail }
        if record.packet != nil { packetCount &-= 1 }
        // What comes next into this slot has not been looked at.
        if Int32(bitPattern: engineNext &- tail) > 0 { engineNext = tail }
        return record
    }

    /// Takes over the packets of a FIFO whose used entries were all written: complete ones that
    /// the application has not fetched. The caller made room for them.
    mutating func adopt(_ other: borrowing InflightPackets) {
        var sequence = other.head
        while sequence != other.tail {
            var record = other[sequence]
            record.usedCount = 0
            if record.packet != nil { push(record) }
            sequence &+= 1
        }
    }

    /// Writes an entry's used entries, once.
    @inline(__always)
    mutating func writeUsed<R: Ring & ~Copyable>(_ sequence: UInt32, into ring: inout R) -> Bool {
        let record = self[sequence]
        guard record.usedCount > 0 else { return false }
        self[sequence].usedCount = 0
        // A ring that was taken away has nothing to write to; the guest finds its chains unused.
        guard ring.size > 0 else { return false }
        guard record.usedCount > 1 else {
            ring.putUsed(record.entry)
            return true
        }
        for index in 0..<UInt32(record.usedCount) {
            ring.putUsed(
                usedEntries[Int((record.usedStart &+ index) & mask)], continues: index > 0)
        }
        return true
    }

    /// Takes the packet out of an entry, which was looked at.
    @inline(__always)
    mutating func takePacket(_ sequence: UInt32) {
        self[sequence].packet = nil
        packetCount &-= 1
    }

    /// Drops the first `count` packets: their used entries were written, and they handed out.
    @inline(__always)
    mutating func dropPlain(_ count: Int) {
        head &+= UInt32(truncatingIfNeeded: count)
        packetCount &-= count
        usedHead = head == tail ? usedTail : self[head].usedStart
        if Int32(bitPattern: engineNext &- head) < 0 { engineNext = head }
    }

    /// Drops complete entries without a packet from the front.
    @inline(__always)
    mutating func dropFront() {
        while head != tail, self[head].isComplete, self[head].packet == nil,
            self[head].usedCount == 0
        {
            head &+= 1
            usedHead = head == tail ? usedTail : self[head].usedStart
        }
        if Int32(bitPattern: engineNext &- head) < 0 { engineNext = head }
    }
}
