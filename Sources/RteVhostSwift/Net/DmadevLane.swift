// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// One queue's packets on channels of DMA devices: which channel, and which of its copies. The
/// channel may be another one with each call. Guarded by the queue's lock.
struct DmadevLane: ~Copyable {
    private let tickets: FixedBuffer<DmadevTicket>
    private let mask: UInt32
    /// Slots that it is made for.
    let ringSize: Int
    private var head: UInt32 = 0
    private var tail: UInt32 = 0
    /// The channel of the call at hand.
    private var channel: HeapCell<DmadevChannel>?
    /// Times in a row that nothing had ended.
    private var emptyCount: UInt32 = 0

    /// A lane without room.
    init() {
        tickets = FixedBuffer()
        mask = 0
        ringSize = 0
    }

    /// A lane for a ring of `ringSize` slots. Throws `outOfMemory`.
    init(ringSize: Int) throws(VhostError) {
        var slots = 1
        while slots < ringSize { slots *= 2 }
        tickets = try FixedBuffer(count: ringSize > 0 ? slots : 0, repeating: DmadevTicket())
        mask = UInt32(slots - 1)
        self.ringSize = ringSize
    }

    /// Chooses the channel of the call at hand.
    mutating func select(_ channel: HeapCell<DmadevChannel>?) { self.channel = channel }

    /// Copies that the channel takes now.
    func room() -> Int {
        guard let channel else { return 0 }
        return channel.lock.withLock { channel.value.room() }
    }

    /// Gives the channel the first `count` packets; how many it took.
    @inline(never)
    mutating func transfer(_ pieces: borrowing EnginePieces, count: Int) -> Int {
        guard let channel else { return 0 }
        channel.lock.lock()
        defer { channel.lock.unlock() }
        // Another thread may have filled the channel since the burst began.
        var room = channel.value.room()
        var taken = 0
        while taken < count, Int(tail &- head) < tickets.count {
            room -= pieces.pieceCount(of: taken)
            guard room >= 0, var ticket = channel.value.copy(pieces, packet: taken) else { break }
            ticket.channel = channel
            tickets[Int(tail & mask)] = ticket
            tail &+= 1
            taken += 1
            if ticket.isBroken { break }
        }
        if taken > 0 { channel.value.submit() }
        return taken
    }

    /// Packets at the front that have ended, all well or all failed, at most `limit`.
    @inline(never)
    mutating func take(limit: Int) -> (count: Int, isFailed: Bool) {
        guard head != tail, limit > 0 else { return (0, false) }
        if !isFrontDone { ask() }
        var count = 0
        var isFailed = false
        // What the channel of the ticket before had ended and lost.
        var known = tickets[Int(head & mask)].channel
        var progress = known?.progress ?? .all
        // Bounded by `limit`, and by the packets there are.
        while count < limit, head != tail {
            let ticket = tickets[Int(head & mask)]
            if ticket.channel != known {
                known = ticket.channel
                progress = known?.progress ?? .all
            }
            guard progress.ended >= ticket.last else { break }
            let failed =
                ticket.isBroken
                || progress.lastFailed >= ticket.first && ticket.channel?.hasFailed(ticket) ?? true
            if count > 0, failed != isFailed { break }
            isFailed = failed
            count &+= 1
            head &+= 1
        }
        return (count, isFailed)
    }

    private var isFrontDone: Bool {
        let ticket = tickets[Int(head & mask)]
        return ticket.channel?.hasEnded(ticket) ?? true
    }

    /// Asks the call's channel, and the one that the front waits for, what ended. A channel whose
    /// lock is held is being asked.
    private mutating func ask() {
        let front = tickets[Int(head & mask)].channel
        if let channel { Self.poll(channel) }
        if let front, channel.map({ !($0 == front) }) ?? true { Self.poll(front) }
        emptyCount = isFrontDone ? 0 : emptyCount &+ 1
        if emptyCount & 0xfff == 0xfff { audit() }
    }

    private static func poll(_ channel: HeapCell<DmadevChannel>) {
        guard channel.lock.tryLock() else { return }
        channel.value.poll()
        channel.lock.unlock()
    }

    /// Finds out whether what the front waits for will never end.
    @inline(never)
    func audit() {
        guard head != tail, let front = tickets[Int(head & mask)].channel else { return }
        front.lock.withLock { front.value.audit(System.nanoseconds()) }
    }
}
