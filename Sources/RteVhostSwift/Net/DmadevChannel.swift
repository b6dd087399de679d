// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A virtual channel of a DMA device, shared by queues, devices and threads. It knows no packets:
/// its copies have numbers that are never used again, and end in that order (DPDK: "ring_idx" grows
/// by one, completions come in order). A queue keeps the numbers of its packets and compares, so
/// that nothing stale can reach a queue. The cell's lock is held while the device is called and
/// while what is not atomic is read or written; a queue's lock may be held already, never another
/// channel's.
struct DmadevChannel: ~Copyable {
    /// Device and channel, as the table has them.
    let key: UInt32
    /// Between rte_vhost_async_dma_configure and its end.
    let isConfigured = Atomic<Bool>(false)
    /// Number of the last copy that ended, well or not.
    let ended = Atomic<UInt64>(0)
    /// Number of the last copy that failed.
    fileprivate let lastFailed = Atomic<UInt64>(0)

    private var library: DmadevLibrary?
    /// Nil before the device is there and after it went.
    private var device: DmadevDevice?
    /// rte_dma_configure gave the device this channel.
    private var isSetUp = false
    fileprivate var failures = DmadevFailures()
    /// Number of the next copy, and its place in the device's ring.
    private var next: UInt64 = 1
    private var nextPlace: UInt16 = 0
    /// What the last audit saw ended, and since when it did not change.
    private var auditedEnd = UInt64.max
    private var auditStart: UInt64 = 0

    /// A channel that is not configured.
    init(key: UInt32) { self.key = key }

    private var number: Int16 { Int16(bitPattern: UInt16(truncatingIfNeeded: key >> 16)) }
    private var channel: UInt16 { UInt16(truncatingIfNeeded: key) }

    /// Copies under way.
    private var underWay: UInt64 { next &- 1 &- ended.load(ordering: .relaxed) }
}

/// For the control plane; under the lock.
extension DmadevChannel {
    /// Takes a device's channel into service. Throws `unsupported`, `notFound`, `invalidArgument`.
    mutating func configure(_ library: DmadevLibrary) throws(VhostError) {
        let counts = try library.channelCounts(number)
        guard Int(channel) < counts.most else { throw .invalidArgument }
        let device = try library.device(number)
        self.library = library
        self.device = device
        // DPDK 22.11 takes channels that do not exist yet; they must not be asked for anything.
        isSetUp = Int(channel) < counts.configured
        isConfigured.store(true, ordering: .releasing)
    }

    /// Takes it out of service. Throws `notFound`, and `busy` while copies are under way.
    mutating func unconfigure(_ now: UInt64) throws(VhostError) {
        guard isConfigured.load(ordering: .relaxed) else { throw .notFound }
        audit(now)
        guard underWay == 0 else { throw .busy }
        isConfigured.store(false, ordering: .releasing)
        device = nil
    }

    /// Finds copies that will never end: those of a device that is gone, and those of one that was
    /// stopped and started again, which says that it has nothing while nothing ended for half a
    /// second. Without it a queue could not be stopped any more.
    mutating func audit(_ now: UInt64) {
        poll()
        guard underWay > 0, let library else { return }
        guard library.has(number) else {
            lose()
            return leave()
        }
        let end = ended.load(ordering: .relaxed)
        guard end == auditedEnd else {
            auditedEnd = end
            auditStart = now
            return
        }
        guard now &- auditStart > 500_000_000, library.isIdle(number, channel) == true else {
            return
        }
        poll()
        if ended.load(ordering: .relaxed) == end { lose() }
    }

    /// The device is gone; nothing is asked of it any more.
    private mutating func leave() {
        guard device != nil else { return }
        device = nil
        let number = Int(number)
        Log.error { line in
            line.add("DMA device ")
            line.add(number)
            line.add(" is gone; the processor copies")
        }
    }

    /// The channel may have been set up since it was configured.
    private mutating func check() -> Bool {
        guard let library, let counts = try? library.channelCounts(number) else { return false }
        isSetUp = Int(channel) < counts.configured
        return isSetUp
    }
}

/// For bursts; under the lock.
extension DmadevChannel {
    /// Copies that the device takes now.
    @inline(never)
    mutating func room() -> Int {
        guard let device, isSetUp || check() else { return 0 }
        let room = device.capacity(channel)
        guard room < 64 else { return room }
        poll()
        let roomNow = device.capacity(channel)
        guard roomNow == 0, let library, !library.has(number) else { return roomNow }
        lose()
        leave()
        return 0
    }

    /// Gives the device one packet's copies; there must be room for them. Nil when it does not take
    /// the first; one that it takes in part will be a failed packet when they have ended.
    @inline(__always)
    mutating func copy(_ pieces: borrowing EnginePieces, packet: Int) -> DmadevTicket? {
        guard let device else { return nil }
        var ticket = DmadevTicket()
        let count = pieces.pieceCount(of: packet)
        var index = 0
        while index < count {
            let piece = pieces.piece(index, of: packet)
            let place = device.copy(
                channel, from: piece.from, to: piece.to,
                count: UInt32(truncatingIfNeeded: piece.count))
            guard place >= 0, place <= Int32(UInt16.max) else {
                guard index > 0 else { return nil }
                ticket.isBroken = true
                return ticket
            }
            ticket.last = number(UInt16(truncatingIfNeeded: place))
            if index == 0 { ticket.first = ticket.last }
            index &+= 1
        }
        return ticket
    }

    /// Has the device begin.
    func submit() { device?.submit(channel) }

    /// The number of a copy that the device put at `place`.
    @inline(__always)
    private mutating func number(_ place: UInt16) -> UInt64 {
        // Places are skipped by somebody else's copies among ours; or the device was started again:
        // DPDK: places begin with 0 then, what it had is forgotten. Skipped numbers end with the
        // next one that the device reports, and what it left out before that one is lost.
        if underWay > 0 { next &+= UInt64(place &- nextPlace) }
        nextPlace = place &+ 1
        next &+= 1
        return next &- 1
    }
}

/// Completions; under the lock.
extension DmadevChannel {
    /// Asks the device what ended.
    @inline(never)
    mutating func poll() {
        guard let device, underWay > 0 else { return }
        let answer = device.completed(
            channel, limit: UInt16(clamping: underWay))
        if answer.count > 0 { _ = end(answer.count, last: answer.last) }
        if answer.hasError { pollStatuses(device) }
    }

    /// The same behind a failed copy. Out of line: it is rare.
    @inline(never)
    private mutating func pollStatuses(_ device: DmadevDevice) {
        var statuses = InlineArray<64, UInt32>(repeating: 0)
        // Bounded: each turn ends a copy.
        while underWay > 0 {
            let answer = device.completed(channel, statuses: &statuses)
            guard answer.count > 0 else { return }
            let before = ended.load(ordering: .relaxed)
            let last = position(of: answer.last)
            for index in 0..<answer.count where statuses[index] != 0 && last > before {
                let failed = last &- UInt64(answer.count &- 1 &- index)
                if failed > before, failed <= last { fail(failed, through: failed) }
            }
            guard end(answer.count, last: answer.last) else { return }
        }
    }

    /// Number of the copy at a place of the device's ring that was taken last.
    private func position(of place: UInt16) -> UInt64 {
        let back = UInt64(nextPlace &- 1 &- place)
        return next &- 1 > back ? next &- 1 &- back : 0
    }

    /// Ends `count` copies up to the one at place `last`. What the device left out is lost. False
    /// when it reports what it was not given.
    private mutating func end(_ count: Int, last place: UInt16) -> Bool {
        let before = ended.load(ordering: .relaxed)
        let last = position(of: place)
        guard last > before else { return false }
        let left = Int(last &- before) - count
        if left > 0 { fail(before &+ 1, through: before &+ UInt64(left)) }
        ended.store(last, ordering: .releasing)
        return true
    }

    /// Everything under way has failed.
    private mutating func lose() {
        let before = ended.load(ordering: .relaxed)
        let last = next &- 1
        guard last > before else { return }
        fail(before &+ 1, through: last)
        ended.store(last, ordering: .releasing)
    }

    private mutating func fail(_ first: UInt64, through last: UInt64) {
        failures.add(first, through: last)
        lastFailed.store(last, ordering: .relaxed)
    }

}

/// Questions of queues; any thread, without the lock.
extension HeapCell where Value == DmadevChannel {
    /// True when a packet's copies have ended.
    @inline(__always)
    func hasEnded(_ ticket: DmadevTicket) -> Bool {
        value.ended.load(ordering: .acquiring) >= ticket.last
    }

    /// How far the channel is.
    @inline(__always)
    var progress: DmadevProgress {
        let ended = value.ended.load(ordering: .acquiring)
        return DmadevProgress(
            ended: ended, lastFailed: value.lastFailed.load(ordering: .relaxed))
    }

    /// True when one of a packet's copies failed; they have ended.
    func hasFailed(_ ticket: DmadevTicket) -> Bool {
        lock.withLock { value.failures.has(ticket.first, through: ticket.last) }
    }
}
