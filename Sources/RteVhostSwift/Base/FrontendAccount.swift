// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// What the frontends of one socket cost the others: time that the event thread waits for answers
/// about files, lines of the log, files that do not close. Kept from one connection to the next.
/// The lock guards all but what is atomic.
struct FrontendAccount: ~Copyable {
    /// The socket.
    private(set) var path = SocketPath()
    /// Nanoseconds to wait for answers about files: all of a frontend's answers together hold the
    /// event thread up for so long at once, and for a hundredth of the time in the long run.
    var patience = Allowance(most: 400_000_000, perSecond: 10_000_000)
    /// Lines about what went wrong, and others; the former are what the log has by default.
    private var complaints = Allowance(most: 64, perSecond: 5)
    private var chatter = Allowance(most: 2048, perSecond: 20)
    /// Lines that were left out since the last one that was not, and the level of what matters most
    /// among them.
    private var suppressed = (count: 0, level: Log.Level.debug)
    /// Threads of `ClosingFiles` that close one of its files now. Raised under the lock there.
    let closerCount = Atomic<Int>(0)
    /// Files that its frontends sent and that are not closed yet.
    let closingCount = Atomic<Int>(0)
    /// Questions about its files that were given up, and not answered since.
    let openQuestionCount = Atomic<Int>(0)

    /// Files that may wait to be closed before a frontend that sends more is hung up on.
    private static var closingLimit: Int { 128 }

    private static let current = AtomicCell<FrontendAccount>()
    private static let thread = Atomic<UInt>(0)

    /// A fresh one.
    init() {}

    /// Nothing was spent by whoever connects to this path. Lock held.
    mutating func open(_ path: SocketPath) {
        self.path = path
        patience = Allowance(most: 400_000_000, perSecond: 10_000_000)
        complaints = Allowance(most: 64, perSecond: 5)
        chatter = Allowance(most: 2048, perSecond: 20)
        suppressed = (0, .debug)
    }

    /// True when files do not close or questions are not answered that others would pay for.
    var isBurdened: Bool {
        closingCount.load(ordering: .relaxed) >= Self.closingLimit / 8
            || openQuestionCount.load(ordering: .relaxed) > 0
    }

    /// The account of the frontend whose doing it is what this thread does; nil for most threads.
    static var own: HeapCell<FrontendAccount>? {
        guard let account = current.load(),
            thread.load(ordering: .relaxed) == System.currentThread
        else { return nil }
        return account
    }

    /// From here on it is this one's doing what the thread does; returns whose it was. Event thread.
    @discardableResult
    static func charge(_ account: HeapCell<FrontendAccount>?) -> HeapCell<FrontendAccount>? {
        let before = own
        thread.store(System.currentThread, ordering: .relaxed)
        current.store(account)
        return before
    }

    /// False when too many of its files do not close.
    var mayReceive: Bool {
        closingCount.load(ordering: .relaxed) < (ClosingFiles.isCrowded ? 1 : Self.closingLimit)
    }

    /// Nil when a line of the log may not be written, and counted as left out; else how many were
    /// since the last one that was written, and their level. Lock held.
    mutating func admit(_ level: Log.Level) -> (count: Int, level: Log.Level)? {
        let now = System.nanoseconds()
        let isComplaint = level.rawValue <= Log.Level.warning.rawValue
        let left = isComplaint ? complaints.left(at: now) : chatter.left(at: now)
        guard left > 0 else {
            suppressed.count += 1
            if level.rawValue < suppressed.level.rawValue { suppressed.level = level }
            return nil
        }
        if isComplaint { complaints.take(1) } else { chatter.take(1) }
        defer { suppressed = (0, .debug) }
        return suppressed
    }
}
