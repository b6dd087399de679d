// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// Adds one to an eventfd that somebody else may have made blocking and filled, without ever
/// waiting. `write` would wait then: O_NONBLOCK belongs to the open file, which the peer shares and
/// may change between any check of ours and the write. The kernel's own signal does not wait, and
/// asynchronous I/O reaches it: an operation that ends at once, with the eventfd to be told.
enum EventSignal {
    /// The context, 0 before it is made, or where the system gives none.
    private static let context = Atomic<UInt64>(0)
    /// A file at its end: /dev/null.
    private static let file = Atomic<Int32>(-1)

    /// Operations at a time; they end before the call returns, and are forgotten in bulk.
    private static let operationCount: UInt32 = 128

    /// The process that made the context: a child's is another one.
    private static let owner = Atomic<Int32>(0)

    private static let lock = SpinLock()

    /// Makes what `send` needs, as far as it is not there. Called with each socket that is
    /// registered: what the system did not give once it may give later.
    static func prepare() {
        lock.lock()
        defer { lock.unlock() }
        if context.load(ordering: .relaxed) == 0 {
            owner.store(getpid(), ordering: .releasing)
            context.store(crte_aio_setup(operationCount), ordering: .releasing)
        }
        // The descriptor stays open for good.
        if file.load(ordering: .relaxed) < 0 {
            file.store(crte_open_null(), ordering: .releasing)
        }
    }

    /// In a child process, while it has one thread: whoever was about to make it does not.
    static func freeInChild() { _ = lock.freeInChild() }

    /// Adds one. False when the descriptor is closed or no eventfd.
    static func send(_ event: Int32) -> Bool {
        let null = file.load(ordering: .acquiring)
        // Bounded: each turn repairs what the one before met.
        for _ in 0..<3 {
            let current = context.load(ordering: .acquiring)
            guard current != 0, null >= 0 else { break }
            if crte_aio_signal(current, null, event) == 1 { return true }
            let code = crte_errno()
            if code == EAGAIN {
                crte_aio_reap(current)
            } else if code != EINVAL || !remakeAfterFork() {
                break
            }
        }
        return write(event)
    }

    /// Where there is no asynchronous I/O: a check and a write, between which a hostile peer has a
    /// moment.
    private static func write(_ event: Int32) -> Bool {
        System.isNonBlocking(event) && System.signal(event)
    }

    /// A child process has none of its parent's contexts: makes one, once. False in the process
    /// that made the one there is.
    private static func remakeAfterFork() -> Bool {
        let process = getpid()
        let parent = owner.load(ordering: .acquiring)
        guard parent != process else { return false }
        let (isFirst, _) = owner.compareExchange(
            expected: parent, desired: process, ordering: .acquiringAndReleasing)
        if isFirst { context.store(crte_aio_setup(operationCount), ordering: .releasing) }
        return true
    }
}
