// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// A lock for sections of a burst's length, without system calls.
struct SpinLock: ~Copyable {
    private let word = Atomic<Bool>(false)

    /// Takes the lock, waiting for its holder.
    @inline(__always)
    borrowing func lock() {
        while !tryLock() { waitUntilFree() }
    }

    /// Takes the lock if it is free.
    @inline(__always)
    borrowing func tryLock() -> Bool {
        !word.exchange(true, ordering: .acquiring)
    }

    /// Takes the lock if its holder gives it back while it is looked at so often.
    borrowing func tryLock(spins: Int) -> Bool {
        for _ in 0..<spins {
            if !word.load(ordering: .relaxed), tryLock() { return true }
            crte_pause()
        }
        return false
    }

    /// Gives the lock back.
    @inline(__always)
    borrowing func unlock() {
        word.store(false, ordering: .releasing)
    }

    /// Gives the lock back for a thread of the parent's; true when one had it. In a child process,
    /// while it has one thread.
    borrowing func freeInChild() -> Bool { word.exchange(false, ordering: .relaxed) }

    /// Runs `body` with the lock held; no way out of it leaves the lock held.
    @inline(__always)
    borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Reads without writing, so that the holder keeps its cache line; gives the core away when the
    /// holder must have lost its own.
    @inline(never)
    private borrowing func waitUntilFree() {
        var spins = 0
        while word.load(ordering: .relaxed) {
            crte_pause()
            spins &+= 1
            if spins & 0x3ff == 0 { sched_yield() }
        }
    }
}
